import type { Resources } from "../app/mask-library";
import { docOf, draftColour, draftMask, draftStep } from "../app/selectors";
import type { AppState } from "../app/state";
import type { PaintedMask, Scene } from "../canvas/scene";
import { rgbOf } from "./palette";

const OBJECT = { fill: 0.34, line: 1.5 };
const DRAFT = { fill: 0.46, line: 2.25 };
const PREVIEW = { fill: 0.3, line: 1.25 };

/** The state as the canvas shall show it. */
export function sceneOf(state: AppState, resources: Resources): Scene {
  const { picture, view } = state;
  const size = picture?.size ?? null;
  const { draft } = docOf(state);
  const boxes = [draft.prompt.box, view.band].filter((box) => box !== null);
  return {
    camera: view.camera,
    view: view.size,
    picture: size,
    masks: masksOf(state, resources),
    points: draft.prompt.points,
    boxes,
  };
}

function masksOf(state: AppState, { library }: Resources): PaintedMask[] {
  const { objects, draft } = docOf(state);
  const masks: PaintedMask[] = [];
  for (const object of objects) {
    if (state.hidden.includes(object.id) || object.id === draft.editing) continue;
    const logits = library.get(object.step, object.candidate);
    if (logits !== null) masks.push({ logits, colour: rgbOf(object.colour), ...OBJECT });
  }
  const colour = rgbOf(draftColour(state));
  const shown = draftMask(state);
  const logits = shown === null ? null : library.get(shown.step, shown.candidate);
  if (logits !== null) masks.push({ logits, colour, ...DRAFT });
  else if (library.hover !== null && (state.hoverShown || draftStep(state)?.status === "waiting")) {
    masks.push({ logits: library.hover, colour, ...PREVIEW });
  }
  return masks;
}

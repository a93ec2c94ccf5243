import type { Resources } from "../app/mask-library";
import { objectColour, rgbOf } from "../app/palette";
import { docOf, draftColour, draftMask, draftStep } from "../app/selectors";
import type { AppState } from "../app/state";
import type { PaintedMask, Scene } from "../canvas/scene";

const OBJECT = { fill: 0.34, line: 1.5 };
const MARKED = { fill: 0.5, line: 3 };
const DRAFT = { fill: 0.46, line: 2.25 };
const PREVIEW = { fill: 0.3, line: 1.25 };

/** The state as the canvas shall show it. */
export function sceneOf(state: AppState, resources: Resources): Scene {
  const { picture, view } = state;
  const size = picture?.size ?? null;
  const { draft } = docOf(state);
  const boxes = [draft.prompt.box, view.band].filter((box) => box !== null);
  const { moving, pointer, tool } = view;
  const points = draft.prompt.points.map((point) => (point.id === moving?.id ? { ...point, at: moving.at } : point));
  const brushes = tool === "brush" || tool === "eraser";
  return {
    camera: view.camera,
    view: view.size,
    picture: size,
    masks: masksOf(state, resources),
    points,
    boxes,
    stroke: view.stroke,
    brush: brushes && pointer !== null ? { path: [pointer], radius: view.brush, erase: tool === "eraser" } : null,
    outline: view.outline ?? [],
    region: picture?.region ?? null,
    looking: draftStep(state)?.status === "waiting" ? view.looking : null,
  };
}

function masksOf(state: AppState, { library }: Resources): PaintedMask[] {
  const { objects, draft } = docOf(state);
  const masks: PaintedMask[] = [];
  for (const object of objects) {
    if (state.hidden.includes(object.id) || object.id === draft.editing) continue;
    const logits = library.get(object.step, object.candidate);
    const colour = rgbOf(objectColour(object, state.workspace.labels));
    const marked = state.marked.includes(object.id);
    if (logits !== null) masks.push({ logits, colour, ...(marked ? MARKED : OBJECT) });
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

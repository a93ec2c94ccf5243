import type { Action } from "./actions";
import { CLICKINGS } from "./clicking";
import { crosshairOf } from "./crosshair";
import { isIdle } from "./draft";
import { keysOf } from "./preferences";
import { offeredRegion } from "./region";
import { canRedo, canUndo, draftMask, draftOf, draftStep, exportable, objectsOf } from "./selectors";
import type { AppState, PicturePhase, ToolId } from "./state";
import { neighbourOf } from "./workspace";

/** A command is data: its keys, when it can be used, and the action that it makes. */
export interface Command {
  readonly id: CommandId;
  /** The defaults: a person may have chosen others. "mod" is Ctrl, and Command on a Mac. */
  readonly keys: readonly string[];
  readonly enabled: (state: AppState) => boolean;
  readonly action: (state: AppState) => Action;
}

export type CommandId = (typeof COMMAND_IDS)[number];

/** Of the first nine classes. */
export const QUICK_CLASSES = [
  "class.1",
  "class.2",
  "class.3",
  "class.4",
  "class.5",
  "class.6",
  "class.7",
  "class.8",
  "class.9",
] as const;

export const COMMAND_IDS = [
  "open",
  "next",
  "previous",
  "models",
  "encode",
  "region",
  "region.whole",
  "tool.point",
  "tool.box",
  "tool.scribble",
  "tool.lasso",
  "tool.brush",
  "tool.eraser",
  "tool.polygon",
  "tool.select",
  "tool.pan",
  "label.swap",
  "clicking",
  "brush.smaller",
  "brush.larger",
  "undo",
  "redo",
  "accept",
  "stop",
  "cancel",
  "candidate.1",
  "candidate.2",
  "candidate.3",
  "candidate.next",
  "mend.fill_holes",
  "mend.remove_islands",
  "mend.grow",
  "mend.shrink",
  "mend.smooth",
  ...QUICK_CLASSES,
  "class.none",
  "merge",
  "subtract",
  "duplicate",
  "delete",
  "zoom.in",
  "zoom.out",
  "zoom.fit",
  "export.mask",
  "export.cutout",
  "export.coco",
  "keys",
  "settings",
  "crosshair.add",
  "crosshair.remove",
  "crosshair.hold",
] as const;

const ZOOM_STEP = 1.25;
const hasPicture = (state: AppState): boolean => state.picture?.size != null;
const hasMask = (state: AppState): boolean => exportable(state).length > 0;
const isMendable = (state: AppState): boolean => draftMask(state) !== null;
const BRUSH_STEP = 1.25;
/** Pixels by which one press of a key grows or shrinks a mask. */
const GROW_STEP = 1;
const SMOOTH_RADIUS = 2;
const STOPPABLE: readonly (PicturePhase | undefined)[] = ["uploading", "loading", "encoding", "fetching", "waiting"];
const isHeld = (state: AppState): boolean => state.view.held || crosshairOf(state)?.held === true;
const canStop = (state: AppState): boolean =>
  state.view.dialog === null && !isHeld(state) && STOPPABLE.includes(state.picture?.phase);
const hasCrosshair = (state: AppState): boolean => crosshairOf(state) !== null;
const always = (): boolean => true;

function command(id: CommandId, keys: readonly string[], enabled: Command["enabled"], action: Action): Command {
  return { id, keys, enabled, action: () => action };
}

function tool(id: ToolId, key: string): Command {
  return command(`tool.${id}`, [key], hasPicture, { type: "tool/choose", tool: id });
}

function brush(id: "brush.smaller" | "brush.larger", key: string, factor: number): Command {
  const enabled = (state: AppState): boolean => ["brush", "eraser"].includes(state.view.tool);
  return { id, keys: [key], enabled, action: ({ view }) => ({ type: "brush/size", radius: view.brush * factor }) };
}

/** The object that is edited, and those that are marked: first the one that the others go into or are taken from. */
function chosenObjects(state: AppState): number[] {
  const { editing } = draftOf(state);
  const ids = [...(editing === null ? [] : [editing]), ...state.marked.filter((id) => id !== editing)];
  return ids.filter((id) => objectsOf(state).some((object) => object.id === id));
}

function objects(id: "merge" | "subtract", key: string): Command {
  const action = (state: AppState): Action => ({ type: `object/${id}`, ids: chosenObjects(state) });
  return { id, keys: [key], enabled: (state) => chosenObjects(state).length > 1, action };
}

/** The n-th class, null none: of the objects that are chosen, and otherwise of the next ones. */
function quickClass(id: Extract<CommandId, `class.${string}`>, n: number | null): Command {
  const nameOf = ({ workspace }: AppState): string | undefined => (n === null ? "" : workspace.labels[n - 1]?.name);
  const action = (state: AppState): Action => {
    const [ids, label] = [chosenObjects(state), nameOf(state) ?? ""];
    return ids.length > 0 ? { type: "object/label", ids, label } : { type: "workspace/label", label };
  };
  return { id, keys: [`alt+${n ?? 0}`], enabled: (state) => hasPicture(state) && nameOf(state) !== undefined, action };
}

function candidate(n: 1 | 2 | 3): Command {
  const enabled = (state: AppState): boolean => {
    const { step } = draftOf(state);
    return step !== null && (state.steps[step]?.candidates.length ?? 0) >= n;
  };
  return command(`candidate.${n}`, [`${n}`], enabled, { type: "candidate/choose", candidate: n - 1 });
}

export const COMMANDS: readonly Command[] = [
  command("open", ["mod+o"], always, { type: "request/pick" }),
  command("models", ["m"], always, { type: "dialog/show", dialog: "models" }),
  command("encode", ["e"], (state) => state.picture?.phase === "unencoded", { type: "request/encode" }),
  {
    id: "clicking",
    keys: ["i"],
    enabled: ({ models }) => models.clicks !== null,
    action: ({ preferences: { clicking } }) => ({
      type: "preferences/clicking",
      clicking: CLICKINGS[(CLICKINGS.indexOf(clicking) + 1) % CLICKINGS.length] ?? "promptable",
    }),
  },
  command("next", ["d", "pagedown"], (state) => neighbourOf(state, 1) !== null, { type: "request/step", offset: 1 }),
  command("previous", ["a", "pageup"], (state) => neighbourOf(state, -1) !== null, {
    type: "request/step",
    offset: -1,
  }),
  {
    id: "region",
    keys: ["z"],
    enabled: (state) => offeredRegion(state) !== null,
    action: (state) => ({ type: "request/region", region: offeredRegion(state) }),
  },
  command("region.whole", ["shift+z"], (state) => state.picture?.region != null, {
    type: "request/region",
    region: null,
  }),
  tool("point", "v"),
  tool("box", "b"),
  tool("scribble", "s"),
  tool("lasso", "l"),
  tool("brush", "p"),
  tool("eraser", "r"),
  tool("polygon", "g"),
  tool("select", "w"),
  tool("pan", "h"),
  brush("brush.smaller", "[", 1 / BRUSH_STEP),
  brush("brush.larger", "]", BRUSH_STEP),
  {
    id: "label.swap",
    keys: ["x"],
    enabled: hasPicture,
    action: (state) => ({ type: "label/choose", label: state.view.label === 1 ? 0 : 1 }),
  },
  command("undo", ["mod+z"], canUndo, { type: "history/undo" }),
  command("redo", ["mod+shift+z", "mod+y"], canRedo, { type: "history/redo" }),
  command("accept", ["enter", "n"], (state) => ["waiting", "done"].includes(draftStep(state)?.status ?? ""), {
    type: "draft/accept",
  }),
  command("stop", ["escape"], canStop, { type: "request/stop" }),
  {
    id: "cancel",
    keys: ["escape"],
    enabled: (state) =>
      state.view.dialog !== null ||
      isHeld(state) ||
      state.view.stroke !== null ||
      state.marked.length > 0 ||
      !isIdle(draftOf(state)),
    action: (state) => {
      if (state.view.dialog !== null) return { type: "dialog/show", dialog: null };
      if (isHeld(state)) return { type: "gesture/drop" };
      if (state.view.stroke !== null) return { type: "stroke/draw", stroke: null };
      if (isIdle(draftOf(state))) return { type: "object/mark", ids: [] };
      return { type: "draft/cancel" };
    },
  },
  candidate(1),
  candidate(2),
  candidate(3),
  {
    id: "candidate.next",
    keys: ["tab"],
    enabled: (state) => (draftStep(state)?.candidates.length ?? 0) > 1,
    action: (state) => {
      const count = draftStep(state)?.candidates.length ?? 1;
      return { type: "candidate/choose", candidate: (draftOf(state).candidate + 1) % count };
    },
  },
  command("mend.fill_holes", ["shift+f"], isMendable, { type: "mask/edit", edit: { kind: "fill_holes" } }),
  command("mend.remove_islands", ["shift+i"], isMendable, { type: "mask/edit", edit: { kind: "remove_islands" } }),
  command("mend.grow", ["."], isMendable, { type: "mask/edit", edit: { kind: "grow", pixels: GROW_STEP } }),
  command("mend.shrink", [","], isMendable, { type: "mask/edit", edit: { kind: "shrink", pixels: GROW_STEP } }),
  command("mend.smooth", ["shift+s"], isMendable, {
    type: "mask/edit",
    edit: { kind: "smooth", radius: SMOOTH_RADIUS },
  }),
  ...QUICK_CLASSES.map((id, i) => quickClass(id, i + 1)),
  quickClass("class.none", null),
  objects("merge", "shift+m"),
  objects("subtract", "shift+b"),
  {
    id: "duplicate",
    keys: ["shift+d"],
    enabled: (state) => draftOf(state).editing !== null,
    action: (state) => ({ type: "object/duplicate", id: draftOf(state).editing ?? -1 }),
  },
  {
    id: "delete",
    keys: ["delete", "backspace"],
    enabled: (state) => chosenObjects(state).length > 0,
    action: (state) => ({ type: "object/delete", ids: chosenObjects(state) }),
  },
  command("zoom.in", ["+", "="], hasPicture, { type: "camera/zoom", at: null, factor: ZOOM_STEP }),
  command("zoom.out", ["-"], hasPicture, { type: "camera/zoom", at: null, factor: 1 / ZOOM_STEP }),
  command("zoom.fit", ["0", "f"], hasPicture, { type: "camera/fit" }),
  command("export.coco", ["mod+s"], hasMask, { type: "request/export", format: "coco", all: false }),
  command("export.mask", ["mod+shift+s"], hasMask, { type: "request/export", format: "mask", all: false }),
  command("export.cutout", ["mod+shift+x"], hasMask, { type: "request/export", format: "cutout", all: false }),
  command("keys", ["?"], always, { type: "dialog/show", dialog: "keys" }),
  command("settings", ["mod+,"], always, { type: "dialog/show", dialog: "settings" }),
  command("crosshair.add", ["space"], hasCrosshair, { type: "crosshair/press", label: 1 }),
  command("crosshair.remove", ["shift+space"], hasCrosshair, { type: "crosshair/press", label: 0 }),
  command("crosshair.hold", ["k"], hasCrosshair, { type: "crosshair/hold" }),
];

export function commandById(id: CommandId): Command {
  const found = COMMANDS.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`No command ${id}`);
  return found;
}

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  /** The key by its place on the keyboard. */
  readonly code?: string;
}

/** "mod+shift+z" for a pressed key; Shift counts only with letters and named keys, since it makes "?" and "+". */
export function chordOf(press: KeyPress): string {
  const digit = press.altKey ? /^Digit(\d)$/.exec(press.code ?? "")?.[1] : undefined; // Option makes "¡" of 1 on a Mac
  const key = press.key === " " ? "space" : (digit ?? press.key.toLowerCase());
  const shiftCounts = press.shiftKey && (/^[a-z]$/.test(key) || key.length > 1);
  const parts = [press.ctrlKey || press.metaKey ? "mod" : "", press.altKey ? "alt" : "", shiftCounts ? "shift" : ""];
  return [...parts.filter((part) => part !== ""), key].join("+");
}

/** Of the commands of a key the first that can be used; of those that cannot the first, so that the key is ours. */
export function commandFor(press: KeyPress, state: AppState): Command | null {
  const chord = chordOf(press);
  const found = COMMANDS.filter((candidate) => keysOf(candidate, state.preferences.keys).includes(chord));
  return found.find((candidate) => candidate.enabled(state)) ?? found[0] ?? null;
}

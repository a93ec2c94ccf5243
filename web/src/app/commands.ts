import type { Action } from "./actions";
import { crosshairOf } from "./crosshair";
import { keysOf } from "./preferences";
import { canRedo, canUndo, draftOf, draftStep, exportable } from "./selectors";
import type { AppState, PicturePhase } from "./state";

/** A command is data: its keys, when it can be used, and the action that it makes. */
export interface Command {
  readonly id: CommandId;
  /** The defaults: a person may have chosen others. "mod" is Ctrl, and Command on a Mac. */
  readonly keys: readonly string[];
  readonly enabled: (state: AppState) => boolean;
  readonly action: (state: AppState) => Action;
}

export type CommandId = (typeof COMMAND_IDS)[number];

export const COMMAND_IDS = [
  "open",
  "models",
  "encode",
  "tool.point",
  "tool.box",
  "tool.pan",
  "label.swap",
  "undo",
  "redo",
  "accept",
  "stop",
  "cancel",
  "candidate.1",
  "candidate.2",
  "candidate.3",
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
  "crosshair.corner",
] as const;

const ZOOM_STEP = 1.25;
const hasPicture = (state: AppState): boolean => state.picture?.size != null;
const hasMask = (state: AppState): boolean => exportable(state).length > 0;
const STOPPABLE: readonly (PicturePhase | undefined)[] = ["uploading", "loading", "encoding", "fetching", "waiting"];
const canStop = (state: AppState): boolean => state.view.dialog === null && STOPPABLE.includes(state.picture?.phase);
const hasCrosshair = (state: AppState): boolean => crosshairOf(state) !== null;
const always = (): boolean => true;

function command(id: CommandId, keys: readonly string[], enabled: Command["enabled"], action: Action): Command {
  return { id, keys, enabled, action: () => action };
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
  command("tool.point", ["v"], hasPicture, { type: "tool/choose", tool: "point" }),
  command("tool.box", ["b"], hasPicture, { type: "tool/choose", tool: "box" }),
  command("tool.pan", ["h"], hasPicture, { type: "tool/choose", tool: "pan" }),
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
    enabled: (state) => state.view.dialog !== null || draftOf(state).step !== null || draftOf(state).editing !== null,
    action: (state) => (state.view.dialog === null ? { type: "draft/cancel" } : { type: "dialog/show", dialog: null }),
  },
  candidate(1),
  candidate(2),
  candidate(3),
  {
    id: "delete",
    keys: ["delete", "backspace"],
    enabled: (state) => draftOf(state).editing !== null,
    action: (state) => ({ type: "object/delete", id: draftOf(state).editing ?? -1 }),
  },
  command("zoom.in", ["+", "="], hasPicture, { type: "camera/zoom", at: null, factor: ZOOM_STEP }),
  command("zoom.out", ["-"], hasPicture, { type: "camera/zoom", at: null, factor: 1 / ZOOM_STEP }),
  command("zoom.fit", ["0", "f"], hasPicture, { type: "camera/fit" }),
  command("export.coco", ["mod+s"], hasMask, { type: "request/export", format: "coco" }),
  command("export.mask", ["mod+shift+s"], hasMask, { type: "request/export", format: "mask" }),
  command("export.cutout", ["mod+shift+x"], hasMask, { type: "request/export", format: "cutout" }),
  command("keys", ["?"], always, { type: "dialog/show", dialog: "keys" }),
  command("settings", [","], always, { type: "dialog/show", dialog: "settings" }),
  command("crosshair.add", ["space"], hasCrosshair, { type: "crosshair/press", label: 1 }),
  command("crosshair.remove", ["shift+space"], hasCrosshair, { type: "crosshair/press", label: 0 }),
  command("crosshair.corner", ["k"], hasCrosshair, { type: "crosshair/corner" }),
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
}

/** "mod+shift+z" for a pressed key; Shift counts only with letters and named keys, since it makes "?" and "+". */
export function chordOf(press: KeyPress): string {
  const key = press.key === " " ? "space" : press.key.toLowerCase();
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

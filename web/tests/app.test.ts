import { describe, expect, it } from "vitest";

import { chordOf, COMMANDS, commandFor } from "../src/app/commands";
import { LONGEST_PAST } from "../src/app/history";
import { MaskLibrary } from "../src/app/mask-library";
import { MOST_STEPS } from "../src/app/prune-steps";
import { docOf, draftMask, draftOf, objectsOf, shownSteps } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { INITIAL_STATE } from "../src/app/state";
import { createStore } from "../src/app/store";
import { imagePoint, viewPoint } from "../src/geometry/frames";
import { placed } from "../src/geometry/mask";
import { place } from "../src/geometry/resize";
import { answered, opened, point, run, two } from "./document";

describe("prompts", () => {
  it("asks for candidates first, then for one mask with the chosen one fed back", () => {
    const first = answered(run(opened(), point(10, 10)));
    expect(first.steps[draftOf(first).step ?? -1]).toMatchObject({ multimask: true, feedback: [] });
    const chosen = run(first, { type: "candidate/choose", candidate: 2 });
    const second = run(chosen, point(20, 20, 0));
    const step = second.steps[draftOf(second).step ?? -1];
    expect(step).toMatchObject({ multimask: false, status: "waiting" });
    expect(step?.feedback[0]).toEqual({ step: draftOf(first).step, candidate: 2 });
    expect(step?.prompt.points.map((made) => made.label)).toEqual([1, 0]);
  });

  it("shows the mask before while the next one is decoded", () => {
    const first = answered(run(opened(), point(10, 10)));
    const second = run(first, point(20, 20));
    expect(draftMask(second)).toEqual({ step: draftOf(first).step, candidate: 0 });
    expect(shownSteps(second)).toContain(draftOf(first).step);
  });

  it("goes back to the earlier step when the newest point is taken away", () => {
    const first = answered(run(opened(), point(10, 10)));
    const second = answered(run(first, point(20, 20)));
    const newest = draftOf(second).prompt.points[1]?.id ?? -1;
    const back = run(second, { type: "point/remove", id: newest });
    expect(draftOf(back).step).toBe(draftOf(first).step);
    const oldest = draftOf(second).prompt.points[0]?.id ?? -1;
    const other = run(second, { type: "point/remove", id: oldest });
    expect(other.steps[draftOf(other).step ?? -1]).toMatchObject({ status: "waiting", feedback: [], multimask: true });
    expect(draftOf(run(back, { type: "point/remove", id: oldest })).step).toBeNull();
  });

  it("starts afresh when the box is another", () => {
    const low = imagePoint(1, 1);
    const box = { x1: low.x, y1: low.y, x2: imagePoint(50, 0).x, y2: imagePoint(0, 40).y };
    const first = answered(run(opened(), { type: "box/set", box }));
    expect(first.steps[draftOf(first).step ?? -1]?.multimask).toBe(true);
    const second = run(first, { type: "box/set", box: { ...box, x1: imagePoint(5, 0).x } });
    expect(second.steps[draftOf(second).step ?? -1]?.feedback).toEqual([]);
  });
});

describe("a click that could not be answered", () => {
  const failed = (state: AppState): AppState => run(state, { type: "step/failed", step: draftOf(state).step ?? -1 });

  it("is asked again on demand, as it was", () => {
    const state = failed(run(opened(), point(10, 10)));
    const again = run(state, { type: "steps/retry" });
    expect(again.steps[draftOf(again).step ?? -1]).toMatchObject({ status: "waiting", multimask: true });
    expect(run(again, { type: "steps/retry" })).toBe(again);
  });

  it("makes no object without a mask", () => {
    const one = run(answered(run(opened(), point(10, 10))), { type: "draft/accept" });
    const state = failed(run(one, point(50, 50)));
    expect(run(state, { type: "draft/accept" })).toBe(state);
    const selected = run(state, { type: "object/select", id: objectsOf(state)[0]?.id ?? -1 });
    expect(objectsOf(selected)).toEqual(objectsOf(one));
    const refined = failed(run(selected, point(12, 12)));
    expect(objectsOf(run(refined, { type: "object/select", id: null }))).toEqual(objectsOf(one));
  });
});

describe("thousands of clicks", () => {
  it("leave no more steps than undo, redo and the objects can reach", () => {
    let state = answered(run(opened(), point(10, 10)));
    const first = draftOf(state).step ?? -1;
    state = run(state, { type: "draft/accept" });
    for (let i = 0; i < 1500; i++) {
      state = answered(run(state, point(i % 90, 20)));
      if (i % 3 === 0) state = run(state, { type: "history/undo" });
      if (i % 10 === 0) state = run(state, { type: "draft/cancel" });
    }
    expect(Object.keys(state.steps).length).toBeLessThanOrEqual(MOST_STEPS);
    expect(state.steps[first]?.status).toBe("done");
    expect(state.history.past).toHaveLength(LONGEST_PAST);
    for (const doc of [...state.history.past, state.history.present, ...state.history.future]) {
      if (doc.draft.step !== null) expect(state.steps[doc.draft.step]?.status).toBe("done");
    }
    const before = state.steps[draftOf(state).step ?? -1]?.feedback[0]?.step ?? -1;
    expect(state.steps[before]?.status).toBe("done");
  });
});

describe("undo and redo", () => {
  it("move between the same steps, so that logits are restored and not made again", () => {
    const first = answered(run(opened(), point(10, 10)));
    const second = answered(run(first, point(20, 20)));
    const back = run(second, { type: "history/undo" });
    expect(docOf(back)).toBe(docOf(first));
    expect(back.steps[draftOf(back).step ?? -1]?.status).toBe("done");
    const again = run(back, { type: "history/redo" });
    expect(docOf(again)).toBe(docOf(second));
    expect(Object.keys(again.steps)).toHaveLength(2);
  });

  it("forget the future after a new click, and stop at the beginning", () => {
    const state = run(opened(), point(1, 1), { type: "history/undo" }, { type: "history/undo" }, point(2, 2));
    expect(draftOf(run(state, { type: "history/redo" })).prompt.points[0]?.at.x).toBe(2);
  });

  it("take back accepting and deleting", () => {
    const accepted = run(answered(run(opened(), point(10, 10))), { type: "draft/accept" });
    expect(objectsOf(accepted)).toHaveLength(1);
    const undone = run(accepted, { type: "history/undo" });
    expect(objectsOf(undone)).toHaveLength(0);
    expect(draftOf(undone).prompt.points).toHaveLength(1);
    const id = objectsOf(accepted)[0]?.id ?? -1;
    const deleted = run(accepted, { type: "object/delete", ids: [id] });
    expect(objectsOf(run(deleted, { type: "history/undo" }))).toHaveLength(1);
  });
});

describe("objects", () => {
  it("have colours of their own and an empty draft after them", () => {
    const state = two();
    expect(objectsOf(state).map((object) => object.colour)).toEqual([0, 1]);
    expect(draftOf(state).step).toBeNull();
  });

  it("are refined when selected, and stay as they were when that is cancelled", () => {
    const state = two();
    const [object] = objectsOf(state);
    const selected = run(state, { type: "object/select", id: object?.id ?? -1 });
    expect(draftOf(selected)).toMatchObject({ step: object?.step, editing: object?.id });
    const refined = answered(run(selected, point(12, 12)));
    expect(objectsOf(run(refined, { type: "draft/cancel" }))[0]?.step).toBe(object?.step);
    const saved = run(refined, { type: "draft/accept" });
    expect(objectsOf(saved)[0]?.step).toBe(draftOf(refined).step);
    expect(objectsOf(saved)).toHaveLength(2);
  });

  it("lose nothing when another one is selected while a draft is open", () => {
    const state = answered(run(two(), point(70, 70)));
    const selected = run(state, { type: "object/select", id: objectsOf(state)[0]?.id ?? -1 });
    expect(objectsOf(selected)).toHaveLength(3);
  });

  it("can be named and hidden", () => {
    const state = two();
    const id = objectsOf(state)[1]?.id ?? -1;
    const named = run(state, { type: "object/rename", id, name: "cup" }, { type: "object/toggle", id });
    expect(objectsOf(named)[1]?.name).toBe("cup");
    expect(named.hidden).toEqual([id]);
    expect(run(named, { type: "object/toggle", id }).hidden).toEqual([]);
  });
});

describe("pictures", () => {
  it("start with nothing of the last one and an epoch of their own", () => {
    const before = answered(run(opened(), point(10, 10)));
    const after = run(before, { type: "picture/open", name: "dog.jpg", bytes: 1 });
    expect(after.steps).toEqual({});
    expect(draftOf(after).step).toBeNull();
    expect(after.picture?.epoch).toBeGreaterThan(before.picture?.epoch ?? Infinity);
    const late = run(after, { type: "picture/update", epoch: before.picture?.epoch ?? 0, change: { imageId: "old" } });
    expect(late).toBe(after);
  });

  it("are fitted again on a resize only while untouched", () => {
    const size = { width: 1000, height: 700 };
    const insets = { top: 0, right: 0, bottom: 0, left: 0 };
    const fitted = run(INITIAL_STATE, { type: "view/resize", size, insets });
    const state = run(fitted, { type: "picture/open", name: "a", bytes: 1 });
    const epoch = state.picture?.epoch ?? 0;
    const shown = run(state, { type: "picture/update", epoch, change: { size: { width: 800, height: 600 } } });
    const wider = { width: 1400, height: 700 };
    const again = run(shown, { type: "view/resize", size: wider, insets });
    expect(again.view.camera.x).toBeGreaterThan(shown.view.camera.x);
    const zoomed = run(shown, { type: "camera/zoom", at: viewPoint(10, 10), factor: 2 });
    expect(run(zoomed, { type: "view/resize", size: wider, insets }).view.camera).toEqual(zoomed.view.camera);
  });
});

describe("notices", () => {
  const notice = { code: "unreachable", detail: "", tone: "error", action: "retry" } as const;

  it("come once a code and go", () => {
    const state = run(INITIAL_STATE, { type: "notice/add", notice }, { type: "notice/add", notice });
    expect(state.notices).toHaveLength(1);
    expect(run(state, { type: "notice/clear", code: "unreachable" }).notices).toEqual([]);
    expect(run(state, { type: "notice/dismiss", id: state.notices[0]?.id ?? -1 }).notices).toEqual([]);
  });

  it("of a picture go with it, those of lost work and of the browser stay", () => {
    const told = ["unreachable", "storage_quota", "no_webgl", "image_invalid"].map((code) => ({ ...notice, code }));
    const state = run(opened(), ...told.map((one) => ({ type: "notice/add", notice: one }) as const));
    const next = run(state, { type: "picture/open", name: "dog.jpg", bytes: 1 });
    expect(next.notices.map(({ code }) => code)).toEqual(["storage_quota", "no_webgl"]);
  });
});

describe("commands", () => {
  const press = (key: string, change = {}): Parameters<typeof chordOf>[0] => ({
    key,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    altKey: false,
    ...change,
  });

  it("have keys of their own; Esc stops what runs before it gives up what is drawn", () => {
    const chords = COMMANDS.flatMap((command) => command.keys);
    const shared = chords.filter((chord, i) => chords.indexOf(chord) !== i);
    expect(shared).toEqual(["escape"]);
    const drawn = answered(run(opened(), point(10, 10)));
    expect(commandFor(press("Escape"), drawn)?.id).toBe("cancel");
    const epoch = drawn.picture?.epoch ?? 0;
    const busy = run(drawn, { type: "picture/update", epoch, change: { phase: "encoding" } });
    expect(commandFor(press("Escape"), busy)?.id).toBe("stop");
    const asking = run(busy, { type: "dialog/show", dialog: "keys" });
    expect(commandFor(press("Escape"), asking)?.id).toBe("cancel");
  });

  it("are found by their keys", () => {
    expect(commandFor(press("z", { ctrlKey: true }), INITIAL_STATE)?.id).toBe("undo");
    expect(commandFor(press("Z", { metaKey: true, shiftKey: true }), INITIAL_STATE)?.id).toBe("redo");
    expect(commandFor(press("?", { shiftKey: true }), INITIAL_STATE)?.id).toBe("keys");
    expect(commandFor(press("Enter"), INITIAL_STATE)?.id).toBe("accept");
    expect(commandFor(press("n"), INITIAL_STATE)?.id).toBe("accept");
    expect(commandFor(press("q"), INITIAL_STATE)).toBeNull();
  });

  it("name a class by its number, whatever Option makes of the digit, of what is chosen or of the next ones", () => {
    const second = press("\u2122", { altKey: true, code: "Digit2" });
    const clicked = run(answered(run(opened(), point(10, 10))), { type: "draft/accept" });
    const labelled = ["cup", "plate"].map((label) => ({ type: "workspace/label", label }) as const);
    const state = run(clicked, ...labelled, { type: "workspace/label", label: "" });
    expect(commandFor(second, clicked)?.enabled(clicked)).toBe(false);
    const next = commandFor(second, state)?.action(state);
    expect(next).toEqual({ type: "workspace/label", label: "plate" });
    const id = objectsOf(state)[0]?.id ?? -1;
    const chosen = run(state, { type: "object/select", id });
    expect(commandFor(second, chosen)?.action(chosen)).toEqual({ type: "object/label", ids: [id], label: "plate" });
    const none = press("0", { altKey: true, code: "Digit0" });
    expect(commandFor(none, chosen)?.action(chosen)).toEqual({ type: "object/label", ids: [id], label: "" });
  });

  it("say when they can be used", () => {
    const enabled = (state: AppState): string[] => COMMANDS.filter((c) => c.enabled(state)).map((c) => c.id);
    expect(enabled(INITIAL_STATE)).toEqual(["open", "models", "keys", "settings"]);
    const state = answered(run(opened(), point(10, 10)));
    expect(enabled(state)).toEqual(expect.arrayContaining(["undo", "accept", "cancel", "candidate.3", "export.coco"]));
    expect(enabled(state)).not.toContain("redo");
  });
});

describe("store and library", () => {
  it("tell listeners the state before and after", () => {
    const store = createStore();
    const seen: number[] = [];
    const stop = store.listen((state, before) => seen.push(state.masksVersion - before.masksVersion));
    store.dispatch({ type: "masks/changed" });
    stop();
    store.dispatch({ type: "masks/changed" });
    expect(seen).toEqual([1]);
  });

  it("keep only what is shown", () => {
    const library = new MaskLibrary();
    const grid = { data: new Float32Array(1), width: 1, height: 1 };
    const logits = placed(grid, place({ width: 1, height: 1 }, 1, "square"), 0);
    library.set(1, { candidates: [logits] });
    library.set(2, { candidates: [logits] });
    library.keepOnly([2]);
    expect([library.has(1), library.get(2, 0), library.get(2, 1)]).toEqual([false, logits, null]);
  });
});

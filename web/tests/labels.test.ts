import { describe, expect, it } from "vitest";

import { countsOf } from "../src/app/reduce-labels";
import { objectsOf } from "../src/app/selectors";
import type { AppState } from "../src/app/state";
import { announcementOf } from "../src/ui/announcements";
import { answered, opened, point, run } from "./document";

/** Two pictures: two cups and a plate in the first, a cup in the second, which is open. */
function workspace(): { state: AppState; first: number; second: number } {
  let state = opened();
  const first = state.picture?.epoch ?? -1;
  const make = (label: string): void => {
    state = run(state, { type: "workspace/label", label });
    state = run(answered(run(state, point(10, 10))), { type: "draft/accept" });
  };
  ["cup", "cup", "plate"].forEach(make);
  state = run(state, { type: "picture/open", name: "b.jpg", bytes: 1 });
  const second = state.picture?.epoch ?? -1;
  state = run(state, { type: "picture/update", epoch: second, change: { size: { width: 40, height: 40 } } });
  make("cup");
  return { state, first, second };
}

const labelsOf = (state: AppState, picture: number): string[] =>
  (state.picture?.epoch === picture
    ? objectsOf(state)
    : (state.workspace.parked[picture]?.history.present.objects ?? [])
  ).map(({ label }) => label);

describe("a class", () => {
  it("is renamed in all pictures and at every step of undo", () => {
    const { state, first, second } = workspace();
    expect([...countsOf(objectsOf(state), state.workspace.parked)]).toEqual([
      ["cup", 3],
      ["plate", 1],
    ]);
    const renamed = run(state, { type: "workspace/label-edit", name: "cup", to: "mug" });
    expect([labelsOf(renamed, first), labelsOf(renamed, second)]).toEqual([["mug", "mug", "plate"], ["mug"]]);
    expect(renamed.workspace.labels.map(({ name }) => name)).toEqual(["mug", "plate"]);
    expect(renamed.workspace.label).toBe("mug");
    const back = run(renamed, { type: "workspace/show", id: first }, { type: "history/undo" });
    expect(labelsOf(back, first)).toEqual(["mug", "mug"]);
    expect(labelsOf(run(back, { type: "history/redo" }), first)).toEqual(["mug", "mug", "plate"]);
    expect(announcementOf(renamed, state, { type: "workspace/label-edit", name: "cup", to: "mug" }, () => null)).toBe(
      "The class cup is mug now.",
    );
  });

  it("gets another colour, and its objects with it", () => {
    const { state } = workspace();
    const action = { type: "workspace/label-edit", name: "plate", to: "plate", colour: 5 } as const;
    const next = run(state, action);
    expect(next.workspace.labels).toEqual([
      { name: "cup", colour: 0 },
      { name: "plate", colour: 5 },
    ]);
    expect(next.workspace.parked).toBe(state.workspace.parked);
    expect(next.history).toBe(state.history);
  });

  it("is taken away; its objects stay without one", () => {
    const { state, first, second } = workspace();
    const next = run(state, { type: "workspace/label-edit", name: "cup", to: null });
    expect([labelsOf(next, first), labelsOf(next, second)]).toEqual([["", "", "plate"], [""]]);
    expect([next.workspace.labels.map(({ name }) => name), next.workspace.label]).toEqual([["plate"], ""]);
    expect(labelsOf(run(next, { type: "history/undo" }), second)).toEqual([]);
  });

  it("joins one that is there already", () => {
    const { state, first } = workspace();
    const next = run(state, { type: "workspace/label-edit", name: "plate", to: "cup" });
    expect(labelsOf(next, first)).toEqual(["cup", "cup", "cup"]);
    expect(next.workspace.labels.map(({ name }) => name)).toEqual(["cup"]);
  });

  it("that nobody knows, and one without a name, change nothing", () => {
    const { state } = workspace();
    expect(run(state, { type: "workspace/label-edit", name: "dog", to: "cat" })).toBe(state);
    expect(run(state, { type: "workspace/label-edit", name: "cup", to: "" })).toBe(state);
  });

  it("keeps what the steps of undo share", () => {
    let { state } = workspace();
    for (let i = 0; i < 3; i++) state = answered(run(state, point(20 + i, 20)));
    const next = run(state, { type: "workspace/label-edit", name: "cup", to: "mug" });
    const lists = (of: AppState): number =>
      new Set([...of.history.past, of.history.present].map(({ objects }) => objects)).size;
    expect(next.history.past.length).toBeGreaterThan(3);
    expect(lists(next)).toBe(lists(state));
    const objects = (of: AppState): number =>
      new Set([...of.history.past, of.history.present].flatMap((doc) => doc.objects)).size;
    expect(objects(next)).toBe(objects(state));
  });

  it("leaves documents alone that hold nothing of it, so that they are not written again", () => {
    const { state, first } = workspace();
    const next = run(state, { type: "workspace/label-edit", name: "plate", to: "dish" });
    expect(next.history).toBe(state.history);
    expect(next.workspace.parked[first]).not.toBe(state.workspace.parked[first]);
  });
});

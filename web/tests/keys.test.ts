import { describe, expect, it } from "vitest";

import type { CommandId } from "../src/app/commands";
import { commandById, commandFor, COMMANDS } from "../src/app/commands";
import { assign, holdersOf, isAssignable, parseOverrides, removeKey, resetKeys } from "../src/app/keys";
import type { KeyOverrides } from "../src/app/preferences";
import { keysOf } from "../src/app/preferences";
import { INITIAL_STATE } from "../src/app/state";
import { run } from "./document";

const [undo, redo, accept, cancel] = (["undo", "redo", "accept", "cancel"] as const).map(commandById) as [
  ReturnType<typeof commandById>,
  ReturnType<typeof commandById>,
  ReturnType<typeof commandById>,
  ReturnType<typeof commandById>,
];
const press = (key: string): Parameters<typeof commandFor>[0] => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
});
const named = (overrides: KeyOverrides, id: CommandId): readonly string[] => keysOf(commandById(id), overrides);

describe("another key", () => {
  it("runs the command, and the old one no longer does", () => {
    const keys = assign({}, undo, 0, "q");
    const state = run(INITIAL_STATE, { type: "preferences/keys", keys });
    expect(commandFor(press("q"), state)?.id).toBe("undo");
    expect(commandFor({ ...press("z"), ctrlKey: true }, state)).toBeNull();
  });

  it("is added beside the others, and taken away again", () => {
    const more = assign({}, undo, 1, "q");
    expect(named(more, "undo")).toEqual(["mod+z", "q"]);
    expect(removeKey(more, undo, 1)).toEqual({});
    expect(named(removeKey(more, undo, 0), "undo")).toEqual(["q"]);
  });

  it("is swapped with the command that had it", () => {
    expect(holdersOf("n", undo, {}).map(({ id }) => id)).toEqual(["accept"]);
    const keys = assign({}, undo, 0, "n");
    expect([named(keys, "undo"), named(keys, "accept")]).toEqual([["n"], ["enter", "mod+z"]]);
    expect(
      COMMANDS.flatMap((command) => keysOf(command, keys).flatMap((key) => holdersOf(key, command, keys))),
    ).toEqual([]);
    const back = resetKeys(keys, undo);
    expect([named(back, "undo"), named(back, "accept")]).toEqual([["mod+z"], ["enter"]]);
    expect(resetKeys(back, accept)).toEqual({});
  });

  it("is simply lost to the one that takes it as a further key", () => {
    const keys = assign({}, undo, 1, "n");
    expect([named(keys, "undo"), named(keys, "accept")]).toEqual([["mod+z", "n"], ["enter"]]);
  });

  it("may be one that two commands share by default", () => {
    expect(holdersOf("escape", cancel, {})).toEqual([]);
    expect(resetKeys(assign({}, cancel, 0, "q"), cancel)).toEqual({});
  });

  it("is none of those that the page or the browser needs", () => {
    for (const key of ["tab", "space", "arrowup", "shift+arrowdown", "escape", "mod+w", "f5"]) {
      expect(isAssignable(undo, key), key).toBe(false);
    }
    for (const key of ["a", "shift+a", "mod+alt+shift+a", "+", "mod++", "?", "f2", "shift+home", "ü", "，"]) {
      expect(isAssignable(undo, key), key).toBe(true);
    }
    for (const key of ["", "A", "shift+mod+a", "ctrl+a", "shift+?", "ab", " ", "mod+", "dead", "process", "a b"]) {
      expect(isAssignable(undo, key), key).toBe(false);
    }
    expect(isAssignable(cancel, "escape")).toBe(true);
  });
});

describe("stored keys", () => {
  it("come back as they were", () => {
    const keys = assign(assign({}, undo, 0, "n"), redo, 0, "r");
    expect(parseOverrides(JSON.stringify(keys))).toEqual(keys);
    expect(parseOverrides(JSON.stringify({ undo: [] }))).toEqual({ undo: [] });
  });

  it("count for nothing where they make no sense", () => {
    const nonsense: unknown[] = [null, 7, "x", [], [["undo"]], { undo: "q" }, { undo: [7] }, { undo: ["a b"] }];
    nonsense.push({ undo: ["tab"] }, { undo: ["a", "b", "c", "d", "e"] }, { toString: ["q"] }, { nothing: ["q"] });
    for (const value of nonsense) expect(parseOverrides(JSON.stringify(value)), JSON.stringify(value)).toEqual({});
    for (const text of [null, "", "{", "x".repeat(30_000)]) expect(parseOverrides(text)).toEqual({});
    const poisoned = parseOverrides('{"__proto__":{"undo":["q"]},"constructor":["q"],"redo":["q"]}');
    expect([poisoned, Object.getPrototypeOf(poisoned)]).toEqual([{ redo: ["q"] }, Object.prototype]);
  });

  it("never leave two commands with one key", () => {
    expect(parseOverrides('{"undo":["q"],"redo":["q"],"open":["o"]}')).toEqual({ open: ["o"] });
    expect(parseOverrides('{"undo":["n"]}')).toEqual({});
    expect(parseOverrides('{"undo":["n"],"accept":["mod+z"]}')).toEqual({ undo: ["n"], accept: ["mod+z"] });
    expect(parseOverrides('{"undo":["mod+y"],"redo":["mod+y","mod+z"]}')).toEqual({});
  });
});

import { describe, expect, it } from "vitest";

import { documentJson } from "../src/app/effects/document-json";
import { renumberDocument, renumberPayload } from "../src/app/effects/renumber";
import { documentOf } from "../src/app/workspace";
import { answered, opened, point, run } from "./document";

/** Two objects, one of them mended and merged, a draft with points, undo both ways. */
function worked(): ReturnType<typeof documentOf> {
  let state = opened();
  for (const x of [10, 60]) state = run(answered(run(state, point(x, 10))), { type: "draft/accept" });
  const [first, second] = state.history.present.objects.map(({ id }) => id);
  state = run(state, { type: "object/duplicate", id: first ?? -1 }, { type: "object/toggle", id: second ?? -1 });
  state = run(state, { type: "object/merge", ids: [first ?? -1, second ?? -1] });
  state = answered(run(state, { type: "draft/cancel" }, point(30, 30), point(31, 31, 0)));
  state = run(state, { type: "mask/edit", edit: { kind: "grow", pixels: 1 } }, { type: "history/undo" });
  return documentOf(state);
}

/** Every id in it, by where it stands. */
function idsIn(value: unknown, name = ""): number[] {
  if (typeof value === "number") return ["id", "step", "editing", "hidden"].includes(name) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => idsIn(item, name));
  if (typeof value !== "object" || value === null) return [];
  const keys = name === "steps" ? Object.keys(value).map(Number) : [];
  return [...keys, ...Object.entries(value).flatMap(([key, item]) => idsIn(item, key))];
}

const textOf = (document: ReturnType<typeof documentOf>, most: number): [text: string, cut: number] => {
  const { json, cut } = documentJson(document, most);
  return [json.map((piece) => new TextDecoder().decode(piece)).join(""), cut];
};

describe("a document as JSON", () => {
  const document = { ...worked(), hidden: [7] };
  const [whole] = textOf(document, 1e9);

  it("is the same", () => {
    expect(JSON.parse(whole)).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it("leaves out the oldest undo where it is too large, then the farthest redo, then no more", () => {
    const { past, present, future } = document.history;
    for (const most of [whole.length, whole.length - 100, whole.length / 2, whole.length / 4, 10]) {
      const [text, cut] = textOf(document, most);
      const { history, ...rest } = JSON.parse(text) as typeof document;
      expect(rest).toEqual(JSON.parse(JSON.stringify({ ...document, history: undefined })));
      const left = past.length + future.length - cut;
      expect([history.past.length + history.future.length, history.present]).toEqual([left, present]);
      expect(history.future).toEqual(future.slice(0, left));
      expect(history.past).toEqual(left > future.length ? past.slice(future.length - left) : []);
      if (left > 0) expect(text.length).toBeLessThanOrEqual(most);
    }
    expect(textOf(document, 10)[1]).toBe(past.length + future.length);
    expect(textOf(document, whole.length - 100)[1]).toBeGreaterThan(0);
    expect(textOf(document, whole.length + 100)[1]).toBe(0);
  });
});

describe("a document under other ids", () => {
  it("has no id left of before, and is the same document", () => {
    const document = worked();
    expect(document.history.future.length).toBeGreaterThan(0);
    expect(document.hidden.length + document.history.past.length).toBeGreaterThan(5);
    const moved = renumberDocument(structuredClone(document), (id) => id + 1000);
    expect(idsIn(moved)).toEqual(idsIn(document).map((id) => id + 1000));
    expect(renumberDocument(moved, (id) => id - 1000)).toEqual(document);
    expect(renumberDocument(JSON.parse(JSON.stringify(document)), (id) => id)).toEqual(document);
  });

  it("shares between its snapshots what did not change, as before it was JSON", () => {
    const document = worked();
    const distinct = ({ history }: typeof document): number[] => {
      const all = [...history.past, history.present, ...history.future];
      return [new Set(all.map(({ objects }) => objects)).size, new Set(all.flatMap(({ objects }) => objects)).size];
    };
    const [lists = 0, objects = 0] = distinct(document);
    const back = distinct(renumberDocument(JSON.parse(JSON.stringify(document)), (id) => id + 5));
    expect(back[0]).toBeLessThanOrEqual(lists);
    expect(back[1]).toBeLessThanOrEqual(objects);
    expect(lists).toBeLessThan(document.history.past.length);
  });

  it("must be one", () => {
    for (const none of [null, 5, {}, { history: {} }]) expect(() => renumberDocument(none, (id) => id)).toThrow();
  });

  it("has results that name what was fed back", () => {
    const halves = [Uint16Array.of(1)];
    const moved = renumberPayload({ fedBack: { step: 3, candidate: 1 }, halves }, (id) => id + 10);
    expect(moved).toEqual({ fedBack: { step: 13, candidate: 1 }, halves });
    expect(renumberPayload({ fedBack: null, halves }, (id) => id + 10)).toEqual({ fedBack: null, halves });
    const rle = { rle: { size: [1, 1], counts: "01" } };
    expect(renumberPayload(rle, (id) => id + 10)).toBe(rle);
    expect(() => renumberPayload("x", (id) => id)).toThrow();
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ModelSummary } from "../src/api/types";
import type { ClickModel } from "../src/app/effects/click-model";
import type { EngineKeeper } from "../src/app/effects/engine";
import { entryOf, ModelKeeper } from "../src/app/effects/models";
import { estimatedPart } from "../src/app/models";
import { draftOf, objectsOf } from "../src/app/selectors";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { answered, opened, point, run } from "./document";

describe("another model", () => {
  const renew = { type: "draft/renew", revision: "bbbb" } as const;

  it("is asked the draft's clicks anew, with nothing fed back and nothing for undo to know", () => {
    const old = answered(run(answered(run(opened(), point(10, 10))), point(20, 20)));
    const state = run(old, renew);
    const step = state.steps[draftOf(state).step ?? -1];
    expect(step).toMatchObject({ status: "waiting", feedback: [], multimask: false, revision: null });
    expect(draftOf(state).prompt).toBe(draftOf(old).prompt);
    expect(state.history.past).toBe(old.history.past);
    const renewed = answered(state, "bbbb");
    expect(run(renewed, renew)).toBe(renewed);
    const undone = run(renewed, { type: "history/undo" });
    expect(undone.steps[draftOf(undone).step ?? -1]).toMatchObject({ status: "done", revision: "aaaa" });
  });

  it("leaves finished objects alone, the one that is looked at too", () => {
    const state = run(answered(run(opened(), point(10, 10))), { type: "draft/accept" });
    const selected = run(state, { type: "object/select", id: objectsOf(state)[0]?.id ?? -1 });
    expect(run(selected, renew)).toBe(selected);
    const refined = run(answered(run(selected, point(12, 12))), renew);
    expect(objectsOf(refined)).toBe(objectsOf(state));
    expect(refined.steps[draftOf(refined).step ?? -1]?.status).toBe("waiting");
  });

  it("is not given a point's removal for the other model's earlier mask", () => {
    const first = answered(run(opened(), point(10, 10)));
    const second = answered(run(first, point(20, 20)), "bbbb");
    const newest = draftOf(second).prompt.points[1]?.id ?? -1;
    const back = run(second, { type: "point/remove", id: newest });
    expect(back.steps[draftOf(back).step ?? -1]?.status).toBe("waiting");
  });
});

/** As much of a model as the page reads, with two bytes of a decoder. */
function summary(id: string, change: Partial<ModelSummary> = {}): ModelSummary {
  const decoder = { url: `/${id}/decoder.onnx`, bytes: 2, sha256: "", role: "decoder" };
  const preprocessing = { size: 8, resize: "square" };
  const parts = { mask_height: 2, mask_width: 2, single_mask_index: 0, multi_mask_indices: [1] };
  const model = { id, revision: `revision-${id}`, title: id, license: "MIT", preprocessing, embedding: [] };
  const all = { ...model, decoder: parts, mask_threshold: 0, files: { "decoder.onnx": decoder }, ...change };
  return all as unknown as ModelSummary;
}

describe("the menu's lines", () => {
  it("name this server's speed before the bundle's, and say where nobody measured", () => {
    const speed = { encode_ms: 900, decode_ms: 9, threads: 2, machine: "theirs" };
    expect(entryOf(summary("a"))).toMatchObject({ encodeMs: null, measured: null, state: null, decoderBytes: 2 });
    expect(entryOf(summary("a", { speed }))).toMatchObject({ encodeMs: 900, measured: "elsewhere" });
    expect(entryOf(summary("a", { speed, encode_ms: null }))).toMatchObject({ encodeMs: 900, measured: "elsewhere" });
    const here = entryOf(summary("a", { speed, encode_ms: 400, state: "ready" }));
    expect(here).toMatchObject({ encodeMs: 400, measured: "here", state: "ready" });
  });
});

describe("the estimate of an encode", () => {
  it("grows all the time and never pretends to be done", () => {
    const parts = [0, 100, 500, 999, 1000, 1001, 1500, 10_000, 3_600_000].map((ms) => estimatedPart(ms, 1000));
    expect([...parts].sort((a, b) => a - b)).toEqual(parts);
    expect(new Set(parts).size).toBe(parts.length);
    expect(parts[0]).toBe(0);
    expect(Math.max(...parts)).toBeLessThan(0.96);
  });
});

describe("the choice of a model", () => {
  let kept: Map<string, string>;
  let models: ModelSummary[];
  let asked: string[];
  const started = vi.fn<(model: { id: string }) => Promise<void>>();
  const pause = vi.fn();

  beforeEach(() => {
    kept = new Map();
    models = [summary("a"), summary("b")];
    asked = [];
    started.mockReset().mockResolvedValue(undefined);
    pause.mockReset();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    };
    vi.stubGlobal("localStorage", storage);
    vi.stubGlobal("location", new URL("http://here/"));
    vi.stubGlobal("fetch", (path: string, { signal }: { signal: AbortSignal }) => {
      asked.push(path);
      if (path === "/v1/models") return Promise.resolve(Response.json({ default: "b", models }));
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        if (path.startsWith("/a/")) resolve(new Response("xx")); // the other one's never ends
      });
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  const clicks = { offer: () => undefined } as unknown as ClickModel;

  function keeper(): { store: Store; keeper: ModelKeeper } {
    const store = createStore();
    return { store, keeper: new ModelKeeper(store, { start: started, pause } as unknown as EngineKeeper, clicks) };
  }

  it("is the server's default, the kept one before it, and the address's before both", async () => {
    expect((await keeper().keeper.chosen()).id).toBe("b");
    kept.set("segserve.model", "a");
    expect((await keeper().keeper.chosen()).id).toBe("a");
    vi.stubGlobal("location", new URL("http://here/?model=b"));
    expect((await keeper().keeper.chosen()).id).toBe("b");
    vi.stubGlobal("location", new URL("http://here/?model=%3Cscript%3E"));
    expect((await keeper().keeper.chosen()).id).toBe("a");
  });

  it("falls back to the default with a notice when the model is gone, and forgets it", async () => {
    kept.set("segserve.model", "gone");
    const { store, keeper: made } = keeper();
    expect((await made.chosen()).id).toBe("b");
    expect(store.get().notices).toMatchObject([{ code: "model_gone", detail: "gone", tone: "warning" }]);
    expect(kept.size).toBe(0);
  });

  it("leaves out models without a decoder for the browser", async () => {
    models = [summary("b", { files: {} }), summary("a")];
    const { store, keeper: made } = keeper();
    expect((await made.chosen()).id).toBe("a");
    expect(store.get().models.entries.map(({ id }) => id)).toEqual(["a"]);
    models = [];
    await expect(keeper().keeper.chosen()).rejects.toMatchObject({ code: "decoder_missing" });
  });

  it("gives the download of the model before up, and starts only the one chosen last", async () => {
    const { store, keeper: made } = keeper();
    const first = made.start();
    await vi.waitFor(() => expect(asked).toContain("/b/decoder.onnx"));
    expect(made.choose("nobody")).toBe(false);
    expect(made.choose("b")).toBe(false);
    expect(made.choose("a")).toBe(true);
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    expect(pause).toHaveBeenCalledTimes(1);
    vi.stubGlobal("isSecureContext", false);
    await made.start();
    expect(started.mock.calls.map(([model]) => model.id)).toEqual(["a"]);
    expect(store.get().engine.phase).not.toBe("failed");
    expect(kept.get("segserve.model")).toBe("a");
  });

  it("keeps the list it has when the server does not answer", async () => {
    const { store, keeper: made } = keeper();
    await made.chosen();
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("away")));
    await made.refresh();
    expect(store.get().models).toMatchObject({ stale: true, entries: [{ id: "a" }, { id: "b" }] });
  });
});

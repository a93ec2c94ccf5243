import { describe, expect, it, vi } from "vitest";

import type { Port } from "../src/decode/client";
import { DecodeClient, localPort } from "../src/decode/client";
import type { Engine } from "../src/decode/engine";
import type { Call, DecodeResult, EngineInfo, MaskSummary, Reply } from "../src/decode/protocol";
import { DecodeError } from "../src/decode/protocol";
import { imagePoint } from "../src/geometry/frames";
import { place } from "../src/geometry/resize";
import { decodeRle } from "../src/geometry/rle";
import { PICTURE, decode, embedding, fakeEngine, launcherOf, request, spec, started } from "./service-bench";

describe("the worker's brain", () => {
  it("ranks the candidates with their masks and keeps the decoder's index", async () => {
    const result = await decode(await started(launcherOf(fakeEngine("wasm"))), 1, request(1));
    expect(result.candidates.map(({ index }) => index)).toEqual([2, 3, 1]);
    expect(result.masks.map((mask) => mask[0])).toEqual([22, 32, 12]);
  });

  it("gives the single mask for more than one prompt, with the chosen candidate fed back", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await decode(service, 1, request(1));
    const feedback = [
      { step: 99, candidate: 0 },
      { step: 1, candidate: 2 },
    ];
    const result = await decode(service, 1, request(2, { multimask: false, feedback }));
    expect(result.candidates.map(({ index }) => index)).toEqual([0]);
    expect(result.fedBack).toEqual({ step: 1, candidate: 2 });
    expect(result.masks[0]?.[0]).toBe(102);
  });

  it("restores a step exactly, without the model", async () => {
    const calls: string[] = [];
    const service = await started(launcherOf(fakeEngine("wasm", calls)));
    const first = await decode(service, 1, request(1));
    await decode(service, 1, request(null));
    const again = (await service.handle({ kind: "restore", step: 1 })) as DecodeResult;
    expect(again.masks).toEqual(first.masks);
    expect(calls).toHaveLength(2);
    expect(await service.handle({ kind: "restore", step: 7 })).toBeNull();
  });

  it("keeps a closed picture's steps, for undo, and answers no more clicks on it", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    const first = await decode(service, 1, request(1));
    await service.handle({ kind: "embedding", epoch: 2, region: null, picture: PICTURE, bytes: embedding() });
    expect(await service.handle({ kind: "restore", step: 1 })).toEqual(first);
    await expect(decode(service, 1, request(2))).rejects.toMatchObject({ code: "stale" });
  });

  it("forgets steps on demand", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    for (const step of [1, 2]) await decode(service, 1, request(step));
    await service.handle({ kind: "forget", steps: [1] });
    expect(await service.handle({ kind: "restore", step: 1 })).toBeNull();
    expect(await service.handle({ kind: "restore", step: 2 })).not.toBeNull();
  });

  it("answers clicks in a part by the part's own embedding, and puts the mask where the part lies", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    const region = { x: 100, y: 50, width: 8, height: 8 };
    const picture = { width: 200, height: 100 };
    await service.handle({ kind: "embedding", epoch: 1, region, picture, bytes: embedding() });
    await decode(service, 1, request(1, { region }));
    const masks = [{ step: 1, candidate: 0 }];
    const [summary] = (await service.handle({ kind: "summarise", masks })) as MaskSummary[];
    expect(summary).toMatchObject({ area: 64, bbox: [100, 50, 8, 8] });
    expect(summary?.rle.size).toEqual([100, 200]);
  });

  it("changes masks by hand, feeds them back to any model, and writes them to the pixel", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    const stroke = { path: [imagePoint(2, 2)], radius: 1 };
    const paint = { kind: "paint", stroke, erase: false } as const;
    const made = { step: 1, picture: PICTURE, edit: paint, base: null, others: [] };
    await service.handle({ kind: "edit", request: made });
    const masks = [{ step: 1, candidate: 0 }];
    const [summary] = (await service.handle({ kind: "summarise", masks })) as MaskSummary[];
    expect(summary).toMatchObject({ area: 4, bbox: [1, 1, 2, 2] });
    const result = await decode(service, 1, request(2, { multimask: false, feedback: masks }));
    expect(result).toMatchObject({ fedBack: masks[0] });
    expect(result.masks[0]?.[0]).toBe(102);
    const grown = {
      step: 3,
      picture: PICTURE,
      edit: { kind: "grow", pixels: 1 } as const,
      base: masks[0] ?? null,
      others: [],
    };
    expect(await service.handle({ kind: "edit", request: grown })).toMatchObject({ raster: { area: { x: 0, y: 0 } } });
  });

  it("refuses an embedding of another revision", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    const wrong = service.handle({
      kind: "embedding",
      epoch: 3,
      region: null,
      picture: PICTURE,
      bytes: embedding("bbbb"),
    });
    await expect(wrong).rejects.toMatchObject({ code: "revision" });
  });

  it("keeps the masks of the model before as they were, whatever the next one's grid, and feeds none of them back", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await decode(service, 1, request(1));
    const masks = [{ step: 1, candidate: 0 }];
    const before = await service.handle({ kind: "summarise", masks });
    const other = { ...spec, revision: "bbbb", maskWidth: 2, maskHeight: 2, maskThreshold: 1000 };
    const bytes = new ArrayBuffer(0);
    await service.handle({ kind: "start", spec: other, model: bytes, golden: bytes, threads: 1, gpu: false });
    await expect(decode(service, 1, request(2))).rejects.toMatchObject({ code: "stale" });
    expect(await service.handle({ kind: "summarise", masks })).toEqual(before);
    await service.handle({ kind: "embedding", epoch: 1, region: null, picture: PICTURE, bytes: embedding("bbbb") });
    const next = await decode(service, 1, request(2, { multimask: false, feedback: masks }));
    expect(next).toMatchObject({ fedBack: null, revision: "bbbb", width: 2, threshold: 1000 });
    expect(await service.handle({ kind: "summarise", masks })).toEqual(before);
    const both = (await service.handle({
      kind: "summarise",
      masks: [...masks, { step: 2, candidate: 0 }],
    })) as MaskSummary[];
    expect(both.map(({ area }) => area)).toEqual([64, 0]);
  });

  it("drops an answer of the model before that comes late", async () => {
    let answer: () => void = () => undefined;
    const slow: Engine = {
      ...fakeEngine("wasm"),
      run: async (...call) => {
        await new Promise<void>((resolve) => (answer = resolve));
        return fakeEngine("wasm").run(...call);
      },
    };
    const service = await started(launcherOf(slow));
    const late = expect(decode(service, 1, request(1))).rejects.toMatchObject({ code: "stale" });
    const bytes = new ArrayBuffer(0);
    const other = { ...spec, revision: "bbbb" };
    const start = service.handle({ kind: "start", spec: other, model: bytes, golden: bytes, threads: 1, gpu: false });
    answer();
    await late;
    await start;
    expect(await service.handle({ kind: "restore", step: 1 })).toBeNull();
  });

  it("hands a lost GPU's work back to WASM, for good", async () => {
    const calls: string[] = [];
    const announce = vi.fn<(info: EngineInfo) => void>();
    const lost: Engine = { ...fakeEngine("webgpu"), run: () => Promise.reject(new Error("device lost")) };
    const service = await started(launcherOf(fakeEngine("wasm", calls), lost), announce);
    expect(announce).toHaveBeenLastCalledWith({ backend: "webgpu", threads: 1 });
    await decode(service, 1, request(1));
    expect(announce).toHaveBeenLastCalledWith({ backend: "wasm", threads: 1 });
    expect(calls).toEqual(["wasm"]);
  });

  it("summarises and joins masks at the picture's size", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await decode(service, 1, request(1));
    const masks = [{ step: 1, candidate: 0 }];
    const answer = await service.handle({ kind: "summarise", masks });
    const [summary] = answer as MaskSummary[];
    expect(summary).toMatchObject({ area: 64, bbox: [0, 0, 8, 8] });
    expect(summary && decodeRle(summary.rle).every((pixel) => pixel === 1)).toBe(true);
    const file = (await service.handle({ kind: "mask_png", masks })) as Blob;
    expect(file.type).toBe("image/png");
  });
});

describe("the client of the worker", () => {
  function fakePort(): { port: Port; calls: Call[]; reply: (reply: Reply) => void; crash: () => void } {
    const calls: Call[] = [];
    const ends = { reply: ((): void => undefined) as (reply: Reply) => void, crash: (): void => undefined };
    const port: Port = {
      post: (call) => void calls.push(call),
      listen: (reply, crashed) => {
        ends.reply = reply;
        ends.crash = () => crashed("gone");
      },
      close: () => undefined,
    };
    return { port, calls, reply: (message) => ends.reply(message), crash: () => ends.crash() };
  }
  const restore = { kind: "restore", step: 1 } as const;

  it("matches answers to calls", async () => {
    const { port, calls, reply } = fakePort();
    const client = new DecodeClient(port, vi.fn(), vi.fn());
    const first = client.call<"restore">(restore);
    const second = client.call<"restore">(restore);
    reply({ kind: "failure", ticket: calls[1]?.ticket ?? 0, code: "stale", message: "old" });
    reply({ kind: "answer", ticket: calls[0]?.ticket ?? 0, value: null });
    await expect(first).resolves.toBeNull();
    await expect(second).rejects.toMatchObject({ code: "stale" });
  });

  it("fails all that waits when the worker dies, and says so once", async () => {
    const { port, crash } = fakePort();
    const onCrash = vi.fn();
    const client = new DecodeClient(port, vi.fn(), onCrash);
    const waiting = client.call<"restore">(restore);
    crash();
    crash();
    await expect(waiting).rejects.toMatchObject({ code: "crashed" });
    await expect(client.call<"restore">(restore)).rejects.toBeInstanceOf(DecodeError);
    expect(onCrash).toHaveBeenCalledTimes(1);
  });

  it("takes a worker that never answers for dead", async () => {
    vi.useFakeTimers();
    const { port } = fakePort();
    const onCrash = vi.fn();
    const waiting = new DecodeClient(port, vi.fn(), onCrash).call<"restore">(restore);
    const expectation = expect(waiting).rejects.toMatchObject({ code: "timeout" });
    await vi.advanceTimersByTimeAsync(60_000);
    await expectation;
    expect(onCrash).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  it("works without a worker: logits of server predict are kept and written out", async () => {
    const client = new DecodeClient(localPort(), vi.fn(), vi.fn());
    const task = { kind: "start", spec, model: null, golden: null, threads: 1, gpu: false } as const;
    await expect(client.call<"start">(task)).resolves.toEqual({ backend: "server", threads: 0 });
    await client.call<"embedding">({ kind: "embedding", epoch: 1, region: null, picture: PICTURE, bytes: embedding() });
    const masks = [new Float32Array(16).fill(1)];
    const placement = place({ width: 8, height: 8 }, 8, "longest_side");
    const model = { revision: "aaaa", placement, threshold: 0 };
    const result = { ...model, candidates: [{ index: 0, iou: 1 }], masks, width: 4, height: 4, ms: 1, fedBack: null };
    await client.call<"adopt">({ kind: "adopt", step: 5, result });
    const summaries = await client.call<"summarise">({
      kind: "summarise",
      masks: [{ step: 5, candidate: 0 }],
    });
    expect(summaries[0]?.area).toBe(64);
  });
});

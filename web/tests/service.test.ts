import { describe, expect, it, vi } from "vitest";

import type { Port } from "../src/decode/client";
import { DecodeClient, localPort } from "../src/decode/client";
import type { Engine } from "../src/decode/engine";
import type { Launcher } from "../src/decode/launch";
import type {
  Call,
  DecodeRequest,
  DecodeResult,
  DecoderSpec,
  EngineInfo,
  MaskSummary,
  Reply,
} from "../src/decode/protocol";
import { DecodeError } from "../src/decode/protocol";
import { DecodeService } from "../src/decode/service";
import { imagePoint } from "../src/geometry/frames";
import { place } from "../src/geometry/resize";
import { decodeRle } from "../src/geometry/rle";
import { container } from "./container";

const spec: DecoderSpec = {
  revision: "aaaa",
  embeddingNames: ["features"],
  maskWidth: 4,
  maskHeight: 4,
  singleMaskIndex: 0,
  multiMaskIndices: [1, 2, 3],
  paddingIsNeutral: false,
  maskThreshold: 0,
};

function embedding(revision = "aaaa"): ArrayBuffer {
  const metadata = {
    format: "segserve-embedding/1",
    revision,
    image_id: "x",
    original_width: "8",
    original_height: "8",
    input_width: "8",
    input_height: "8",
    input_size: "8",
  };
  return container({ features: { dtype: "F32", shape: [1, 1, 1, 1], bytes: Float32Array.of(1) } }, metadata);
}

/** Masks filled with 10 * output + number of points (+ 100 when a mask was fed back); output 2 has the best score. */
function fakeEngine(backend: Engine["backend"], calls: string[] = []): Engine {
  return {
    backend,
    threads: 1,
    run: (_embedding, inputs) => {
      calls.push(backend);
      const masks = new Float32Array(64);
      const fed = inputs.hasMask[0] === 1 ? 100 : 0;
      for (let i = 0; i < 64; i++) masks[i] = 10 * Math.floor(i / 16) + inputs.points + fed;
      return Promise.resolve({ masks, ious: Float32Array.of(0.4, 0.5, 0.9, 0.7), count: 4 });
    },
    release: () => Promise.resolve(),
  };
}

const launcherOf = (wasm: Engine, webgpu: Engine | null = null): Launcher => ({
  wasm: () => Promise.resolve(wasm),
  webgpu: () => Promise.resolve(webgpu),
});

const request = (step: number | null, change: Partial<DecodeRequest> = {}): DecodeRequest => ({
  step,
  prompt: { points: [{ id: 1, at: imagePoint(4, 4), label: 1 }], box: null },
  multimask: true,
  feedback: [],
  ...change,
});

async function started(launcher: Launcher, announce = vi.fn<(info: EngineInfo) => void>()): Promise<DecodeService> {
  const service = new DecodeService(launcher, announce);
  const bytes = new ArrayBuffer(0);
  await service.handle({ kind: "start", spec, model: bytes, golden: bytes, threads: 1, gpu: true });
  await service.handle({ kind: "embedding", epoch: 1, bytes: embedding() });
  return service;
}

const decode = async (service: DecodeService, epoch: number, asked: DecodeRequest): Promise<DecodeResult> =>
  (await service.handle({ kind: "decode", epoch, request: asked })) as DecodeResult;

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
    const again = (await service.handle({ kind: "restore", epoch: 1, step: 1 })) as DecodeResult;
    expect(again.masks).toEqual(first.masks);
    expect(calls).toHaveLength(2);
    expect(await service.handle({ kind: "restore", epoch: 1, step: 7 })).toBeNull();
  });

  it("forgets a picture's steps with the picture", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await decode(service, 1, request(1));
    await service.handle({ kind: "embedding", epoch: 2, bytes: embedding() });
    expect(await service.handle({ kind: "restore", epoch: 2, step: 1 })).toBeNull();
    await expect(decode(service, 1, request(2))).rejects.toMatchObject({ code: "stale" });
  });

  it("forgets steps on demand, of the open picture only", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    for (const step of [1, 2]) await decode(service, 1, request(step));
    await service.handle({ kind: "forget", epoch: 0, steps: [1, 2] });
    await service.handle({ kind: "forget", epoch: 1, steps: [1] });
    expect(await service.handle({ kind: "restore", epoch: 1, step: 1 })).toBeNull();
    expect(await service.handle({ kind: "restore", epoch: 1, step: 2 })).not.toBeNull();
  });

  it("lets nothing late of an older picture in", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await service.handle({ kind: "embedding", epoch: 2, bytes: embedding() });
    const first = await decode(service, 2, request(4));
    await service.handle({ kind: "adopt", epoch: 1, step: 3, result: first });
    const late = service.handle({ kind: "embedding", epoch: 1, bytes: embedding() });
    await expect(late).rejects.toMatchObject({ code: "stale" });
    expect(await service.handle({ kind: "restore", epoch: 2, step: 4 })).toEqual(first);
    expect(await service.handle({ kind: "restore", epoch: 2, step: 3 })).toBeNull();
    const masks = [{ step: 4, candidate: 0 }];
    await expect(service.handle({ kind: "summarise", epoch: 2, masks })).resolves.toHaveLength(1);
  });

  it("refuses an embedding of another revision", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    const wrong = service.handle({ kind: "embedding", epoch: 3, bytes: embedding("bbbb") });
    await expect(wrong).rejects.toMatchObject({ code: "revision" });
  });

  it("keeps the masks of the model before as they were, whatever the next one's grid, and feeds none of them back", async () => {
    const service = await started(launcherOf(fakeEngine("wasm")));
    await decode(service, 1, request(1));
    const masks = [{ step: 1, candidate: 0 }];
    const before = await service.handle({ kind: "summarise", epoch: 1, masks });
    const other = { ...spec, revision: "bbbb", maskWidth: 2, maskHeight: 2, maskThreshold: 1000 };
    const bytes = new ArrayBuffer(0);
    await service.handle({ kind: "start", spec: other, model: bytes, golden: bytes, threads: 1, gpu: false });
    await expect(decode(service, 1, request(2))).rejects.toMatchObject({ code: "stale" });
    expect(await service.handle({ kind: "summarise", epoch: 1, masks })).toEqual(before);
    await service.handle({ kind: "embedding", epoch: 1, bytes: embedding("bbbb") });
    const next = await decode(service, 1, request(2, { multimask: false, feedback: masks }));
    expect(next).toMatchObject({ fedBack: null, revision: "bbbb", width: 2, threshold: 1000 });
    expect(await service.handle({ kind: "summarise", epoch: 1, masks })).toEqual(before);
    const both = (await service.handle({
      kind: "summarise",
      epoch: 1,
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
    await service.handle({ kind: "start", spec: other, model: bytes, golden: bytes, threads: 1, gpu: false });
    answer();
    await late;
    expect(await service.handle({ kind: "restore", epoch: 1, step: 1 })).toBeNull();
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
    const answer = await service.handle({ kind: "summarise", epoch: 1, masks });
    const [summary] = answer as MaskSummary[];
    expect(summary).toMatchObject({ area: 64, bbox: [0, 0, 8, 8] });
    expect(summary && decodeRle(summary.rle).every((pixel) => pixel === 1)).toBe(true);
    const file = (await service.handle({ kind: "mask_png", epoch: 1, masks })) as Blob;
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
  const restore = { kind: "restore", epoch: 1, step: 1 } as const;

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
    await client.call<"embedding">({ kind: "embedding", epoch: 1, bytes: embedding() });
    const masks = [new Float32Array(16).fill(1)];
    const placement = place({ width: 8, height: 8 }, 8, "longest_side");
    const model = { revision: "aaaa", placement, threshold: 0 };
    const result = { ...model, candidates: [{ index: 0, iou: 1 }], masks, width: 4, height: 4, ms: 1, fedBack: null };
    await client.call<"adopt">({ kind: "adopt", epoch: 1, step: 5, result });
    const summaries = await client.call<"summarise">({
      kind: "summarise",
      epoch: 1,
      masks: [{ step: 5, candidate: 0 }],
    });
    expect(summaries[0]?.area).toBe(64);
  });
});

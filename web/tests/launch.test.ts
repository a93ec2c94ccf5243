import { afterEach, describe, expect, it, vi } from "vitest";

import { createStages } from "../src/decode/click-stages";
import type { Engine, Runtime } from "../src/decode/engine";
import { createEngine } from "../src/decode/engine";
import { createLauncher } from "../src/decode/launch";
import type { ClickFiles, DecoderSpec } from "../src/decode/protocol";
import { container } from "./container";

const spec: DecoderSpec = {
  revision: "aaaa",
  embeddingNames: ["features"],
  maskWidth: 1,
  maskHeight: 1,
  singleMaskIndex: 0,
  multiMaskIndices: [0],
  paddingIsNeutral: true,
  maskThreshold: 0,
};

const one = (shape: number[], value = 1): { dtype: string; shape: number[]; bytes: Float32Array } => ({
  dtype: "F32",
  shape,
  bytes: Float32Array.of(value),
});

/** One case whose mask is one pixel above the threshold, with the score 0.5. */
const golden = container(
  {
    "embedding.features": one([1, 1, 1, 1]),
    "k.point_coords": { dtype: "F32", shape: [1, 1, 2], bytes: Float32Array.of(0, 0) },
    "k.point_labels": one([1, 1]),
    "k.mask_input": one([1, 1, 1, 1], 0),
    "k.has_mask_input": one([1], 0),
    "k.low_res_masks": one([1, 1, 1, 1], 3),
    "k.iou_predictions": one([1, 1], 0.5),
  },
  { cases: '["k"]' },
);

const bytes = (length: number): { dtype: string; shape: number[]; bytes: Uint8Array } => ({
  dtype: "U8",
  shape: [length],
  bytes: new Uint8Array(length),
});

/** The golden click of a model with one pixel and two stages, whose answers are both mask. */
const files: ClickFiles = {
  spec: {
    revision: "c1",
    rules: {
      size: 1,
      threshold: 0,
      diskRadius: 5,
      expansion: 1.4,
      smallestTarget: 1,
      smallestFocus: 1,
      mergeFrom: 10,
      lookTwice: false,
      scoreSlope: 1,
      scoreOffset: 0,
    },
  },
  coarse: new ArrayBuffer(0),
  refine: new ArrayBuffer(0),
  golden: container({
    "coarse.pixels": bytes(3),
    "coarse.clicks": bytes(2),
    "coarse.previous_mask": bytes(1),
    "coarse.logits": one([1, 1, 1, 1], 3),
    "refine.pixels": bytes(3),
    "refine.clicks": bytes(2),
    "refine.focus_box": { dtype: "F32", shape: [1, 4], bytes: Float32Array.of(0, 0, 1, 1) },
    "refine.logits": one([1, 1, 1, 1], 3),
  }),
};

/** ONNX Runtime whose graphs always answer the same logit; `fed`: what their inputs were called. */
function runtime(logit: number): { runtime: Runtime; release: ReturnType<typeof vi.fn>; fed: string[][] } {
  const release = vi.fn(() => Promise.resolve());
  const fed: string[][] = [];
  const tensor = (...values: number[]): unknown => ({
    dims: [1, 1, 1, 1],
    getData: () => Promise.resolve(Float32Array.from(values)),
  });
  const run = (feeds: object): unknown => {
    fed.push(Object.keys(feeds));
    const masks = { low_res_masks: tensor(logit), iou_predictions: tensor(0.5) };
    return Promise.resolve({ ...masks, logits: tensor(logit), features: tensor(1) });
  };
  const made = {
    InferenceSession: { create: () => Promise.resolve({ run, release }) },
    Tensor: Object,
  };
  return { runtime: made as unknown as Runtime, release, fed };
}

const launcherOf = (gpu: Runtime): ReturnType<typeof createLauncher> =>
  createLauncher({ wasm: () => Promise.resolve(gpu), webgpu: () => Promise.resolve(gpu) });
const wasm = (): Promise<Engine> => createEngine(runtime(3).runtime, "wasm", 1, new ArrayBuffer(0), spec);

afterEach(() => vi.unstubAllGlobals());

describe("a back end", () => {
  it("that answers wrongly is not used, and its session is let go", async () => {
    vi.stubGlobal("navigator", { gpu: { requestAdapter: () => Promise.resolve({}) } });
    vi.spyOn(console, "info").mockReturnValue();
    const gpu = runtime(-3);
    const launcher = launcherOf(gpu.runtime);
    await expect(launcher.webgpu(new ArrayBuffer(0), spec, golden, await wasm())).resolves.toBeNull();
    expect(gpu.release).toHaveBeenCalledTimes(1);
    const start = launcher.wasm(new ArrayBuffer(0), spec, golden, 1);
    await expect(start).rejects.toMatchObject({ code: "self_test" });
  });

  it("is held to the golden click of an interactive model too", async () => {
    vi.stubGlobal("navigator", { gpu: { requestAdapter: () => Promise.resolve({}) } });
    vi.spyOn(console, "info").mockReturnValue();
    const [right, wrong] = [runtime(3), runtime(-3)];
    const engine = await launcherOf(right.runtime).clicks(files, 2);
    expect(engine.backend).toBe("wasm");
    expect(right.fed.map((names) => names.toSorted())).toEqual([
      ["clicks", "pixels", "previous_mask"],
      ["clicks", "coarse_logits", "features", "focus_box", "iou_predictions", "low_res_masks", "pixels"],
    ]);
    await expect(launcherOf(wrong.runtime).clicks(files, 2)).rejects.toMatchObject({ code: "self_test" });
    expect(wrong.release).toHaveBeenCalledTimes(2);
    const unproved = await launcherOf(wrong.runtime).clicks({ ...files, golden: null }, 2);
    expect(unproved.backend).toBe("wasm");
    const present = await createStages(runtime(3).runtime, "wasm", files);
    const lying = launcherOf(wrong.runtime).clicksOnGpu(files, files.golden ?? new ArrayBuffer(0), present);
    await expect(lying).resolves.toBeNull();
  });

  it("that answers rightly is", async () => {
    const engine = await launcherOf(runtime(3).runtime).wasm(new ArrayBuffer(0), spec, golden, 1);
    expect(engine.backend).toBe("wasm");
  });
});

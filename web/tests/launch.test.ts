import { afterEach, describe, expect, it, vi } from "vitest";

import type { Engine, Runtime } from "../src/decode/engine";
import { createEngine } from "../src/decode/engine";
import { createLauncher } from "../src/decode/launch";
import type { DecoderSpec } from "../src/decode/protocol";
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

/** ONNX Runtime with a decoder that always answers the same logit. */
function runtime(logit: number): { runtime: Runtime; release: ReturnType<typeof vi.fn> } {
  const release = vi.fn(() => Promise.resolve());
  const tensor = (value: number): unknown => ({ dims: [1, 1], getData: () => Promise.resolve(Float32Array.of(value)) });
  const run = (): unknown => Promise.resolve({ low_res_masks: tensor(logit), iou_predictions: tensor(0.5) });
  const made = {
    InferenceSession: { create: () => Promise.resolve({ run, release }) },
    Tensor: Object,
  };
  return { runtime: made as unknown as Runtime, release };
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

  it("that answers rightly is", async () => {
    const engine = await launcherOf(runtime(3).runtime).wasm(new ArrayBuffer(0), spec, golden, 1);
    expect(engine.backend).toBe("wasm");
  });
});

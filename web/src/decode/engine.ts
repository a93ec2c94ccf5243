import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";

import type { Embedding, NamedTensor } from "./embedding";
import type { DecoderInputs } from "./inputs";
import type { DecoderSpec } from "./protocol";

/** low_res_masks [B, M, h, w] and iou_predictions [B, M]. */
export interface DecoderOutputs {
  readonly masks: Float32Array;
  readonly ious: Float32Array;
  readonly count: number;
}

/** A decoder on one back end. */
export interface Engine {
  readonly backend: "wasm" | "webgpu";
  readonly threads: number;
  run(embedding: Pick<Embedding, "tensors">, inputs: DecoderInputs): Promise<DecoderOutputs>;
  release(): Promise<void>;
}

/** One graph in ONNX Runtime. */
export interface Session {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/** The part of ONNX Runtime that is used; the browser's builds and Node's all have it. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<Session>;
  };
  readonly Tensor: TensorConstructor;
}

export async function createEngine(
  runtime: Runtime,
  backend: Engine["backend"],
  threads: number,
  model: ArrayBuffer,
  spec: DecoderSpec,
): Promise<Engine> {
  const session = await runtime.InferenceSession.create(new Uint8Array(model), {
    executionProviders: [backend],
    graphOptimizationLevel: "all",
    logSeverityLevel: 3, // its warnings about where nodes run would look like errors of the page
  });
  const prepared = new WeakMap<readonly NamedTensor[], Record<string, Tensor>>();

  const featuresOf = (tensors: readonly NamedTensor[]): Record<string, Tensor> => {
    const known = prepared.get(tensors);
    if (known !== undefined) return known;
    const made: Record<string, Tensor> = {};
    for (const { name, data, shape } of tensors) made[name] = new runtime.Tensor("float32", data, shape);
    prepared.set(tensors, made);
    return made;
  };

  const run: Engine["run"] = async (embedding, inputs) => {
    const { batch, points } = inputs;
    const outputs = await session.run({
      ...featuresOf(embedding.tensors),
      point_coords: new runtime.Tensor("float32", inputs.coords, [batch, points, 2]),
      point_labels: new runtime.Tensor("float32", inputs.labels, [batch, points]),
      mask_input: new runtime.Tensor("float32", inputs.mask, [batch, 1, spec.maskHeight, spec.maskWidth]),
      has_mask_input: new runtime.Tensor("float32", inputs.hasMask, [batch]),
    });
    const masks = outputs.low_res_masks;
    const ious = outputs.iou_predictions;
    if (masks === undefined || ious === undefined) throw new Error("The decoder has not the expected outputs.");
    return {
      masks: (await masks.getData()) as Float32Array,
      ious: (await ious.getData()) as Float32Array,
      count: ious.dims[1] ?? 0,
    };
  };

  return { backend, threads, run, release: () => session.release() };
}

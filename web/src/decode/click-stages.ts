import type { InferenceSession, Tensor } from "onnxruntime-common";

import type { ClickStages, Logits } from "./click-loop";
import type { Runtime } from "./engine";
import type { ClickSpec } from "./protocol";

/** Logits and features, as the coarse graph gave them. */
type Carry = Readonly<Record<string, Tensor>>;

/** The graphs of an interactive bundle (docs/bundle-format.md) in ONNX Runtime. */
export async function createStages(
  runtime: Runtime,
  spec: ClickSpec,
  coarse: ArrayBuffer,
  refine: ArrayBuffer | null,
): Promise<ClickStages<Carry>> {
  const { size } = spec.rules;
  const open = (model: ArrayBuffer): Promise<InferenceSession> =>
    runtime.InferenceSession.create(new Uint8Array(model), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    });
  const first = await open(coarse);
  const second = refine === null ? null : await open(refine);
  const image = (pixels: Uint8Array): Tensor => new runtime.Tensor("uint8", pixels, [1, size, size, 3]);
  const disks = (maps: Float32Array): Tensor => new runtime.Tensor("float32", maps, [1, 2, size, size]);

  return {
    coarse: async (pixels, clicks, previous) => {
      const outputs = await first.run({
        pixels: image(pixels),
        clicks: disks(clicks),
        previous_mask: new runtime.Tensor("float32", previous, [1, 1, size, size]),
      });
      const { logits, ...features } = outputs;
      if (logits === undefined) throw new Error("The coarse graph has not the expected outputs.");
      return { logits: logitsOf(logits), carry: { ...features, coarse_logits: logits } };
    },
    refine:
      second === null
        ? null
        : async (pixels, clicks, carry, box) => {
            const outputs = await second.run({
              pixels: image(pixels),
              clicks: disks(clicks),
              focus_box: new runtime.Tensor("float32", box, [1, 4]),
              ...carry,
            });
            if (outputs.logits === undefined) throw new Error("The refinement has not the expected outputs.");
            return logitsOf(outputs.logits);
          },
  };
}

function logitsOf({ data, dims }: Tensor): Logits {
  return { data: data as Float32Array, width: dims[3] ?? 0, height: dims[2] ?? 0 };
}

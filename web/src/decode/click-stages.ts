import type { Tensor } from "onnxruntime-common";

import type { ClickStages, Logits } from "./click-loop";
import type { Engine, Runtime, Session } from "./engine";
import type { ClickFiles } from "./protocol";

/** Logits and features, as the coarse graph gave them. */
type Carry = Readonly<Record<string, Tensor>>;

/** An interactive model on one back end. */
export interface ClickEngine extends ClickStages {
  readonly backend: Engine["backend"];
  release(): Promise<void>;
}

/** The graphs of an interactive bundle (docs/bundle-format.md) in ONNX Runtime. */
export async function createStages(
  runtime: Runtime,
  backend: Engine["backend"],
  { spec, coarse, refine }: ClickFiles,
): Promise<ClickEngine> {
  const { size } = spec.rules;
  const open = (model: ArrayBuffer): Promise<Session> =>
    runtime.InferenceSession.create(new Uint8Array(model), {
      executionProviders: [backend],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    });
  const first = await open(coarse);
  const second = refine === null ? null : await open(refine);
  const image = (pixels: Uint8Array): Tensor => new runtime.Tensor("uint8", pixels, [1, size, size, 3]);
  const disks = (maps: Float32Array): Tensor => new runtime.Tensor("float32", maps, [1, 2, size, size]);

  const stages: ClickStages<Carry> = {
    coarse: async (pixels, clicks, previous) => {
      const feeds = {
        pixels: image(pixels),
        clicks: disks(clicks),
        previous_mask: new runtime.Tensor("float32", previous, [1, 1, size, size]),
      };
      const { logits, ...features } = await first.run(feeds);
      if (logits === undefined) throw new Error("The coarse graph has not the expected outputs.");
      return { logits: await logitsOf(logits), carry: { ...features, coarse_logits: logits } };
    },
    refine:
      second === null
        ? null
        : async (pixels, clicks, carry, box) => {
            const focusBox = new runtime.Tensor("float32", box, [1, 4]);
            const feeds = { pixels: image(pixels), clicks: disks(clicks), focus_box: focusBox, ...carry };
            const outputs = await second.run(feeds);
            if (outputs.logits === undefined) throw new Error("The refinement has not the expected outputs.");
            return logitsOf(outputs.logits);
          },
  };
  const release = async (): Promise<void> => {
    await first.release();
    await second?.release();
  };
  return { ...(stages as ClickStages), backend, release };
}

async function logitsOf(tensor: Tensor): Promise<Logits> {
  const [, , height = 0, width = 0] = tensor.dims;
  return { data: (await tensor.getData()) as Float32Array, width, height };
}

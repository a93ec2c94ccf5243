import { iou } from "../geometry/mask";
import type { ClickStages, Logits } from "./click-loop";
import { namedTensors } from "./embedding";
import type { Engine } from "./engine";
import type { DecoderInputs } from "./inputs";
import type { DecoderSpec } from "./protocol";
import type { SafeTensors } from "./safetensors";
import { floatsOf, readSafeTensors, tensorOf } from "./safetensors";

/** How far a back end may stray from the golden answers (made with ONNX Runtime on a CPU, float32). */
const LEAST_IOU = 0.97;
const LARGEST_SCORE_DIFFERENCE = 0.02;

export interface SelfTest {
  readonly passed: boolean;
  readonly worstIou: number;
  readonly worstScore: number;
  /** Milliseconds of the fastest case, as a measure of the back end. */
  readonly ms: number;
}

/** Runs the click of an interactive bundle's golden vectors: the coarse graph, and the refinement on what it gave. */
export async function clickSelfTest(stages: ClickStages, golden: ArrayBuffer, threshold: number): Promise<SelfTest> {
  const file = readSafeTensors(golden);
  const bytes = (name: string): Uint8Array => tensorOf(file, name).bytes.slice();
  const maps = (name: string): Float32Array => Float32Array.from(bytes(name));
  const agreement = (logits: Logits, name: string): number =>
    iou(above(logits.data, threshold), above(floatsOf(tensorOf(file, name)), threshold));
  const started = performance.now();
  const coarse = await stages.coarse(bytes("coarse.pixels"), maps("coarse.clicks"), maps("coarse.previous_mask"));
  let worstIou = agreement(coarse.logits, "coarse.logits");
  if (stages.refine !== null) {
    const box = floatsOf(tensorOf(file, "refine.focus_box"));
    const refined = await stages.refine(bytes("refine.pixels"), maps("refine.clicks"), coarse.carry, box);
    worstIou = Math.min(worstIou, agreement(refined, "refine.logits"));
  }
  return { passed: worstIou >= LEAST_IOU, worstIou, worstScore: 0, ms: performance.now() - started };
}

/** Runs the bundle's golden cases and compares masks and scores with what they should be. */
export async function selfTest(
  engine: Engine,
  golden: ArrayBuffer,
  spec: DecoderSpec,
  limit = Infinity,
): Promise<SelfTest> {
  const file = readSafeTensors(golden);
  const embedding = { tensors: namedTensors(file, spec.embeddingNames, "embedding.") };
  const cases = (JSON.parse(file.metadata.cases ?? "[]") as string[]).slice(0, limit);
  let worstIou = cases.length === 0 ? 0 : 1;
  let worstScore = 0;
  let ms = Infinity;
  for (const name of cases) {
    const started = performance.now();
    const outputs = await engine.run(embedding, goldenInputs(file, name, spec));
    ms = Math.min(ms, performance.now() - started);
    const masks = floatsOf(tensorOf(file, `${name}.low_res_masks`));
    const scores = floatsOf(tensorOf(file, `${name}.iou_predictions`));
    worstIou = Math.min(worstIou, iou(above(outputs.masks, spec.maskThreshold), above(masks, spec.maskThreshold)));
    scores.forEach((score, i) => {
      const difference = Math.abs(score - (outputs.ious[i] ?? NaN));
      worstScore = Number.isNaN(difference) ? Infinity : Math.max(worstScore, difference);
    });
  }
  const passed = worstIou >= LEAST_IOU && worstScore <= LARGEST_SCORE_DIFFERENCE;
  return { passed, worstIou, worstScore, ms };
}

/** All masks of a case together, so that one of three pixels does not decide. */
function above(values: Float32Array, threshold: number): Uint8Array {
  return Uint8Array.from(values, (value) => (value > threshold ? 1 : 0));
}

/** A case without a mask prompt may leave out its empty `mask_input`. */
export function goldenInputs(
  file: SafeTensors,
  name: string,
  spec: Pick<DecoderSpec, "maskHeight" | "maskWidth">,
): DecoderInputs {
  const labels = tensorOf(file, `${name}.point_labels`);
  const batch = labels.shape[0] ?? 1;
  const mask = file.tensors.get(`${name}.mask_input`);
  return {
    batch,
    points: labels.shape[1] ?? 0,
    coords: floatsOf(tensorOf(file, `${name}.point_coords`)),
    labels: floatsOf(labels),
    mask: mask ? floatsOf(mask) : new Float32Array(batch * spec.maskHeight * spec.maskWidth),
    hasMask: floatsOf(tensorOf(file, `${name}.has_mask_input`)),
  };
}

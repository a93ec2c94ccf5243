import * as ort from "onnxruntime-web";
import { beforeAll, describe, expect, it } from "vitest";

import type { ClickRules } from "../src/decode/click-loop";
import type { ClickEngine } from "../src/decode/click-stages";
import { createStages } from "../src/decode/click-stages";
import { namedTensors } from "../src/decode/embedding";
import type { Engine } from "../src/decode/engine";
import { createEngine } from "../src/decode/engine";
import type { DecoderSpec } from "../src/decode/protocol";
import { floatsOf, readSafeTensors, tensorOf } from "../src/decode/safetensors";
import { clickSelfTest, goldenInputs, selfTest } from "../src/decode/self-test";
import { iou } from "../src/geometry/mask";
import { readBytes } from "./golden";

interface Manifest {
  revision: string;
  embedding: { name: string; shape: number[] }[];
  decoder: {
    mask_height: number;
    mask_width: number;
    single_mask_index: number;
    multi_mask_indices: number[];
    padding_is_neutral: boolean;
  };
  mask_threshold: number;
  files: Record<string, { role: string }>;
}

/** A bundle that is shipped: its manifest, and its files by role. */
function bundle<M extends Pick<Manifest, "files">>(id: string): [M, (role: string) => ArrayBuffer] {
  const folder = new URL(`../../server/bundles/${id}/`, import.meta.url);
  const manifest = JSON.parse(new TextDecoder().decode(readBytes(new URL("bundle.json", folder)))) as M;
  const fileFor = (role: string): ArrayBuffer => {
    const name = Object.entries(manifest.files).find(([, file]) => file.role === role)?.[0] ?? "";
    return readBytes(new URL(name, folder));
  };
  return [manifest, fileFor];
}

const [manifest, fileFor] = bundle<Manifest>("segserve-lite");
const spec: DecoderSpec = {
  revision: manifest.revision,
  embeddingNames: manifest.embedding.map((tensor) => tensor.name),
  maskWidth: manifest.decoder.mask_width,
  maskHeight: manifest.decoder.mask_height,
  singleMaskIndex: manifest.decoder.single_mask_index,
  multiMaskIndices: manifest.decoder.multi_mask_indices,
  paddingIsNeutral: manifest.decoder.padding_is_neutral,
  maskThreshold: manifest.mask_threshold,
};
const golden = fileFor("golden");
const file = readSafeTensors(golden);
const cases = JSON.parse(file.metadata.cases ?? "[]") as string[];

/** The bundle that is shipped, by the browser's ONNX Runtime, against the answers that were recorded at export. */
describe("the embedded bundle", () => {
  let engine: Engine;

  beforeAll(async () => {
    ort.env.wasm.numThreads = 1;
    engine = await createEngine(ort, "wasm", 1, fileFor("decoder"), spec);
  });

  it("has golden cases", () => {
    expect(cases).toEqual(["batch", "mask_prompt", "point"]);
  });

  it.each(cases)("answers %s as recorded", async (name) => {
    const tensors = namedTensors(file, spec.embeddingNames, "embedding.");
    expect(tensors.map((tensor) => tensor.shape.slice(1))).toEqual(manifest.embedding.map((tensor) => tensor.shape));
    const outputs = await engine.run({ tensors }, goldenInputs(file, name, spec));
    const masks = floatsOf(tensorOf(file, `${name}.low_res_masks`));
    const scores = floatsOf(tensorOf(file, `${name}.iou_predictions`));
    const above = (values: Float32Array): boolean[] => Array.from(values, (value) => value > spec.maskThreshold);
    expect(outputs.masks).toHaveLength(masks.length);
    expect(iou(above(outputs.masks).map(Number), above(masks).map(Number))).toBeGreaterThan(0.999);
    // Recorded as float16: half a unit of its last place, and a little for another order of summation.
    const beyond = masks.findIndex(
      (value, i) => !(Math.abs(value - (outputs.masks[i] ?? NaN)) <= 0.02 + Math.abs(value) / 1024),
    );
    expect(beyond).toBe(-1);
    scores.forEach((score, i) => expect(outputs.ious[i]).toBeCloseTo(score, 3));
  });

  it("passes the self-test, and a decoder of other thresholds does not", async () => {
    const test = await selfTest(engine, golden, spec);
    expect(test.passed).toBe(true);
    const liar: Engine = {
      ...engine,
      run: async (...call) => {
        const outputs = await engine.run(...call);
        return { ...outputs, masks: outputs.masks.map((value) => value - 4) };
      },
    };
    expect((await selfTest(liar, golden, spec)).passed).toBe(false);
  });
});

describe("the embedded interactive bundle", () => {
  it("passes the self-test, and graphs of another threshold do not", async () => {
    const [, files] = bundle("segserve-clicks");
    const rules = { size: 256, threshold: 0 } as ClickRules; // all that graphs are told
    const model = { spec: { revision: "", rules }, coarse: files("coarse"), refine: files("refine"), golden: null };
    ort.env.wasm.numThreads = 1;
    const engine = await createStages(ort, "wasm", model);
    const test = await clickSelfTest(engine, files("golden"), 0);
    expect(test).toMatchObject({ passed: true });
    expect(test.worstIou).toBeGreaterThan(0.999);
    const liar = {
      ...engine,
      coarse: async (...call: Parameters<ClickEngine["coarse"]>) => {
        const { logits, carry } = await engine.coarse(...call);
        return { logits: { ...logits, data: logits.data.map((value) => value - 4) }, carry };
      },
    };
    expect((await clickSelfTest(liar, files("golden"), 0)).passed).toBe(false);
  });
});

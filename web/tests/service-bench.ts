import { vi } from "vitest";

import type { Engine } from "../src/decode/engine";
import type { Launcher } from "../src/decode/launch";
import type { DecodeRequest, DecodeResult, DecoderSpec, EngineInfo } from "../src/decode/protocol";
import { DecodeService } from "../src/decode/service";
import { imagePoint } from "../src/geometry/frames";
import { container } from "./container";

/** A worker's brain with a decoder that answers predictably. */
export const spec: DecoderSpec = {
  revision: "aaaa",
  embeddingNames: ["features"],
  maskWidth: 4,
  maskHeight: 4,
  singleMaskIndex: 0,
  multiMaskIndices: [1, 2, 3],
  paddingIsNeutral: false,
  maskThreshold: 0,
};

export const PICTURE = { width: 8, height: 8 };

export function embedding(revision = "aaaa"): ArrayBuffer {
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
export function fakeEngine(backend: Engine["backend"], calls: string[] = []): Engine {
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

export const launcherOf = (wasm: Engine, webgpu: Engine | null = null): Launcher => ({
  wasm: () => Promise.resolve(wasm),
  webgpu: () => Promise.resolve(webgpu),
  clicks: () => Promise.reject(new Error("none here")),
  clicksOnGpu: () => Promise.resolve(null),
});

export const request = (step: number | null, change: Partial<DecodeRequest> = {}): DecodeRequest => ({
  step,
  prompt: { points: [{ id: 1, at: imagePoint(4, 4), label: 1 }], box: null },
  multimask: true,
  region: null,
  feedback: [],
  ...change,
});

export async function started(
  launcher: Launcher,
  announce = vi.fn<(info: EngineInfo) => void>(),
): Promise<DecodeService> {
  const service = new DecodeService(launcher, announce);
  const bytes = new ArrayBuffer(0);
  await service.handle({ kind: "start", spec, model: bytes, golden: bytes, threads: 1, gpu: true });
  await service.handle({ kind: "embedding", epoch: 1, region: null, picture: PICTURE, bytes: embedding() });
  return service;
}

export const decode = async (service: DecodeService, epoch: number, asked: DecodeRequest): Promise<DecodeResult> =>
  (await service.handle({ kind: "decode", epoch, request: asked })) as DecodeResult;

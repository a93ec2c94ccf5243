import type { ClickStages } from "./click-loop";
import { createStages } from "./click-stages";
import type { Engine, Runtime } from "./engine";
import { createEngine } from "./engine";
import type { ClickSpec, DecoderSpec } from "./protocol";
import { DecodeError } from "./protocol";
import { selfTest } from "./self-test";

/** Brings back ends up and trusts none before its self-test. */
export interface Launcher {
  wasm(model: ArrayBuffer, spec: DecoderSpec, golden: ArrayBuffer | null, threads: number): Promise<Engine>;
  /** null when the GPU is absent, wrong or slower than `present`. */
  webgpu(model: ArrayBuffer, spec: DecoderSpec, golden: ArrayBuffer, present: Engine): Promise<Engine | null>;
  /** The graphs of an interactive model, by WASM. */
  clicks(spec: ClickSpec, coarse: ArrayBuffer, refine: ArrayBuffer | null, threads: number): Promise<ClickStages>;
}

export interface RuntimeLoaders {
  wasm(threads: number): Promise<Runtime>;
  webgpu(): Promise<Runtime>;
}

interface Gpu {
  requestAdapter(): Promise<unknown>;
}

/** Cases that the WASM back end runs at start: enough to find a broken one, short enough to go unnoticed. */
const QUICK_CASES = 2;

export function createLauncher(loaders: RuntimeLoaders): Launcher {
  return {
    async wasm(model, spec, golden, threads) {
      let engine: Engine;
      try {
        engine = await createEngine(await loaders.wasm(threads), "wasm", threads, model, spec);
      } catch (error) {
        throw new DecodeError("runtime", String(error));
      }
      if (golden === null) return engine;
      const test = await selfTest(engine, golden, spec, QUICK_CASES);
      if (!test.passed) throw new DecodeError("self_test", `IoU ${test.worstIou}, score off by ${test.worstScore}`);
      return engine;
    },
    async clicks(spec, coarse, refine, threads) {
      try {
        return (await createStages(await loaders.wasm(threads), spec, coarse, refine)) as ClickStages;
      } catch (error) {
        throw new DecodeError("runtime", String(error));
      }
    },
    async webgpu(model, spec, golden, present) {
      const gpu = (navigator as unknown as { gpu?: Gpu }).gpu;
      if (gpu === undefined || (await gpu.requestAdapter()) === null) return null;
      const engine = await createEngine(await loaders.webgpu(), "webgpu", 1, model, spec);
      const first = await selfTest(engine, golden, spec);
      if (!first.passed) {
        console.info(`Segserve: WebGPU answers wrongly (IoU ${first.worstIou}, score ${first.worstScore}).`);
        await engine.release();
        return null;
      }
      const [onGpu, onCpu] = [await selfTest(engine, golden, spec), await selfTest(present, golden, spec)];
      if (onGpu.passed && onGpu.ms <= onCpu.ms) return engine;
      console.info(`Segserve: WebGPU is right but slower (${onGpu.ms} ms, WASM ${onCpu.ms} ms).`);
      await engine.release();
      return null;
    },
  };
}

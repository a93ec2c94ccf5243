import type { ClickEngine } from "./click-stages";
import { createStages } from "./click-stages";
import type { Engine, Runtime } from "./engine";
import { createEngine } from "./engine";
import type { ClickFiles, DecoderSpec } from "./protocol";
import { DecodeError } from "./protocol";
import type { SelfTest } from "./self-test";
import { clickSelfTest, selfTest } from "./self-test";
import type { BackEnd } from "./spare";

/** Brings back ends up and trusts none before its self-test. */
export interface Launcher {
  wasm(model: ArrayBuffer, spec: DecoderSpec, golden: ArrayBuffer | null, threads: number): Promise<Engine>;
  /** null when the GPU is absent, wrong or slower than `present`. */
  webgpu(model: ArrayBuffer, spec: DecoderSpec, golden: ArrayBuffer, present: Engine): Promise<Engine | null>;
  /** An interactive model, by WASM. */
  clicks(files: ClickFiles, threads: number): Promise<ClickEngine>;
  /** As `webgpu`. */
  clicksOnGpu(files: ClickFiles, golden: ArrayBuffer, present: ClickEngine): Promise<ClickEngine | null>;
}

export interface RuntimeLoaders {
  wasm(threads: number): Promise<Runtime>;
  webgpu(): Promise<Runtime>;
}

interface Gpu {
  requestAdapter(): Promise<unknown>;
}

type Test<E> = (engine: E) => Promise<SelfTest>;

/** Cases that the WASM back end runs at start: enough to find a broken one, short enough to go unnoticed. */
const QUICK_CASES = 2;

export function createLauncher(loaders: RuntimeLoaders): Launcher {
  const clickTest =
    ({ spec }: ClickFiles, golden: ArrayBuffer): Test<ClickEngine> =>
    (engine) =>
      clickSelfTest(engine, golden, spec.rules.threshold);
  return {
    async wasm(model, spec, golden, threads) {
      const create = async (): Promise<Engine> =>
        createEngine(await loaders.wasm(threads), "wasm", threads, model, spec);
      return proved(create, golden && ((engine) => selfTest(engine, golden, spec, QUICK_CASES)));
    },
    async clicks(files, threads) {
      const create = async (): Promise<ClickEngine> => createStages(await loaders.wasm(threads), "wasm", files);
      return proved(create, files.golden && clickTest(files, files.golden));
    },
    async webgpu(model, spec, golden, present) {
      const create = async (): Promise<Engine> => createEngine(await loaders.webgpu(), "webgpu", 1, model, spec);
      return faster(create, (engine) => selfTest(engine, golden, spec), present);
    },
    async clicksOnGpu(files, golden, present) {
      const create = async (): Promise<ClickEngine> => createStages(await loaders.webgpu(), "webgpu", files);
      return faster(create, clickTest(files, golden), present);
    },
  };
}

/** Raises `runtime` where it does not start, `self_test` where it answers wrongly. `test`: null where there is none. */
async function proved<E extends BackEnd>(create: () => Promise<E>, test: Test<E> | null): Promise<E> {
  let engine: E | null = null;
  let result: SelfTest | undefined;
  try {
    engine = await create();
    result = await test?.(engine);
  } catch (error) {
    await engine?.release();
    throw new DecodeError("runtime", String(error));
  }
  if (result === undefined || result.passed) return engine;
  await engine.release();
  throw new DecodeError("self_test", `IoU ${result.worstIou}, score off by ${result.worstScore}`);
}

/** What is created on the GPU; null where there is no GPU, it answers wrongly, or `present` is faster. */
async function faster<E extends BackEnd>(create: () => Promise<E>, test: Test<E>, present: E): Promise<E | null> {
  const gpu = (navigator as unknown as { gpu?: Gpu }).gpu;
  if (gpu === undefined || (await gpu.requestAdapter()) === null) return null;
  const engine = await create();
  let taken = false;
  try {
    const first = await test(engine);
    if (!first.passed) {
      console.info(`Segserve: WebGPU answers wrongly (IoU ${first.worstIou}, score ${first.worstScore}).`);
      return null;
    }
    const [onGpu, onCpu] = [await test(engine), await test(present)];
    taken = onGpu.passed && onGpu.ms <= onCpu.ms;
    if (taken) return engine;
    console.info(`Segserve: WebGPU is right but slower (${onGpu.ms} ms, WASM ${onCpu.ms} ms).`);
    return null;
  } finally {
    if (!taken) await engine.release();
  }
}

import * as ort from "onnxruntime-web/webgpu";
import moduleUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";

import type { Runtime } from "./engine";
import { inTurns } from "./turns";

const runtime = inTurns(ort);

/** The large build of ONNX Runtime, loaded only where there is a GPU to run it. */
export function webgpuRuntime(): Runtime {
  const base = self.location.href;
  ort.env.wasm.wasmPaths = { mjs: new URL(moduleUrl, base).href, wasm: new URL(wasmUrl, base).href };
  ort.env.wasm.numThreads = 1;
  return runtime;
}

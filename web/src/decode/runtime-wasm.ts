import * as ort from "onnxruntime-web/wasm";
import moduleUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import type { Runtime } from "./engine";
import { inTurns } from "./turns";

const runtime = inTurns(ort);

/** The small build of ONNX Runtime (WASM only), with files that our own server sends. */
export function wasmRuntime(threads: number): Runtime {
  const base = self.location.href;
  ort.env.wasm.wasmPaths = { mjs: new URL(moduleUrl, base).href, wasm: new URL(wasmUrl, base).href };
  ort.env.wasm.numThreads = threads;
  return runtime;
}

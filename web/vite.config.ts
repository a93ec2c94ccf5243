import { defineConfig } from "vitest/config";

import { serviceWorker } from "./scripts/service-worker.ts";

/** What the Python server sends on every answer; the dev server sends it too, so that threads work there as well. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const api = process.env.SEGSERVE_DEV_API ?? "http://127.0.0.1:8000";
const proxy = Object.fromEntries(["/v1", "/healthz", "/readyz", "/docs", "/openapi.json"].map((path) => [path, api]));

const CHUNK = "assets/[name]-[hash].js";
/** What only a worker loads, and nothing of ours in it. */
const LIBRARY = "assets/library-[name]-[hash].js";

export default defineConfig({
  base: "/",
  plugins: [serviceWorker()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // ONNX Runtime comes without its own copy of the .wasm; ours is emitted once, with a hash, from src/decode/runtime-*.ts.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"] },
  worker: {
    format: "es",
    rolldownOptions: {
      output: {
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.every((id) => id.startsWith("\0") || id.includes("node_modules")) ? LIBRARY : CHUNK,
      },
    },
  },
  build: {
    outDir: process.env.SEGSERVE_WEB_OUT ?? "../server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    // Libraries apart: a new version of the page leaves them in the browser's cache.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "libraries", test: /node_modules/ }] } } },
  },
  server: { headers: isolation, proxy },
  preview: { headers: isolation, proxy },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "node", testTimeout: 30_000 },
});

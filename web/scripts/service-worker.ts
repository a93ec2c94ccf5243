import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { build } from "vite";

import type { BuiltPage } from "../src/offline/rules";

const ENTRY = fileURLToPath(new URL("../src/offline/sw.ts", import.meta.url));
const NAME = "sw.js";

/** Builds sw.js, at the root and without a hash, when everything that it keeps has been written. */
export function serviceWorker(): Plugin {
  let outDir = "";
  return {
    name: "segserve-service-worker",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle: {
      sequential: true,
      order: "post",
      async handler() {
        await build({
          configFile: false,
          publicDir: false,
          logLevel: "warn",
          define: { BUILT_PAGE: JSON.stringify(builtPage(outDir)) },
          build: {
            outDir,
            emptyOutDir: false,
            target: "es2022",
            modulePreload: false,
            rolldownOptions: { input: ENTRY, output: { format: "iife", entryFileNames: NAME } },
          },
        });
      },
    },
  };
}

/** What lies in the build's folder, sorted into what is kept at once and what is kept when it is used. */
function builtPage(folder: string): BuiltPage {
  const digest = createHash("sha256");
  const paths: string[] = [];
  for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()) {
    const path = `/${name.split(sep).join("/")}`;
    if (path === `/${NAME}` || path.endsWith(".map")) continue;
    digest.update(
      `${path} ${createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex")}\n`,
    );
    paths.push(path === "/index.html" ? "/" : path);
  }
  const onUse = paths.filter((path) => path.endsWith(".wasm") || /^\/samples\/[^.]+\.jpg$/.test(path));
  const engine = (isIt: (path: string) => boolean): string | null =>
    onUse.find((path) => path.endsWith(".wasm") && isIt(path)) ?? null;
  return {
    version: digest.digest("hex").slice(0, 16),
    first: paths.filter((path) => !onUse.includes(path)),
    onUse,
    engines: {
      wasm: engine((path) => !path.includes(".asyncify")),
      webgpu: engine((path) => path.includes(".asyncify")),
    },
  };
}

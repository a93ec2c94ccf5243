/** What the build left, as paths on the server; written into sw.js by scripts/service-worker.ts. */
export interface BuiltPage {
  /** Changes with any file's content. */
  readonly version: string;
  /** Kept before the worker counts as installed. The page itself is "/". */
  readonly first: readonly string[];
  /** Kept when they are used: large, or not needed by everyone. */
  readonly onUse: readonly string[];
  /** The WebAssembly of each back end; both are in `onUse`. */
  readonly engines: Readonly<Record<EngineName, string | null>>;
}

export type EngineName = "wasm" | "webgpu";

/** What the page tells its service worker. */
export type PageMessage =
  /** What the page loaded so far, which the worker may not have seen. */
  | { readonly kind: "used"; readonly paths: readonly string[]; readonly engines: readonly EngineName[] }
  /** The page runs, begun by this script: a waiting worker of the same version need not wait for it. */
  | { readonly kind: "running"; readonly script: string };

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly mode: string;
  readonly headers: Pick<Headers, "has">;
}

/**
 * `page`: the newest page there is, the kept one without a server; `models`: so too, for the list of models; `asset`: part
 * of a build, kept with it; `model`: a bundle's file, whose content never changes under its address. null: left to the
 * network, as uploads, predictions, embeddings and all that is not ours are.
 */
export type Rule = "page" | "models" | "asset" | "model" | null;

const MODEL_FILE = /^\/v1\/models\/[^/]+\/[^/]+\/[^/]+$/;

export function ruleFor({ method, url, mode, headers }: Asked, origin: string, built: BuiltPage): Rule {
  const address = new URL(url);
  if (method !== "GET" || address.origin !== origin || headers.has("Range")) return null;
  const path = address.pathname;
  if (mode === "navigate") return path === "/" ? "page" : null;
  if (address.search !== "") return null;
  if (path === "/v1/models") return "models";
  if (MODEL_FILE.test(path)) return "model";
  const known = path !== "/" && (built.first.includes(path) || built.onUse.includes(path));
  return known || path.startsWith("/assets/") ? "asset" : null; // a newer build's assets have other names
}

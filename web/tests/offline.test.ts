import { describe, expect, it, vi } from "vitest";

import type { Surroundings } from "../src/offline/keeper";
import { OfflineKeeper } from "../src/offline/keeper";
import type { BuiltPage } from "../src/offline/rules";
import { ruleFor } from "../src/offline/rules";

const ORIGIN = "http://segserve.test";
const SHA = "a".repeat(64);

const built = (version: string, fields: Partial<BuiltPage> = {}): BuiltPage => ({
  version,
  first: ["/", `/assets/index-${version}.js`, "/samples/index.json"],
  onUse: ["/assets/ort.wasm", "/assets/ort.asyncify.wasm", "/samples/desk.jpg"],
  engines: { wasm: "/assets/ort.wasm", webgpu: "/assets/ort.asyncify.wasm" },
  ...fields,
});

const pathOf = (asked: RequestInfo | URL): string =>
  new URL(asked instanceof Request ? asked.url : String(asked), ORIGIN).pathname;

/** Cache Storage as far as it is used: whole answers by path. */
class FakeCaches {
  readonly held = new Map<string, Map<string, Response>>();

  open(name: string): Promise<object> {
    const cache = this.held.get(name) ?? new Map<string, Response>();
    this.held.set(name, cache);
    return Promise.resolve({
      match: (asked: RequestInfo) => Promise.resolve(cache.get(pathOf(asked))?.clone()),
      put: async (asked: RequestInfo, response: Response) => {
        const { status, headers } = response;
        cache.set(pathOf(asked), new Response(await response.arrayBuffer(), { status, headers }));
      },
      delete: (asked: RequestInfo) => Promise.resolve(cache.delete(pathOf(asked))),
      keys: () => Promise.resolve([...cache.keys()].map((path) => new Request(ORIGIN + path))),
    });
  }

  keys(): Promise<string[]> {
    return Promise.resolve([...this.held.keys()]);
  }

  delete(name: string): Promise<boolean> {
    return Promise.resolve(this.held.delete(name));
  }

  match(asked: RequestInfo): Promise<Response | undefined> {
    const found = [...this.held.values()].find((cache) => cache.has(pathOf(asked)));
    return Promise.resolve(found?.get(pathOf(asked))?.clone());
  }

  /** "cache path" of everything that is kept. */
  get list(): string[] {
    return [...this.held].flatMap(([name, cache]) => [...cache.keys()].map((path) => `${name} ${path}`)).sort();
  }
}

type Site = Record<string, () => Response | Promise<Response>>;

const text =
  (body: string, headers: HeadersInit = {}): (() => Response) =>
  () =>
    new Response(body, { headers });

/** A version of the page on the server. */
const siteOf = (version: string): Site => ({
  "/": text(`<script src="/assets/index-${version}.js">`, { "Cross-Origin-Embedder-Policy": "require-corp" }),
  [`/assets/index-${version}.js`]: text(`script ${version}`),
  "/samples/index.json": text("[]"),
  "/assets/ort.wasm": text("wasm"),
  "/assets/ort.asyncify.wasm": text("gpu"),
});

function setUp(version = "one", caches = new FakeCaches()) {
  const world = { site: siteOf(version), windows: 1 };
  const fetch = vi.fn(async (asked: RequestInfo) => {
    const answer = world.site[pathOf(asked)];
    if (answer === undefined) throw new TypeError("Failed to fetch");
    return answer();
  });
  const skipWaiting = vi.fn(() => Promise.resolve());
  const around: Surroundings = {
    origin: ORIGIN,
    caches: caches as unknown as CacheStorage,
    fetch,
    sha256: (bytes) => Promise.resolve(new TextDecoder().decode(bytes) === "decoder" ? SHA : "b".repeat(64)),
    openPages: () => Promise.resolve(world.windows),
    skipWaiting,
  };
  const keeper = new OfflineKeeper(built(version), around, 20);
  const ask = async (path: string, mode = "cors"): Promise<string | null> => {
    const request = new Request(ORIGIN + path);
    Object.defineProperty(request, "mode", { value: mode });
    const kept: Promise<unknown>[] = [];
    const response = await keeper.respond(request, (work) => kept.push(work));
    const body = response === null ? null : await response.text();
    await Promise.all(kept);
    return body;
  };
  return { keeper, ask, caches, fetch, skipWaiting, world };
}

describe("what the service worker answers", () => {
  const page = built("one");
  const rule = (path: string, fields: object = {}): string | null =>
    ruleFor({ method: "GET", url: ORIGIN + path, mode: "cors", headers: new Headers(), ...fields }, ORIGIN, page);

  it.each([
    ["/", { mode: "navigate" }, "page"],
    ["/?model=sam", { mode: "navigate" }, "page"],
    ["/docs", { mode: "navigate" }, null],
    ["/", {}, null],
    ["/assets/index-one.js", {}, "asset"],
    ["/assets/index-two.js", {}, "asset"],
    ["/samples/desk.jpg", {}, "asset"],
    ["/favicon.ico", {}, null],
    ["/v1/models", {}, "models"],
    ["/v1/models/sam/1f/decoder.onnx", {}, "model"],
    ["/v1/models/sam/1f/decoder.onnx", { mode: "navigate" }, null],
    ["/v1/models/sam/1f/decoder.onnx", { headers: new Headers({ Range: "bytes=0-1" }) }, null],
    ["/v1/models/sam/1f/decoder.onnx?x=1", {}, null],
    ["/v1/images?model=sam", { method: "POST" }, null],
    ["/v1/images/5/embedding?model=sam", {}, null],
    ["/v1/predict", { method: "POST" }, null],
    ["/healthz", {}, null],
    ["/readyz", {}, null],
  ])("%s %o: %s", (path, fields, expected) => {
    expect(rule(path, fields)).toBe(expected);
  });

  it("leaves other hosts alone", () => {
    const url = "https://elsewhere.test/assets/index-one.js";
    expect(ruleFor({ method: "GET", url, mode: "cors", headers: new Headers() }, ORIGIN, page)).toBeNull();
  });
});

describe("the offline keeper", () => {
  it("keeps the page when it is installed, with its headers, and the rest when it is used", async () => {
    const { keeper, ask, caches, world } = setUp();
    await keeper.install();
    expect(caches.list).not.toContain("segserve-page-one /assets/ort.wasm");
    expect(await ask("/assets/ort.wasm")).toBe("wasm");
    world.site = {};
    expect(await ask("/", "navigate")).toContain("index-one.js");
    expect(await ask("/assets/ort.wasm")).toBe("wasm");
    expect(await ask("/assets/index-one.js")).toBe("script one");
    expect(caches.held.get("segserve-page-one")?.get("/")?.headers.get("Cross-Origin-Embedder-Policy")).toBe(
      "require-corp",
    );
    await expect(ask("/assets/ort.asyncify.wasm")).rejects.toThrow(TypeError);
  });

  it("is not installed when a part is missing, or when the page is of another version already", async () => {
    for (const change of [
      { "/samples/index.json": () => new Response("", { status: 404 }) },
      { "/": text('<script src="/assets/index-two.js">') },
    ] as Site[]) {
      const { keeper, caches, world } = setUp();
      world.site = { ...world.site, ...change };
      await expect(keeper.install()).rejects.toThrow();
      expect(caches.list).toEqual([]);
    }
  });

  it("shows the newest page, and the kept one when the server is gone, silent, or its proxy's error", async () => {
    const { keeper, ask, world } = setUp();
    await keeper.install();
    world.site = { "/": text("new page") };
    expect(await ask("/", "navigate")).toBe("new page");
    world.site = { "/": () => new Response("bad gateway", { status: 502 }) };
    expect(await ask("/", "navigate")).toContain("index-one.js");
    world.site = { "/": () => new Promise<Response>(() => undefined) };
    expect(await ask("/", "navigate")).toContain("index-one.js");
    world.site = { "/": () => new Response("no such page", { status: 404 }) };
    expect(await ask("/", "navigate")).toBe("no such page");
  });

  it("passes an error on when nothing is kept", async () => {
    const { ask, world } = setUp();
    world.site = { "/v1/models": () => new Response("busy", { status: 503 }) };
    expect(await ask("/v1/models")).toBe("busy");
    world.site = {};
    await expect(ask("/v1/models")).rejects.toThrow(TypeError);
  });

  it("keeps a model's file once it is what the server says that it is", async () => {
    const { ask, caches, fetch, world } = setUp();
    const path = "/v1/models/sam/1f/decoder.onnx";
    for (const [body, etag] of [["dec", `"${SHA}"`], ["decoder", '"other"'], ["decoder", ""]] as const) {
      world.site = { [path]: text(body, { ETag: etag }) };
      expect(await ask(path)).toBe(body);
      expect(caches.list).toEqual([]);
    } // prettier-ignore
    world.site = { [path]: text("decoder", { ETag: `W/"${SHA}"` }) };
    expect(await ask(path)).toBe("decoder");
    const asked = fetch.mock.calls.length;
    expect(await ask(path)).toBe("decoder");
    expect(fetch).toHaveBeenCalledTimes(asked);
  });

  it("lets go of models that the list does not name any more", async () => {
    const { ask, caches, world } = setUp();
    const [kept, gone] = ["/v1/models/sam/1f/decoder.onnx", "/v1/models/sam/0e/decoder.onnx"];
    const file = text("decoder", { ETag: `"${SHA}"` });
    world.site = { [kept]: file, [gone]: file, "/v1/models": text(JSON.stringify({ url: kept })) };
    await ask(kept);
    await ask(gone);
    await ask("/v1/models");
    expect(caches.list).toEqual([`segserve-models ${kept}`, "segserve-models /v1/models"].sort());
    world.site = {};
    expect(await ask("/v1/models")).toContain(kept);
  });

  it("keeps what the page says that it used before, and nothing that is not its business", async () => {
    const { keeper, caches, world } = setUp();
    await keeper.install();
    const model = "/v1/models/sam/1f/decoder.onnx";
    world.site = { ...world.site, [model]: text("decoder", { ETag: `"${SHA}"` }), "/v1/images/5": text("picture") };
    const paths = [model, "/", "/v1/images/5", "/v1/models", "/assets/index-one.js"];
    await keeper.take({ kind: "used", paths, engines: ["wasm"] });
    expect(caches.list).toEqual([
      `segserve-models ${model}`,
      "segserve-page-one /",
      "segserve-page-one /assets/index-one.js",
      "segserve-page-one /assets/ort.wasm",
      "segserve-page-one /samples/index.json",
    ]);
  });

  it("brings a new version beside the old one, takes over what both have, and clears up when it is in charge", async () => {
    const old = setUp("one");
    await old.keeper.install();
    await old.ask("/assets/ort.wasm");
    const next = setUp("two", old.caches);
    next.world.site = { ...siteOf("two"), "/assets/ort.wasm": () => new Response("", { status: 404 }) };
    await next.keeper.install();
    // Until then the old page finds its own parts, and a new page that the old worker serves finds the new ones.
    old.world.site = {};
    expect(await old.ask("/assets/index-one.js")).toBe("script one");
    expect(await old.ask("/assets/index-two.js")).toBe("script two");
    await next.keeper.activate();
    expect(next.caches.list).toEqual([
      "segserve-page-two /",
      "segserve-page-two /assets/index-two.js",
      "segserve-page-two /assets/ort.wasm",
      "segserve-page-two /samples/index.json",
    ]);
  });

  it("takes charge early only when the one open page is of its own version", async () => {
    const { keeper, skipWaiting, world } = setUp("two");
    expect(await keeper.take({ kind: "running", script: "/assets/index-one.js" })).toBe(false);
    world.windows = 2;
    expect(await keeper.take({ kind: "running", script: "/assets/index-two.js" })).toBe(true);
    expect(skipWaiting).not.toHaveBeenCalled();
    world.windows = 1;
    expect(await keeper.take({ kind: "running", script: "/assets/index-two.js" })).toBe(true);
    expect(skipWaiting).toHaveBeenCalledOnce();
  });

  it("works on when the cache is full", async () => {
    const { ask, caches, world } = setUp();
    vi.spyOn(caches, "open").mockImplementation(() => {
      const put = (): Promise<never> => Promise.reject(new DOMException("full", "QuotaExceededError"));
      return Promise.resolve({ put, match: () => Promise.resolve(undefined), keys: () => Promise.resolve([]) });
    });
    world.site = { "/assets/ort.wasm": text("wasm"), "/v1/models": text("{}") };
    expect(await ask("/assets/ort.wasm")).toBe("wasm");
    expect(await ask("/v1/models")).toBe("{}");
  });
});

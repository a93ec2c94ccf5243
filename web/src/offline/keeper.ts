import type { Asked, BuiltPage, PageMessage } from "./rules";
import { ruleFor } from "./rules";

const PAGES = "segserve-page-";
const MODELS = "segserve-models";
const MODEL_LIST = "/v1/models";
/** How long a server that does not answer is waited for when there is a kept answer. */
const PATIENCE_MS = 4000;

/** What the worker needs of the browser. */
export interface Surroundings {
  readonly origin: string;
  readonly caches: CacheStorage;
  fetch(request: RequestInfo, init?: RequestInit): Promise<Response>;
  sha256(bytes: ArrayBuffer): Promise<string>;
  /** How many pages of ours are open. */
  openPages(): Promise<number>;
  skipWaiting(): Promise<void>;
}

/** Keeps the page, its parts and the models' files, and answers with them. Of a service worker, but without its globals. */
export class OfflineKeeper {
  readonly #page: string;

  constructor(
    private readonly built: BuiltPage,
    private readonly around: Surroundings,
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.#page = PAGES + built.version;
  }

  /** Rejects, and leaves the older worker in charge, unless all parts are of this version. */
  async install(): Promise<void> {
    const cache = await this.around.caches.open(this.#page);
    try {
      await Promise.all(this.built.first.map((path) => this.#fetchFirst(cache, path)));
      for (const path of this.built.onUse.filter(isHashed)) {
        const held = await this.around.caches.match(path); // of the version before
        if (held !== undefined) await cache.put(path, held);
      }
    } catch (error) {
      await this.around.caches.delete(this.#page);
      throw error;
    }
  }

  /** No page of an older version is open any more. */
  async activate(): Promise<void> {
    const names = await this.around.caches.keys();
    const old = names.filter((name) => name.startsWith(PAGES) && name !== this.#page);
    await Promise.all(old.map((name) => this.around.caches.delete(name)));
  }

  /** null: the network's business. `kept` is told what must end before the worker may sleep. */
  respond(request: Request, kept: (work: Promise<unknown>) => void): Promise<Response> | null {
    const path = new URL(request.url).pathname;
    switch (this.#rule(request)) {
      case "page":
        return this.#newest(request, "/", null, kept);
      case "models":
        return this.#newest(request, path, (response) => this.#keepList(response), kept);
      case "asset":
        return this.#cached(request, (response) => this.#keepAsset(path, response), kept);
      case "model":
        return this.#cached(request, (response) => this.#keepModel(path, response), kept);
      case null:
        return null;
    }
  }

  /** Whether the page that sends the message is of this version. */
  async take(message: PageMessage): Promise<boolean> {
    if (message.kind === "used") {
      const engines = message.engines.map((engine) => this.built.engines[engine]);
      const paths = new Set([...message.paths, ...engines.filter((path) => path !== null)]);
      await Promise.all([...paths].map((path) => this.#keepUsed(path)));
      return true;
    }
    const isOurs = this.built.first.includes(message.script);
    if (isOurs && (await this.around.openPages()) === 1) await this.around.skipWaiting();
    return isOurs;
  }

  #rule(asked: Asked): ReturnType<typeof ruleFor> {
    return ruleFor(asked, this.around.origin, this.built);
  }

  async #fetchFirst(cache: Cache, path: string): Promise<void> {
    const response = await this.around.fetch(path, { cache: isHashed(path) ? "default" : "no-cache" });
    if (!isWhole(response)) throw new Error(`${path} answers ${response.status}.`);
    if (path === "/") {
      const names = (await response.clone().text()).match(/\/assets\/[\w.-]+/g) ?? [];
      const foreign = names.find((name) => !this.built.first.includes(name));
      if (foreign !== undefined) throw new Error(`The page is of another version: ${foreign}`);
    }
    await cache.put(path, response);
  }

  /** What was used before the worker saw it; a failure is the next visit's business. */
  async #keepUsed(path: string): Promise<void> {
    const url = new URL(path, this.around.origin).href;
    const rule = this.#rule({ method: "GET", url, mode: "cors", headers: new Headers() });
    if (rule === null || rule === "page" || (await this.#held(path)) !== undefined) return;
    try {
      const response = await this.around.fetch(path);
      if (!isWhole(response)) return;
      if (rule === "models") await this.#keepList(response);
      else await (rule === "model" ? this.#keepModel(path, response) : this.#keepAsset(path, response));
    } catch {
      // The server is away.
    }
  }

  /** The network's answer; the kept one when there is none, or none in time, or only that of a proxy without its server. */
  async #newest(
    request: Request,
    path: string,
    keep: ((response: Response) => Promise<void>) | null,
    kept: (work: Promise<unknown>) => void,
  ): Promise<Response> {
    const answer = this.around.fetch(request).then((response) => {
      if (keep !== null && isWhole(response)) kept(quietly(keep(response.clone())));
      return response;
    });
    answer.catch(() => undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, this.patienceMs, null)));
    try {
      const response = await Promise.race([answer, late]);
      if (response !== null && response.status < 500) return response;
    } catch {
      // There is no server.
    } finally {
      clearTimeout(timer);
    }
    return (await this.#held(path)) ?? answer;
  }

  /** The kept answer, otherwise the network's. */
  async #cached(
    request: Request,
    keep: (response: Response) => Promise<void>,
    kept: (work: Promise<unknown>) => void,
  ): Promise<Response> {
    const held = await this.#held(new URL(request.url).pathname);
    if (held !== undefined) return held;
    const response = await this.around.fetch(request);
    if (isWhole(response)) kept(quietly(keep(response.clone())));
    return response;
  }

  /** This version's answer before another one's, which an open page may still need. */
  async #held(path: string): Promise<Response | undefined> {
    const own = await this.around.caches.open(this.#page);
    return (await own.match(path, { ignoreVary: true })) ?? this.around.caches.match(path, { ignoreVary: true });
  }

  async #keepAsset(path: string, response: Response): Promise<void> {
    if (this.built.onUse.includes(path)) await (await this.around.caches.open(this.#page)).put(path, response);
  }

  /** The server names a bundle's files by their SHA-256; what came half or changed on the way is not kept. */
  async #keepModel(path: string, response: Response): Promise<void> {
    const [, expected] = /^(?:W\/)?"([0-9a-f]{64})"$/.exec(response.headers.get("ETag") ?? "") ?? [];
    const bytes = await response.clone().arrayBuffer();
    if (expected === undefined || (await this.around.sha256(bytes)) !== expected) return;
    await (await this.around.caches.open(MODELS)).put(path, response);
  }

  /** The list, and of the models' files only those that it still names. */
  async #keepList(response: Response): Promise<void> {
    const text = await response.clone().text();
    const cache = await this.around.caches.open(MODELS);
    await cache.put(MODEL_LIST, response);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname !== MODEL_LIST && !text.includes(JSON.stringify(pathname))) await cache.delete(request);
    }
  }
}

/** An answer that may stand for the file: not part of one, an error, or from elsewhere. */
function isWhole(response: Response): boolean {
  return response.status === 200 && !response.redirected;
}

const isHashed = (path: string): boolean => path.startsWith("/assets/");

/** A cache that is full or gone keeps nothing; the page works without. */
function quietly(work: Promise<void>): Promise<void> {
  return work.catch(() => undefined);
}

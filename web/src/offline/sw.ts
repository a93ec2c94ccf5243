import { OfflineKeeper } from "./keeper";
import type { BuiltPage, PageMessage } from "./rules";

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

interface Told extends Lasting {
  readonly data: PageMessage;
  readonly ports: readonly MessagePort[];
}

/** The part of the service worker's globals that is used; they do not go together with the page's own. */
interface Scope {
  readonly clients: {
    matchAll(options: { type: "window"; includeUncontrolled: true }): Promise<readonly { readonly url: string }[]>;
    claim(): Promise<void>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
  addEventListener(type: "message", listener: (event: Told) => void): void;
}

declare const BUILT_PAGE: BuiltPage;

const scope = self as unknown as Scope;

const keeper = new OfflineKeeper(BUILT_PAGE, {
  origin: self.location.origin,
  caches,
  fetch: (request, init) => fetch(request, init),
  sha256: async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  },
  openPages: async () => {
    const windows = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
    return windows.filter(({ url }) => new URL(url).pathname === "/").length;
  },
  skipWaiting: () => scope.skipWaiting(),
});

scope.addEventListener("install", (event) => event.waitUntil(keeper.install()));
scope.addEventListener("activate", (event) => event.waitUntil(keeper.activate().then(() => scope.clients.claim())));
scope.addEventListener("message", (event) => {
  event.waitUntil(keeper.take(event.data).then((isOurs) => event.ports[0]?.postMessage(isOurs)));
});
scope.addEventListener("fetch", (event) => {
  const response = keeper.respond(event.request, (work) => event.waitUntil(work));
  if (response !== null) event.respondWith(response);
});

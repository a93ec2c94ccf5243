import type { EngineName, PageMessage } from "../../offline/rules";
import type { Backend } from "../state";
import type { Store } from "../store";

/**
 * Lets the page come up without its server. `onUpdate` is called when a newer version is installed, which the next load
 * of the page shows. Does nothing under `vite dev`, and where the browser has no service workers (a page that is not
 * secure).
 */
export function registerOffline(onUpdate: () => void, store: Pick<Store, "get" | "listen">): void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (import.meta.env.DEV || serviceWorker === undefined) return;
  serviceWorker
    .register("/sw.js", { updateViaCache: "none" })
    .then((registration) => {
      followUpdates(registration, serviceWorker, onUpdate);
      tellUsed(serviceWorker, store);
    })
    .catch((error: unknown) => {
      console.info(`Segserve: the page will not come up without its server: ${String(error)}`);
    });
}

function followUpdates(
  registration: ServiceWorkerRegistration,
  container: ServiceWorkerContainer,
  onUpdate: () => void,
): void {
  const look = (worker: ServiceWorker | null): void => {
    if (worker?.state !== "installed" || container.controller === null) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<boolean>) => {
      port1.close();
      if (!data) onUpdate();
    };
    const message: PageMessage = { kind: "running", script: new URL(import.meta.url).pathname };
    worker.postMessage(message, [port2]);
  };
  look(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => look(installing));
  });
}

/** On the first visit the decoder is loaded before the service worker sees what is: it is told, once for each back end. */
function tellUsed(container: ServiceWorkerContainer, store: Pick<Store, "get" | "listen">): void {
  const told = new Set<Backend>();
  const look = (): void => {
    const { backend } = store.get().engine;
    if (backend === null || told.has(backend)) return;
    told.add(backend);
    void container.ready.then(({ active }) => active?.postMessage(usedWith(backend)));
  };
  store.listen(look);
  look();
}

function usedWith(backend: Backend): PageMessage {
  // The GPU's build takes over from the WASM one, which stays as its spare.
  const engines: EngineName[] = backend === "server" ? [] : backend === "webgpu" ? ["wasm", "webgpu"] : ["wasm"];
  const addresses = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  const own = addresses.filter(({ origin, search }) => origin === location.origin && search === "");
  return { kind: "used", paths: own.map(({ pathname }) => pathname), engines };
}

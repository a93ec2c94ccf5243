import { listSamples } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { pause } from "../../api/retry";
import type { NoticeAction } from "../state";
import type { Resources } from "../mask-library";
import type { Store } from "../store";
import { exposeDebugView } from "./debug";
import { Decoding } from "./decode";
import { EngineKeeper } from "./engine";
import { exportMasks } from "./export";
import { loadModel } from "./model";
import { report } from "./notices";
import { PictureOpener } from "./picture";
import { ServerDecoder } from "./server-decoder";

const LOOK_AGAIN_MS = 4000;

/** Joins the store to the server and the decode worker. The only place that knows both. */
export function startEffects(store: Store, resources: Resources): void {
  const forever = new AbortController().signal;
  const engine = new EngineKeeper(store);
  let starting: Promise<void> | null = null;
  const startEngine = (): Promise<void> => {
    starting ??= bringUp(store, resources, engine, forever).catch((error: unknown) => {
      starting = null;
      store.dispatch({ type: "engine/update", change: { phase: "failed", backend: null } });
      throw error;
    });
    return starting;
  };
  const opener = new PictureOpener(store, resources, engine, startEngine);
  new Decoding(store, resources, engine, new ServerDecoder(store, engine, opener));

  const recover = async (action: NoticeAction): Promise<void> => {
    if (action === "reload") {
      location.reload();
      return;
    }
    if (action === "open") {
      store.dispatch({ type: "request/pick" });
      return;
    }
    const { picture } = store.get();
    if (picture?.phase === "failed") await opener.prepare(picture.epoch);
    else {
      await startEngine().catch((error: unknown) => report(store, error));
      store.dispatch({ type: "steps/retry" });
    }
  };

  store.listen((_state, _before, action) => {
    if (action.type === "request/open") void opener.open(action.file);
    else if (action.type === "request/sample") void opener.openSample(action.file);
    else if (action.type === "request/export") void exportMasks(store, resources, engine, action.format);
    else if (action.type === "request/recover") void recover(action.action);
  });

  exposeDebugView(store, engine);
  void keepTrying(store, startEngine, forever);
  void listSamples(forever).then(
    (samples) => store.dispatch({ type: "samples/listed", samples }),
    () => undefined,
  );
}

async function bringUp(store: Store, resources: Resources, engine: EngineKeeper, signal: AbortSignal): Promise<void> {
  store.dispatch({ type: "engine/update", change: { phase: "loading", progress: 0 } });
  const warned = new Set<string>();
  const model = await loadModel(
    signal,
    (progress) => store.dispatch({ type: "engine/update", change: { progress } }),
    (_seconds, problem) => {
      warned.add(problem.code);
      report(store, problem);
    },
  );
  for (const code of warned) store.dispatch({ type: "notice/clear", code });
  store.dispatch({ type: "engine/update", change: { progress: 1, model: model.id } });
  await engine.start(model);
}

/** The page may be opened before the server is up, or from a cache: the decoder is loaded as soon as it can be. */
async function keepTrying(store: Store, startEngine: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await startEngine();
      store.dispatch({ type: "notice/clear", code: "unreachable" });
      return;
    } catch (error) {
      report(store, error);
      if (!(error instanceof ApiProblem) || !error.isTransient) return;
    }
    await pause(LOOK_AGAIN_MS, signal);
  }
}

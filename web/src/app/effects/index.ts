import { listSamples } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { pause } from "../../api/retry";
import type { Action } from "../actions";
import type { NoticeAction } from "../state";
import type { Resources } from "../mask-library";
import type { Store } from "../store";
import { exposeDebugView } from "./debug";
import { Decoding } from "./decode";
import { EngineKeeper } from "./engine";
import { exportMasks } from "./export";
import { ModelKeeper } from "./models";
import { report } from "./notices";
import { PictureOpener } from "./picture";
import { ServerDecoder } from "./server-decoder";

const LOOK_AGAIN_MS = 4000;

/** Joins the store to the server and the decode worker. The only place that knows both. */
export function startEffects(store: Store, resources: Resources): void {
  const forever = new AbortController().signal;
  const engine = new EngineKeeper(store);
  const models = new ModelKeeper(store, engine);
  const opener = new PictureOpener(store, resources, engine, models);
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
    if (store.get().picture?.phase === "failed") await opener.encode();
    else {
      await models.start().catch((error: unknown) => report(store, error));
      store.dispatch({ type: "steps/retry" });
    }
  };

  const choose = (id: string): void => {
    if (!models.choose(id)) return;
    void keepTrying(store, models, forever);
    void opener.encode();
  };

  const fulfil = (action: Action): void => {
    switch (action.type) {
      case "request/open":
        return void opener.open(action.file);
      case "request/sample":
        return void opener.openSample(action.file);
      case "request/encode":
        return void opener.encode();
      case "request/stop":
        return opener.stop();
      case "request/model":
        return choose(action.id);
      case "request/models":
        return void models.refresh();
      case "request/export":
        return void exportMasks(store, resources, engine, action.format);
      case "request/recover":
        return void recover(action.action);
    }
  };
  store.listen((_state, _before, action) => fulfil(action));

  exposeDebugView(store, engine);
  void keepTrying(store, models, forever);
  void listSamples(forever).then(
    (samples) => store.dispatch({ type: "samples/listed", samples }),
    () => undefined,
  );
}

/** The page may be opened before the server is up, or from a cache: the decoder is loaded as soon as it can be. */
async function keepTrying(store: Store, models: ModelKeeper, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await models.start();
      store.dispatch({ type: "notice/clear", code: "unreachable" });
      return;
    } catch (error) {
      report(store, error);
      if (!(error instanceof ApiProblem) || !error.isTransient) return;
    }
    await pause(LOOK_AGAIN_MS, signal);
  }
}

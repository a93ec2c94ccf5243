import { listSamples } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { pause } from "../../api/retry";
import { askForWorkspace, openWorkspaceStore } from "../../storage";
import type { Action } from "../actions";
import type { Resources } from "../mask-library";
import type { AppState, NoticeAction } from "../state";
import type { Store } from "../store";
import { neighbourOf } from "../workspace";
import { ClickModel } from "./click-model";
import { exposeDebugView } from "./debug";
import { Decoding } from "./decode";
import { followDetail } from "./detail";
import { EmbeddingSource } from "./embedding-source";
import { EngineKeeper } from "./engine";
import { Exporter } from "./export";
import { Importer } from "./importer";
import { Jobs } from "./jobs";
import { Keeper } from "./keeper";
import { ModelKeeper } from "./models";
import { report, someOf } from "./notices";
import { registerOffline } from "./offline";
import { dropped, sorted } from "./opening";
import { followOutline } from "./outline";
import { inTurn, unfolded } from "./pages";
import { pickObject } from "./pick";
import { PictureOpener } from "./picture";
import { Prefetcher } from "./prefetch";
import { ServerDecoder } from "./server-decoder";
import { StepMaker } from "./step-maker";
import { followThumbnails } from "./thumbnails";
import { WorkspaceFiles } from "./workspace-file";

const LOOK_AGAIN_MS = 4000;

/** Joins the store to the server, the decode worker and the browser's storage. The only place that knows all three. */
export function startEffects(store: Store, resources: Resources): void {
  const forever = new AbortController().signal;
  const shelf = openWorkspaceStore((taken) => {
    jobs.stopAll();
    void keeper.yield(taken);
  });
  const jobs = new Jobs(store);
  const keeper = new Keeper(store, shelf);
  const engine = new EngineKeeper(store);
  const clicks = new ClickModel(store, engine, resources);
  const models = new ModelKeeper(store, engine, clicks);
  const embeddings = new EmbeddingSource(keeper.embeddings);
  const opener = new PictureOpener(store, resources, engine, models, keeper.files, embeddings);
  const server = new ServerDecoder(store, engine, opener);
  const maker = new StepMaker(store, engine, server, keeper.results, clicks);
  new Decoding(store, resources, engine, maker);
  const exporter = new Exporter(store, engine, keeper.files, keeper.results, maker, jobs);
  const importer = new Importer(store, keeper.files, keeper.results);
  const workspaces = new WorkspaceFiles(store, jobs, keeper, shelf);
  const prefetcher = new Prefetcher(store, keeper.files, embeddings);
  opener.onReady = (model) => prefetcher.begin(model, opener.signal);

  const restored = keeper.restore().then((active) => {
    if (active !== null && store.get().picture === null) void opener.show(active);
  });

  const recover = async (action: NoticeAction): Promise<void> => {
    if (action === "reload") {
      location.reload();
      return;
    }
    if (action === "open") {
      store.dispatch({ type: "request/pick" });
      return;
    }
    if (store.get().picture?.phase === "failed") await (resources.bitmap === null ? opener.reopen() : opener.encode());
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

  const tell = (code: string, detail: string): void =>
    store.dispatch({ type: "notice/add", notice: { code, detail, tone: "warning", action: null } });

  const isYielded = (): boolean => store.get().workspace.place === "yielded";

  /** Pictures are opened, annotations go to the pictures that they name, a workspace's pictures come behind those that are here. */
  const take = async (files: readonly File[]): Promise<void> => {
    await restored; // ids go on from where an earlier visit left them
    if (isYielded()) return;
    const {
      pictures,
      annotations,
      workspaces: kept,
      skipped,
      problem,
    } = await sorted(
      files,
      store.get().workspace.entries.map(({ name }) => name),
    );
    if (problem !== null) tell(problem, "");
    if (skipped > 0) tell("opened_some", `${skipped}`);
    const before = store.get();
    const opened: Promise<void>[] = [];
    for (const group of await inTurn(pictures, jobs)) {
      const pages = await unfolded(group, jobs);
      for (const [code, names] of pages.problems) tell(code, someOf(names));
      if (isYielded()) return; // another tab took the workspace meanwhile
      keeper.expect(pages.pictures.reduce((bytes, { size }) => bytes + size, 0));
      opened.push(opener.open(pages.pictures, !worksOn(before, store.get())));
    }
    for (const file of kept) {
      if (isYielded()) return;
      const first = await workspaces.open(file);
      if (first !== null && store.get().picture === null) void opener.show(first);
    }
    await importer.run(annotations);
    await Promise.all(opened);
  };

  const remove = (id: number): void => {
    const { picture } = store.get();
    store.dispatch({ type: "workspace/remove", id });
    keeper.removePicture(id);
    if (picture?.epoch === id) void opener.reopen();
  };

  const fulfil = (action: Action): void => {
    switch (action.type) {
      case "request/open":
        return void take(action.files);
      case "request/transfer":
        return void dropped(action.transfer).then(take, () => tell("url_refused", ""));
      case "request/show":
        return void opener.show(action.id);
      case "request/step": {
        const neighbour = neighbourOf(store.get(), action.offset);
        return neighbour === null ? undefined : void opener.show(neighbour.id);
      }
      case "request/remove":
        return remove(action.id);
      case "request/sample":
        return void restored.then(() => opener.openSample(action.file));
      case "request/encode":
        return void opener.encode();
      case "request/region":
        return void opener.encodeRegion(action.region);
      case "request/stop":
        return opener.stop();
      case "request/model":
        return choose(action.id);
      case "request/models":
        return void models.refresh();
      case "request/pick-object":
        return pickObject(store, resources, action.at, action.mark);
      case "request/export":
        return void exporter.run(action.format, action.all);
      case "request/workspace":
        return void workspaces.save();
      case "request/take-over":
        return void askForWorkspace().then(() => location.reload());
      case "request/stop-job":
        return jobs.stop();
      case "request/recover":
        return void recover(action.action);
    }
  };
  store.listen((_state, _before, action) => fulfil(action));
  followOutline(store, resources);
  followDetail(store, resources);
  followThumbnails(store, keeper.files);

  const updated = { code: "new_version", detail: "", tone: "info", action: "reload" } as const;
  registerOffline(() => store.dispatch({ type: "notice/add", notice: updated }), store);
  exposeDebugView(store, engine, resources);
  void keepTrying(store, models, forever);
  void listSamples(forever).then(
    (samples) => store.dispatch({ type: "samples/listed", samples }),
    () => undefined,
  );
}

/** Whether the person went to a picture, or began to work on it, since `before`. */
function worksOn(before: AppState, now: AppState): boolean {
  if (now.picture === null) return false;
  const { stroke, band } = now.view;
  return (
    now.picture.epoch !== before.picture?.epoch || now.history !== before.history || stroke !== null || band !== null
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

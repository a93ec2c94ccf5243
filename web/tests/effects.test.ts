import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EmbeddingSource } from "../src/app/effects/embedding-source";
import type { EngineKeeper } from "../src/app/effects/engine";
import type { ModelKeeper } from "../src/app/effects/models";
import { PictureOpener } from "../src/app/effects/picture";
import { ServerDecoder } from "../src/app/effects/server-decoder";
import { emptyResources } from "../src/app/mask-library";
import { createStore } from "../src/app/store";
import type { Store } from "../src/app/store";
import type { DecodeRequest } from "../src/decode/protocol";
import { imagePoint } from "../src/geometry/frames";

const IMAGE = { id: "aa", width: 8, height: 8, model: "m", revision: "r1", embedding_url: "/v1/images/aa/embedding" };
const UPLOADED = JSON.stringify({ ...IMAGE, embedding_url: `${IMAGE.embedding_url}?model=m` });
const REQUEST: DecodeRequest = {
  step: 7,
  prompt: { points: [{ id: 1, at: imagePoint(4, 4), label: 1 }], box: null },
  multimask: true,
  region: null,
  feedback: [],
};

/** What the server says to the next upload. */
let upload = { status: 201, body: UPLOADED };

class FakeXhr {
  readonly upload: { onload?: () => void } = {};
  status = 0;
  responseText = "";
  onload: () => void = () => undefined;
  open(_method: string, path: string): void {
    uploads.push(path);
    this.status = upload.status;
  }
  getResponseHeader(): null {
    return null;
  }
  abort(): void {
    this.onload = () => undefined;
  }
  send(): void {
    this.responseText = upload.body;
    queueMicrotask(() => {
      this.upload.onload?.();
      this.onload();
    });
  }
}

interface Asked {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly answer: (body?: string, status?: number) => void;
}

let uploads: string[] = [];
let asked: Asked[] = [];
let embedding = "";

beforeEach(() => {
  asked = [];
  uploads = [];
  upload = { status: 201, body: UPLOADED };
  vi.stubGlobal("XMLHttpRequest", FakeXhr);
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 8, height: 8, close: () => undefined }));
  vi.stubGlobal("fetch", (path: string, { signal }: { signal: AbortSignal }) => {
    return new Promise<Response>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      asked.push({ path, signal, answer: (body = "", status = 200) => resolve(new Response(body, { status })) });
    });
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Whether the worker has the open picture's embedding. */
let answering = false;

interface Bench {
  readonly store: Store;
  readonly opener: PictureOpener;
  readonly server: ServerDecoder;
  readonly tasks: string[];
}

function bench(revision = "r1"): Bench {
  const store = createStore();
  store.dispatch({ type: "engine/update", change: { phase: "ready", backend: "server" } });
  const tasks: string[] = [];
  const engine = {
    model: { id: "m", revision, inputSize: 8, resize: "square", threshold: 0 },
    setEmbedding: () => Promise.resolve(void tasks.push("embedding")),
    answers: (epoch: number) => answering && epoch === store.get().picture?.epoch,
    pause: () => undefined,
    call: (task: { kind: string }) => {
      tasks.push(task.kind);
      return Promise.resolve(null);
    },
  } as unknown as EngineKeeper;
  const models = {
    chosen: () => Promise.resolve({ id: "m", revision }),
    start: () => Promise.resolve(),
    refresh: () => Promise.resolve(),
  } as unknown as ModelKeeper;
  const files = new Map<number, File>();
  const shelf = {
    put: (id: number, given: File) => void files.set(id, given),
    get: (id: number) => Promise.resolve(files.get(id) ?? null),
  };
  const embeddings = new EmbeddingSource({ save: () => undefined, load: () => Promise.resolve(null) });
  const opener = new PictureOpener(store, emptyResources(), engine, models, shelf, embeddings);
  return { store, opener, server: new ServerDecoder(store, engine, opener), tasks };
}

const file = (name: string): File => new File(["x"], name, { type: "image/jpeg" });

/** The next request whose path has `part`, once it is made. */
async function request(part: string): Promise<Asked> {
  return vi.waitFor(() => {
    const found = asked.find(({ path }) => path.includes(part));
    if (found === undefined) throw new Error(`Nothing was asked of ${part}.`);
    asked = asked.filter((other) => other !== found);
    return found;
  });
}

/** Opens a picture; the address of its embedding is kept in `embedding`. */
async function opened({ store, opener }: Bench): Promise<number> {
  const opening = opener.open([file("a.jpg")]);
  const { path, answer } = await request("/embedding");
  embedding = path;
  answer();
  await opening;
  expect(store.get().picture?.phase).toBe("ready");
  return store.get().picture?.epoch ?? -1;
}

describe("opening pictures", () => {
  it("sends the picture for the chosen model, and asks for the embedding of that model's own revision", async () => {
    await opened(bench("r2"));
    expect(uploads).toEqual(["/v1/images?model=m"]);
    expect(embedding).toBe(`${IMAGE.embedding_url}?model=m&revision=r2`);
  });

  it("stops: the fetch is aborted, the picture stays, and it can be encoded after all", async () => {
    const { store, opener } = bench();
    const opening = opener.open([file("a.jpg")]);
    const { signal, answer } = await request("/embedding");
    opener.stop();
    expect(signal.aborted).toBe(true);
    answer();
    await opening;
    expect(store.get().picture).toMatchObject({ name: "a.jpg", phase: "unencoded" });
    expect(store.get().notices).toEqual([]);
    const again = opener.encode();
    (await request("/embedding")).answer();
    await again;
    expect(store.get().picture?.phase).toBe("ready");
  });

  it("stops the encoding of a part: the whole picture still answers, unless another model was chosen meanwhile", async () => {
    const { store, opener } = bench();
    await opened({ store, opener } as Bench);
    answering = true;
    for (const [chosen, phase] of [
      ["m", "ready"],
      ["other", "unencoded"],
    ] as const) {
      store.dispatch({ type: "models/update", change: { chosen } });
      const epoch = store.get().picture?.epoch ?? -1;
      store.dispatch({ type: "picture/update", epoch, change: { phase: "encoding" } });
      opener.stop();
      expect(store.get().picture?.phase).toBe(phase);
    }
    answering = false;
  });

  it("goes back from a part to the whole picture, which is encoded where the chosen model has not answered it", async () => {
    const { store, opener, tasks } = bench();
    await opened({ store, opener } as Bench);
    const epoch = store.get().picture?.epoch ?? -1;
    const part = { x: 0, y: 0, width: 4, height: 4 };
    const inPart = (chosen: string): void => {
      store.dispatch({ type: "models/update", change: { chosen } });
      store.dispatch({ type: "picture/update", epoch, change: { phase: "encoding", region: part } });
    };
    answering = true;
    inPart("m");
    await opener.encodeRegion(null);
    expect(store.get().picture).toMatchObject({ phase: "ready", region: null });
    expect(tasks).toEqual(["embedding"]);
    for (const [chosen, answers] of [
      ["m", false],
      ["other", true],
    ] as const) {
      answering = answers;
      inPart(chosen);
      await opener.encodeRegion(null);
      expect(store.get().picture).toMatchObject({ phase: "ready", region: null });
    }
    expect(tasks).toEqual(["embedding", "embedding", "embedding"]);
    answering = false;
  });

  it("drops what comes late of an encode that another one replaced", async () => {
    const { store, opener } = bench();
    const opening = opener.open([file("a.jpg")]);
    await request("/embedding");
    const again = opener.encode();
    await opening;
    expect(store.get().picture?.phase).not.toBe("ready");
    (await request("/embedding")).answer();
    await again;
    expect(store.get().picture?.phase).toBe("ready");
  });

  it("lets no sample that arrives late take the place of a picture opened after it", async () => {
    const { store, opener } = bench();
    const sample = opener.openSample("table.jpg");
    const { signal, answer } = await request("/samples/");
    const own = opener.open([file("own.jpg")]);
    answer();
    (await request("/embedding")).answer();
    await Promise.all([sample, own]);
    expect(signal.aborted).toBe(true);
    expect(store.get().picture).toMatchObject({ name: "own.jpg", phase: "ready" });
    expect(store.get().notices).toEqual([]);
  });

  it("fails, and does not wait for ever, when the upload's answer is no JSON", async () => {
    vi.useFakeTimers();
    const { store, opener } = bench();
    upload = { status: 200, body: "<html>sign in</html>" };
    const opening = opener.open([file("a.jpg")]);
    await vi.advanceTimersByTimeAsync(20_000);
    await opening;
    expect(store.get().picture?.phase).toBe("failed");
    expect(store.get().notices).toMatchObject([{ code: "unreachable", action: "retry" }]);
    vi.useRealTimers();
  });

  it("takes back every warning of the waiting when the picture is ready", async () => {
    vi.useFakeTimers();
    const { store, opener } = bench();
    upload = { status: 502, body: "" };
    const opening = opener.open([file("a.jpg")]);
    await vi.advanceTimersByTimeAsync(100);
    expect(store.get().notices).toMatchObject([{ code: "http_502" }]);
    upload = { status: 201, body: UPLOADED };
    await vi.advanceTimersByTimeAsync(2000);
    vi.useRealTimers();
    (await request("/embedding")).answer();
    await opening;
    expect(store.get().notices).toEqual([]);
  });
});

describe("server predict", () => {
  it("gives a click up when its picture is left, and keeps nothing of it", async () => {
    const made = bench();
    const epoch = await opened(made);
    const refused = expect(made.server.decode(epoch, REQUEST)).rejects.toMatchObject({ name: "AbortError" });
    await request("/predict");
    upload = { status: 201, body: UPLOADED.replace('"aa"', '"bb"') }; // the first one's embedding is still at hand
    await opened(made);
    await refused;
    expect(made.tasks).not.toContain("adopt");
    await expect(made.server.decode(epoch, REQUEST)).rejects.toMatchObject({ code: "stale" });
  });

  it("leaves the picture usable when a forgotten one cannot be sent again", async () => {
    const made = bench();
    const epoch = await opened(made);
    upload = { status: 400, body: JSON.stringify({ code: "image_unsupported" }) };
    const click = expect(made.server.decode(epoch, REQUEST)).rejects.toMatchObject({ code: "image_unsupported" });
    (await request("/predict")).answer(JSON.stringify({ code: "image_expired" }), 410);
    await click;
    expect(made.store.get().picture?.phase).toBe("ready");
  });
});

import { strToU8, unzipSync, zipSync } from "fflate";

import { MemoryStore } from "../src/storage/memory";
import type { PictureRecord, StoredResult, WorkspaceIndex } from "../src/storage/port";
import type { WorkspaceSource } from "../src/storage/workspace-export";
import { writeWorkspace } from "../src/storage/workspace-export";
import type { Imported, MapId } from "../src/storage/workspace-import";
import { readWorkspace } from "../src/storage/workspace-import";

/** Workspaces, and files of them, for the tests of both ways. */
interface Doc {
  readonly step: number;
  readonly name: string;
}

/** What the page's own renumbering does to its documents and payloads, in small; ids go on from 10. */
export class SmallReader {
  reserved = 0;

  document(document: unknown, mapId: MapId): Doc {
    const { step, name } = document as Doc;
    if (typeof step !== "number") throw new Error("no document");
    return { step: mapId(step), name };
  }

  payload(payload: unknown, mapId: MapId): unknown {
    const { fedBack, logits } = payload as { fedBack: number | null; logits: Float32Array };
    return { fedBack: fedBack === null ? null : mapId(fedBack), logits };
  }

  reserve(count: number): number {
    this.reserved = count;
    return 10;
  }
}

export const picture = (id: number, name = `${id}.jpg`): PictureRecord => ({
  id,
  name,
  bytes: 3,
  width: 4,
  height: 3,
  imageId: "a".repeat(8),
});
export const payload = (fedBack: number | null): object => ({ fedBack, logits: Float32Array.of(0.5, NaN, -0) });

interface Contents extends WorkspaceSource {
  readonly documents: Map<number, Doc>;
  readonly files: Map<number, Blob>;
  readonly results: Map<number, StoredResult>;
}

export function sourceOf(index: WorkspaceIndex, files: Map<number, Blob>, documents: Map<number, Doc>): Contents {
  const results = new Map<number, StoredResult>();
  return {
    index,
    files,
    documents,
    results,
    loadFile: (id) => Promise.resolve(files.get(id) ?? null),
    documentOf: (id) => {
      const document = documents.get(id);
      const steps = [...results.values()].flatMap(({ step, picture: of }) => (of === id ? [step] : []));
      if (document === undefined) return null;
      return { json: [strToU8(JSON.stringify(document))], cut: 0, steps: [...steps, 99] }; // 99 has no result yet
    },
    loadPayload: (_picture, step) => Promise.resolve(results.get(step)?.payload ?? null),
  };
}

/** Pictures 1 and 2; the first with a document and two results, the second of which was fed the first. */
export function filled(): Contents {
  const pictures = [picture(2, "../a/b:c?.jpg"), picture(1)];
  const index = { pictures, active: 1, nextId: 5, extra: { labels: ["cup"] } };
  const files = new Map([
    [1, new Blob(["one"], { type: "image/jpeg" })],
    [2, new Blob([], { type: "text/html" })],
  ]);
  const source = sourceOf(index, files, new Map([[1, { step: 4, name: "mug" }]]));
  source.results.set(3, { step: 3, picture: 1, payload: payload(null) });
  source.results.set(4, { step: 4, picture: 1, payload: payload(3) });
  return source;
}

export const fileFrom = (source: WorkspaceSource): Promise<Blob> => new Response(writeWorkspace(source)).blob();
export const read = (file: Blob, store = new MemoryStore()): Promise<Imported> =>
  readWorkspace(file, store, new SmallReader());

export async function isEmpty(store: MemoryStore): Promise<boolean> {
  const [first, second] = await Promise.all([store.loadFile(11), store.loadFile(12)]);
  return first === null && second === null && (await store.loadDocuments()).length === 0;
}

export const inflated = async (file: Blob): Promise<Record<string, Uint8Array>> =>
  unzipSync(new Uint8Array(await file.arrayBuffer()));
export const zipOf = (entries: Record<string, Uint8Array>, level: 0 | 6 = 0): Blob =>
  new Blob([zipSync(entries, { level })]);
export const manifestOf = (fields: object): Uint8Array =>
  strToU8(JSON.stringify({ format: "segserve-workspace/1", pictures: [], ...fields }));

import { describe, expect, it } from "vitest";

import { Importer } from "../src/app/effects/importer";
import type { Store } from "../src/app/store";
import { createStore } from "../src/app/store";
import { documentsOf } from "../src/app/workspace";

const SIZE = { width: 200, height: 100 };

/** A page with pictures, and what its shelf of results holds and was given. */
function page(isWritten = true) {
  const store: Store = createStore();
  let waiting: number[] = [];
  const kept: number[] = [];
  let [most, writes] = [0, 0];
  const results = {
    keep: (_picture: number, step: number) => {
      kept.push(step);
      waiting.push(step);
      most = Math.max(most, waiting.length);
    },
    recall: () => Promise.resolve(null),
    settled: () => {
      writes++;
      if (isWritten) waiting = [];
      return Promise.resolve(isWritten);
    },
    forget: () => undefined,
  };
  const importer = new Importer(store, { put: () => undefined, get: () => Promise.resolve(null) }, results, 6000);
  const names = ["a.jpg", "b.jpg", "c.jpg"];
  store.dispatch({ type: "workspace/add", pictures: names.map((name) => ({ name, bytes: 1 })) });
  const ids = store.get().workspace.entries.map(({ id }) => id);
  for (const id of ids) store.dispatch({ type: "workspace/entry", id, change: { size: SIZE } });
  const stepsOf = (): number[] => {
    const documents = documentsOf(store.get());
    return ids.flatMap((id) => Object.keys(documents[id]?.steps ?? {}).map(Number));
  };
  return { store, importer, kept, stepsOf, most: () => most, writes: () => writes };
}

/** `count` boxes of so many pixels in each picture. */
function coco(count: number, [width, height]: [number, number] = [4, 4]): File {
  const images = ["a.jpg", "b.jpg", "c.jpg"].map((file_name, i) => ({ id: i, file_name, ...SIZE }));
  const segmentation = [[0, 0, width, 0, width, height, 0, height]];
  const annotations = images.flatMap(({ id }) =>
    Array.from({ length: count }, () => ({ image_id: id, category_id: 1, segmentation })),
  );
  return new File([JSON.stringify({ images, annotations, categories: [{ id: 1, name: "cat" }] })], "all.json");
}

describe("annotations that are imported", () => {
  it("are kept, each mask once, in one write where they are few", async () => {
    const { importer, kept, stepsOf, most, writes } = page();
    await importer.run([coco(2)]);
    expect([most(), writes()]).toEqual([6, 1]);
    await importer.run([coco(3)]);
    expect([most(), writes()]).toEqual([9, 2]);
    expect([...kept].sort((a, b) => a - b)).toEqual(stepsOf().sort((a, b) => a - b)); // none of before again
    expect(kept).toHaveLength(15);
  });

  it("wait in part to be written where there are many large ones, in one picture or in several", async () => {
    const { importer, kept, most, writes } = page();
    await importer.run([coco(3, [100, 40])]);
    expect([kept.length, most(), writes()]).toEqual([9, 2, 5]);
  });

  it("are worked out later where the browser keeps none", async () => {
    const { store, importer, kept } = page(false);
    await importer.run([coco(5, [100, 40])]);
    expect(kept.length).toBeLessThan(15);
    expect(store.get().notices).toMatchObject([{ code: "import_done", detail: "15" }]);
  });

  it("leave out a picture that is removed meanwhile", async () => {
    const { store, importer } = page();
    const [first, second] = store.get().workspace.entries.map(({ id }) => id);
    store.listen((_state, _before, action) => {
      if (action.type !== "workspace/import" || action.id !== first) return;
      store.dispatch({ type: "workspace/remove", id: second ?? -1 });
    });
    await importer.run([coco(2)]);
    expect(Object.keys(store.get().workspace.parked)).not.toContain(`${second}`);
    expect(store.get().notices).toMatchObject([{ code: "import_done", detail: "4" }]);
  });

  it("go no further when another tab takes the workspace", async () => {
    const { store, importer, kept } = page();
    const running = importer.run([coco(2)]);
    store.listen((_state, _before, action) => {
      if (action.type === "workspace/import") store.dispatch({ type: "workspace/yield", kept: true });
    });
    await running;
    expect(kept).toHaveLength(2);
    expect(store.get().notices).toEqual([]);
  });
});

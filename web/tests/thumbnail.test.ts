import { h, render } from "preact";
import { afterEach, expect, it, vi } from "vitest";

import { emptyResources } from "../src/app/mask-library";
import { createStore } from "../src/app/store";
import { rasterAsLogits } from "../src/geometry/mask";
import { AppContext } from "../src/ui/context";
import { Thumbnail } from "../src/ui/Thumbnail";
import { bitmapOf, FakeCanvas } from "./canvases";
import { opened } from "./document";
import { FakeDocument } from "./elements";

afterEach(() => vi.unstubAllGlobals());

it("a thumbnail is drawn when the picture's pixels come after its mask", async () => {
  vi.stubGlobal("window", { devicePixelRatio: 1 });
  vi.stubGlobal("OffscreenCanvas", FakeCanvas);
  vi.stubGlobal(
    "ImageData",
    class {
      readonly data: Uint8ClampedArray;
      constructor(width: number, height: number) {
        this.data = new Uint8ClampedArray(width * height * 4);
      }
    },
  );
  const drawn: unknown[] = [];
  const context = {
    canvas: { width: 4, height: 4 },
    clearRect: () => undefined,
    fillRect: () => undefined,
    drawImage: (image: unknown) => drawn.push(image),
  };
  const document = new FakeDocument();
  const create = document.createElementNS.bind(document);
  document.createElementNS = (space, name) => Object.assign(create(space, name), { getContext: () => context });
  const store = createStore(opened());
  const resources = emptyResources();
  const picture = { width: 100, height: 80 };
  const area = { x: 2, y: 2, width: 3, height: 2 };
  resources.library.set(1, { candidates: [rasterAsLogits({ picture, area, data: new Uint8Array(6).fill(1) })] });
  const thumbnail = h(Thumbnail, { step: 1, candidate: 0, framedBy: [0], colour: 0, width: 4, height: 4 });
  render(h(AppContext.Provider, { value: { store, resources } }, thumbnail), document.body as unknown as HTMLElement);
  const painted = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
  await painted();
  expect(drawn).toEqual([]);
  const bitmap = bitmapOf(picture, new Uint8ClampedArray(100 * 80 * 4));
  resources.bitmap = bitmap;
  store.dispatch({ type: "picture/update", epoch: store.get().picture?.epoch ?? -1, change: { size: picture } });
  await painted();
  expect(drawn[0]).toBe(bitmap);
});

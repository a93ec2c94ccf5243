import { fromArrayBuffer } from "geotiff";
import { beforeEach, describe, expect, it } from "vitest";

import { Jobs } from "../src/app/effects/jobs";
import { unfolded } from "../src/app/effects/pages";
import { createStore } from "../src/app/store";
import type { Store } from "../src/app/store";
import { pagesOf, readPage, TiffError } from "../src/pictures/tiff";
import type { PageSpec } from "./tiffs";
import { tiffOf } from "./tiffs";

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK] = [0, 1, 2, 3, 5];

const opened = (...pages: PageSpec[]) => fromArrayBuffer(new Uint8Array(tiffOf(pages)).buffer);

/** The page's colours, four numbers a pixel. */
async function colours(page: PageSpec): Promise<number[][]> {
  const { pixels, width, height } = await readPage(await opened(page), 0);
  expect([width, height]).toEqual([page.width, page.height]);
  return Array.from({ length: width * height }, (_, i) => [...pixels.slice(4 * i, 4 * i + 4)]);
}

const grey = (value: number): number[] => [value, value, value, 255];

describe("a page's colours", () => {
  const size = { width: 2, height: 2 };

  it("shows eight bits as they are, whatever their range", async () => {
    const values = Uint8Array.of(10, 20, 30, 40);
    expect(await colours({ ...size, values, photometric: BLACK_IS_ZERO })).toEqual([10, 20, 30, 40].map(grey));
    expect(await colours({ ...size, values, photometric: WHITE_IS_ZERO })).toEqual([245, 235, 225, 215].map(grey));
    const rgb = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    expect(await colours({ ...size, values: rgb, photometric: RGB, deflate: true })).toEqual([
      [1, 2, 3, 255],
      [4, 5, 6, 255],
      [7, 8, 9, 255],
      [10, 11, 12, 255],
    ]);
  });

  it("takes a fourth channel for opacity only where the file says so", async () => {
    const values = Uint8Array.of(1, 2, 3, 100);
    const page = { width: 1, height: 1, values, photometric: RGB };
    expect(await colours({ ...page, tags: { 338: [2] } })).toEqual([[1, 2, 3, 100]]);
    expect(await colours({ ...page, tags: { 338: [0] } })).toEqual([[1, 2, 3, 255]]);
    expect(await colours({ ...page, photometric: BLACK_IS_ZERO, tags: { 338: [0] } })).toEqual([[1, 2, 3, 255]]);
  });

  it("stretches other values over the range that nearly all of them have", async () => {
    const twelve = Uint16Array.of(300, 1300, 2300, 4300);
    expect(await colours({ ...size, values: twelve, photometric: BLACK_IS_ZERO })).toEqual([0, 64, 128, 255].map(grey));
    expect(await colours({ ...size, values: twelve, photometric: WHITE_IS_ZERO })).toEqual(
      [255, 191, 128, 0].map(grey),
    );
    const many = new Uint16Array(10_000).map((_, i) => 1000 + (i % 100));
    many[5] = 65_535; // one hot pixel does not make the others dark
    const found = await colours({ width: 100, height: 100, values: many, photometric: BLACK_IS_ZERO });
    expect([found[0], found[99], found[5]]).toEqual([0, 255, 255].map(grey));
  });

  it("stretches the channels of a colour picture alike, so that its hues stay", async () => {
    const values = Uint16Array.of(0, 1000, 2000, 4000, 2000, 0);
    expect(await colours({ width: 2, height: 1, values, photometric: RGB })).toEqual([
      [0, 64, 128, 255],
      [255, 128, 0, 255],
    ]);
  });

  it("reads floating point, with values that are no numbers", async () => {
    const values = Float32Array.of(-1, 0, 1, NaN);
    expect(await colours({ ...size, values, photometric: BLACK_IS_ZERO })).toEqual([0, 128, 255, 0].map(grey));
    const flat = new Float32Array(4).fill(7);
    expect(await colours({ ...size, values: flat, photometric: BLACK_IS_ZERO })).toEqual(
      [128, 128, 128, 128].map(grey),
    );
  });

  it("looks colours up, and knows those of printers", async () => {
    const map = Array.from({ length: 768 }, (_, i) =>
      i % 256 === 1 ? ([65_280, 32_768, 0][Math.floor(i / 256)] ?? 0) : 0,
    );
    const indices = { ...size, values: Uint8Array.of(0, 1, 1, 0), photometric: PALETTE, tags: { 320: map } };
    expect((await colours(indices))[1]).toEqual([255, 128, 0, 255]);
    const ink = { width: 1, height: 1, values: Uint8Array.of(0, 255, 255, 0), photometric: CMYK };
    expect((await colours(ink))[0]).toEqual([255, 0, 0, 255].map((value) => expect.closeTo(value, -1) as number));
  });

  it("tells the orientation", async () => {
    const page = { ...size, values: new Uint8Array(4), photometric: BLACK_IS_ZERO };
    expect((await readPage(await opened(page), 0)).orientation).toBe(1);
    expect((await readPage(await opened({ ...page, tags: { 274: [6] } }), 0)).orientation).toBe(6);
  });
});

describe("a TIFF's pages", () => {
  const page = { width: 2, height: 2, values: new Uint8Array(4), photometric: BLACK_IS_ZERO };

  it("are those that are no smaller copies and no masks", async () => {
    const tiff = await opened(page, { ...page, tags: { 254: [1] } }, page, { ...page, tags: { 254: [4] } });
    expect(await pagesOf(tiff)).toEqual([0, 2]);
  });

  it("are refused with the reason", async () => {
    const unknown = await opened({ ...page, tags: { 259: [4] } }); // a fax
    await expect(readPage(unknown, 0)).rejects.toMatchObject({ code: "tiff_unreadable", message: /compression.*4/i });
    const large = await opened({ ...page, tags: { 256: [100_000], 257: [100_000] } });
    await expect(readPage(large, 0)).rejects.toMatchObject({ code: "tiff_too_large", message: "100000 × 100000" });
  });

  it("of a damaged file are refused as well", async () => {
    const cut = tiffOf([{ ...page, values: new Uint8Array(4).fill(9) }]);
    cut.writeUInt32LE(cut.length + 100, 4);
    await expect(fromArrayBuffer(new Uint8Array(cut).buffer).then(pagesOf)).rejects.toThrow();
  });
});

describe("TIFFs among the pictures that are opened", () => {
  let store: Store;
  let jobs: Jobs;
  const file = (name: string, type = ""): File => new File(["x"], name, { type });
  const names = (files: readonly File[]): string[] => files.map(({ name }) => name);

  beforeEach(() => {
    store = createStore();
    jobs = new Jobs(store);
  });

  it("give their pages in their place, with progress over all of them", async () => {
    const parts: number[] = [];
    store.listen((state) => {
      if (state.job !== null) parts.push(state.job.part);
    });
    const read: typeof import("../src/pictures/tiff-pages").readTiff = ({ name }, { progress }) => {
      progress(0.5);
      return Promise.resolve([file(`${name} 1`), file(`${name} 2`)]);
    };
    const { pictures, problems } = await unfolded([file("a.png"), file("b.TIF"), file("c", "image/tiff")], jobs, read);
    expect(names(pictures)).toEqual(["a.png", "b.TIF 1", "b.TIF 2", "c 1", "c 2"]);
    expect(problems.size).toBe(0);
    expect(parts).toEqual([0, 0.25, 0.75]);
    expect(store.get().job).toBeNull();
  });

  it("that cannot be read are named and do not keep the others from being opened", async () => {
    const read = ({ name }: File): Promise<File[]> =>
      name === "good.tif"
        ? Promise.resolve([file("good.tif")])
        : Promise.reject(new TiffError("tiff_unreadable", "fax"));
    const { pictures, problems } = await unfolded([file("bad.tif"), file("good.tif"), file("worse.tif")], jobs, read);
    expect(names(pictures)).toEqual(["good.tif"]);
    expect([...problems]).toEqual([["tiff_unreadable", ["bad.tif (fax)", "worse.tif (fax)"]]]);
  });

  it("are stopped by the person: what was read is opened", async () => {
    const read = ({ name }: File, { signal }: { signal: AbortSignal }): Promise<File[]> => {
      if (name === "a.tif") return Promise.resolve([file("a.tif")]);
      jobs.stop();
      return Promise.reject(signal.reason as Error);
    };
    const { pictures, problems } = await unfolded([file("a.tif"), file("b.tif"), file("c.png")], jobs, read);
    expect(names(pictures)).toEqual(["a.tif", "c.png"]);
    expect(problems.size).toBe(0);
  });
});

describe("long work", () => {
  it("goes on one after the other, and tells what waits", async () => {
    const store = createStore();
    const jobs = new Jobs(store);
    const log: string[] = [];
    let release = (): void => undefined;
    const first = jobs.run("pages", async () => {
      log.push("first");
      await new Promise<void>((resolve) => (release = resolve));
    });
    const second = jobs.run("workspace_save", () => {
      log.push("second");
      return Promise.reject(new Error("no room"));
    });
    await Promise.resolve();
    expect([jobs.has("workspace_save"), jobs.has("workspace_open")]).toEqual([true, false]);
    expect(log).toEqual(["first"]);
    release();
    await first;
    await expect(second).rejects.toThrow("no room");
    expect([log, jobs.has("pages", "workspace_save"), store.get().job]).toEqual([["first", "second"], false, null]);
  });
});

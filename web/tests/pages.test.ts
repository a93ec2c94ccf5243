import { beforeEach, describe, expect, it } from "vitest";

import { Jobs } from "../src/app/effects/jobs";
import { someOf } from "../src/app/effects/notices";
import { inTurn, unfolded } from "../src/app/effects/pages";
import { createStore } from "../src/app/store";
import type { Store } from "../src/app/store";
import { TiffError } from "../src/pictures/tiff";
import type { TiffPages } from "../src/pictures/tiff-pages";

describe("TIFFs among the pictures that are opened", () => {
  let store: Store;
  let jobs: Jobs;
  const plain = (name: string, type = ""): File => new File(["x"], name, { type });
  const tiff = (name: string, type = ""): File => new File([Uint8Array.of(0x49, 0x49, 42, 0)], name, { type });
  const names = (files: readonly File[]): string[] => files.map(({ name }) => name);
  const pages = (...files: File[]): Promise<TiffPages> => Promise.resolve({ files, problems: [] });

  beforeEach(() => {
    store = createStore();
    jobs = new Jobs(store);
  });

  it("give their pages in their place, with progress over all of them", async () => {
    const parts: number[] = [];
    store.listen((state) => {
      if (state.job !== null) parts.push(state.job.part);
    });
    const left: number[][] = [];
    const { pictures, problems } = await unfolded(
      [plain("a.png"), tiff("b.TIF"), tiff("c", "image/tiff"), plain("d.tif")],
      jobs,
      ({ name }, { progress, mostPages, mostBytes }) => {
        progress(0.5);
        left.push([mostPages, mostBytes]);
        return pages(plain(`${name} 1`), plain(`${name} 2`));
      },
    );
    expect(names(pictures)).toEqual(["a.png", "b.TIF 1", "b.TIF 2", "c 1", "c 2", "d.tif"]);
    expect(problems.size).toBe(0);
    expect(parts).toEqual([0, 0.25, 0.75]);
    expect(left).toEqual([[4998, 2 * 1024 ** 3], [4996, 2 * 1024 ** 3 - 2]]); // prettier-ignore
    expect(store.get().job).toBeNull();
  });

  it("that cannot be read, or some of whose pages cannot, are named, and the others are opened", async () => {
    const fax = { code: "tiff_unreadable", detail: "fax" } as const;
    const read = ({ name }: File): Promise<TiffPages> =>
      name === "good.tif"
        ? Promise.resolve({ files: [plain("good-1.png")], problems: [{ page: 2, ...fax }] })
        : Promise.reject(new TiffError(fax.code, fax.detail));
    const { pictures, problems } = await unfolded([tiff("bad.tif"), tiff("good.tif"), tiff("worse.tif")], jobs, read);
    expect(names(pictures)).toEqual(["good-1.png"]);
    const told = ["bad.tif (fax)", "good.tif, page 2 (fax)", "worse.tif (fax)"];
    expect([...problems]).toEqual([["tiff_unreadable", told]]);
    expect(someOf(told)).toBe(told.join(", "));
    expect(someOf(["a", "b", "c", "d", "e", "f", "g"])).toBe("a, b, c, d, e (+ 2)");
  });

  it("that cannot even be looked at are left to be told of when they are shown", async () => {
    const gone = tiff("gone.tif");
    const lost = { arrayBuffer: () => Promise.reject(new Error("gone")) };
    Object.defineProperty(gone, "slice", { value: () => lost });
    const { pictures } = await unfolded([gone, plain("a.png")], jobs, () => pages());
    expect(names(pictures)).toEqual(["gone.tif", "a.png"]);
  });

  it("alone wait for long work that goes on; else all are opened in their order", async () => {
    const files = [tiff("a.tif"), plain("b.jpg"), tiff("c.tif"), plain("d.tif")];
    const groups = async (): Promise<string[][]> => (await inTurn(files, jobs)).map(names);
    expect(await groups()).toEqual([names(files)]);
    let release = (): void => undefined;
    const running = jobs.run("export", () => new Promise<void>((resolve) => (release = resolve)));
    expect(await groups()).toEqual([
      ["b.jpg", "d.tif"],
      ["a.tif", "c.tif"],
    ]);
    release();
    await running;
    expect(await groups()).toEqual([names(files)]);
  });

  it("are stopped by the person: what was read is opened", async () => {
    const { pictures, problems } = await unfolded(
      [tiff("a.tif"), tiff("b.tif"), plain("c.png")],
      jobs,
      (file, { signal }) => {
        if (file.name === "a.tif") return pages(plain("a.tif"));
        jobs.stop();
        return Promise.reject(signal.reason as Error);
      },
    );
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

  it("that waits does not begin when all is stopped; what is asked for afterwards does", async () => {
    const jobs = new Jobs(createStore());
    const log: string[] = [];
    const first = jobs.run("pages", ({ signal }) => {
      log.push("first");
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    });
    const note = (name: string) => () => Promise.resolve(void log.push(name));
    const second = jobs.run("workspace_open", note("second"));
    await Promise.resolve();
    jobs.stopAll();
    const third = jobs.run("workspace_save", note("third"));
    await Promise.all([first, second, third]);
    expect([log, jobs.has("pages", "workspace_open", "workspace_save")]).toEqual([["first", "third"], false]);
  });
});

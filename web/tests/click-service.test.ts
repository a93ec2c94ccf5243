import { describe, expect, it } from "vitest";

import { SharedPicture } from "../src/decode/click-picture";
import { ClickService } from "../src/decode/click-service";
import type { ClickEngine } from "../src/decode/click-stages";
import type { Launcher } from "../src/decode/launch";
import type { ClickFiles } from "../src/decode/protocol";

interface Bench {
  readonly service: ClickService;
  readonly released: string[];
  /** By revision: lets that model's start end. */
  readonly ready: Map<string, () => void>;
  readonly start: (revision: string) => Promise<null>;
}

function bench(): Bench {
  const released: string[] = [];
  const ready = new Map<string, () => void>();
  const clicks = async ({ spec: { revision } }: ClickFiles): Promise<ClickEngine> => {
    await new Promise<void>((resolve) => ready.set(revision, resolve));
    return { release: () => Promise.resolve(void released.push(revision)) } as unknown as ClickEngine;
  };
  const service = new ClickService({ clicks } as unknown as Launcher, () => undefined);
  const start = (revision: string): Promise<null> => {
    const files = { spec: { revision, rules: {} }, coarse: new ArrayBuffer(0), refine: null, golden: null };
    return service.start({ kind: "click_start", files: files as unknown as ClickFiles, threads: 1, gpu: false });
  };
  return { service, released, ready, start };
}

describe("the interactive model in the worker", () => {
  it("is the one that was asked for last, whichever is ready first", async () => {
    const { released, ready, start } = bench();
    const [first, second] = [start("first"), start("second")];
    ready.get("second")?.();
    await second;
    expect(released).toEqual([]);
    ready.get("first")?.();
    await first;
    expect(released).toEqual(["first"]);
    const third = start("third");
    ready.get("third")?.();
    await third;
    expect(released).toEqual(["first", "second"]);
  });

  it("that was stopped while it started is let go", async () => {
    const { service, released, ready, start } = bench();
    const started = start("first");
    await service.stop();
    ready.get("first")?.();
    await started;
    expect(released).toEqual(["first"]);
  });
});

describe("a picture that clicks read", () => {
  function shared(): { picture: SharedPicture; closed: () => number } {
    let closed = 0;
    const pixels = { size: { width: 1, height: 1 }, read: () => { throw new Error(); }, close: () => { closed++; } }; // prettier-ignore
    return { picture: new SharedPicture(1, Promise.resolve(pixels)), closed: () => closed };
  }
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

  it("stays while it is open, and is closed when it is left", async () => {
    const { picture, closed } = shared();
    await picture.read(() => Promise.resolve());
    await settled();
    expect(closed()).toBe(0);
    picture.leave();
    await settled();
    expect(closed()).toBe(1);
  });

  it("is not closed under a click that reads it", async () => {
    const { picture, closed } = shared();
    let end: () => void = () => undefined;
    const reading = picture.read(() => new Promise<void>((resolve) => (end = resolve)));
    picture.leave();
    await settled();
    expect(closed()).toBe(0);
    end();
    await reading;
    await settled();
    expect(closed()).toBe(1);
  });

  it("that cannot be read is left without a complaint", async () => {
    const picture = new SharedPicture(1, Promise.reject(new Error("damaged")));
    await expect(picture.read(() => Promise.resolve())).rejects.toThrow("damaged");
    picture.leave();
    await settled();
  });
});

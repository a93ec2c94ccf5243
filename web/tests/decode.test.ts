import { describe, expect, it } from "vitest";

import { alphaOf, coverage } from "../src/decode/cut-out";
import { readEmbedding, RevisionMismatch } from "../src/decode/embedding";
import { floatToHalf, halfToFloat } from "../src/decode/half";
import { decoderInputs } from "../src/decode/inputs";
import { LatestWins } from "../src/decode/latest-wins";
import { maskPng } from "../src/formats/png";
import { dequantise, floatsOf, readSafeTensors, SafeTensorsError, tensorOf } from "../src/decode/safetensors";
import { imagePoint } from "../src/geometry/frames";
import type { PlacedLogits } from "../src/geometry/mask";
import { placed, rasterAsLogits, rasterOf } from "../src/geometry/mask";
import { trimmed, withArea } from "../src/geometry/raster";
import { place } from "../src/geometry/resize";
import { container } from "./container";

describe("half precision", () => {
  it("reads every number and writes it back", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value)) expect(floatToHalf(value)).toBe(bits);
    }
    expect(halfToFloat(0x3c00)).toBe(1);
    expect(halfToFloat(0xc248)).toBe(-3.140625);
  });

  it("rounds to nearest, ties to even", () => {
    expect(floatToHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(floatToHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(floatToHalf(65520)).toBe(0x7c00);
    expect(halfToFloat(floatToHalf(NaN))).toBeNaN();
  });
});

describe("safetensors", () => {
  it("reads names, shapes and numbers", () => {
    const file = readSafeTensors(
      container({ wide: { dtype: "F32", shape: [1, 2], bytes: Float32Array.of(1.5, -2) } }, { a: "b" }),
    );
    expect(file.metadata.a).toBe("b");
    expect([...floatsOf(tensorOf(file, "wide"))]).toEqual([1.5, -2]);
    expect(() => tensorOf(file, "other")).toThrow(SafeTensorsError);
  });

  it("refuses what does not fit", () => {
    expect(() => readSafeTensors(new ArrayBuffer(3))).toThrow(SafeTensorsError);
    const whole = container({ wide: { dtype: "F32", shape: [1, 2], bytes: Float32Array.of(1.5, -2) } });
    expect(() => readSafeTensors(whole.slice(0, -4))).toThrow(SafeTensorsError);
    const wrong = container({ wide: { dtype: "F32", shape: [1, 3], bytes: Float32Array.of(1.5, -2) } });
    expect(() => readSafeTensors(wrong)).toThrow(SafeTensorsError);
  });

  it("multiplies int8 by the scale of its channel", () => {
    const values = Int8Array.of(1, -2, 3, 127, -127, 0);
    const out = dequantise(values, [1, 3, 1, 2], [0.5, 0.25, 2]);
    expect([...out]).toEqual([0.5, -1, 0.75, 31.75, -254, 0]);
    expect(() => dequantise(values, [1, 3, 1, 2], [1])).toThrow(SafeTensorsError);
  });
});

describe("embedding container", () => {
  const metadata = {
    format: "segserve-embedding/1",
    revision: "aaaa",
    image_id: "picture",
    original_width: "10",
    original_height: "7",
    input_width: "8",
    input_height: "6",
    input_size: "8",
    scales: JSON.stringify({ features: [0.5] }),
  };
  const bytes = container({ features: { dtype: "I8", shape: [1, 1, 1, 2], bytes: Int8Array.of(2, -4) } }, metadata);

  it("gives float tensors and the picture's placement", () => {
    const embedding = readEmbedding(bytes, { revision: "aaaa", names: ["features"] });
    expect([...(embedding.tensors[0]?.data ?? [])]).toEqual([1, -2]);
    expect(embedding.placement).toEqual({
      picture: { width: 10, height: 7 },
      x: 0,
      y: 0,
      width: 10,
      height: 7,
      inputWidth: 8,
      inputHeight: 6,
      size: 8,
    });
  });

  it("refuses another revision", () => {
    expect(() => readEmbedding(bytes, { revision: "bbbb", names: ["features"] })).toThrow(RevisionMismatch);
  });
});

describe("decoder inputs", () => {
  const placement = place({ width: 200, height: 100 }, 50, "longest_side");
  const grid = { width: 4, height: 4 };
  const points = [
    { id: 1, at: imagePoint(100, 40), label: 0 as const },
    { id: 2, at: imagePoint(20, 80), label: 1 as const },
  ];

  it("keeps the order of the clicks and pads where there is no box", () => {
    const inputs = decoderInputs({ points, box: null }, placement, null, grid, false);
    expect([...inputs.labels]).toEqual([0, 1, -1]);
    expect([...inputs.coords]).toEqual([25, 10, 5, 20, 0, 0]);
    expect([...inputs.hasMask]).toEqual([0]);
    expect(inputs.mask).toHaveLength(16);
  });

  it("pads for nothing where padding is neutral, but for a prompt without points", () => {
    expect([...decoderInputs({ points, box: null }, placement, null, grid, true).labels]).toEqual([0, 1]);
    const mask = new Float32Array(16);
    expect([...decoderInputs({ points: [], box: null }, placement, mask, grid, true).labels]).toEqual([-1]);
  });

  it("puts a box's corners last and feeds the mask back", () => {
    const low = imagePoint(0, 0);
    const box = { x1: low.x, y1: low.y, x2: imagePoint(200, 0).x, y2: imagePoint(0, 100).y };
    const mask = new Float32Array(16).fill(3);
    const inputs = decoderInputs({ points: points.slice(0, 1), box }, placement, mask, grid, true);
    expect([...inputs.labels]).toEqual([0, 2, 3]);
    expect([...inputs.coords]).toEqual([25, 10, 0, 0, 50, 25]);
    expect([inputs.hasMask[0], inputs.mask[7]]).toEqual([1, 3]);
  });
});

describe("the newest wins", () => {
  interface Work {
    urgent: boolean;
    name: string;
  }
  function bench(): {
    queue: LatestWins<Work>;
    ran: string[];
    failed: string[];
    finish: (error?: Error) => Promise<void>;
  } {
    const ran: string[] = [];
    const failed: string[] = [];
    let settle: (error?: Error) => void = () => undefined;
    const queue = new LatestWins<Work>(
      (job) =>
        new Promise((resolve, reject) => {
          ran.push(job.name);
          settle = (error) => (error === undefined ? resolve() : reject(error));
        }),
      (job) => failed.push(job.name),
    );
    const finish = async (error?: Error): Promise<void> => {
      settle(error);
      for (let i = 0; i < 5; i++) await Promise.resolve();
    };
    return { queue, ran, failed, finish };
  }
  const hover = (name: string): Work => ({ urgent: false, name });
  const click = (name: string): Work => ({ urgent: true, name });

  it("runs one, keeps one, forgets the rest", async () => {
    const { queue, ran, finish } = bench();
    queue.open();
    for (const name of ["a", "b", "c", "d"]) queue.submit(hover(name));
    expect(ran).toEqual(["a"]);
    await finish();
    expect(ran).toEqual(["a", "d"]);
    await finish();
    expect(queue.busy).toBe(false);
  });

  it("lets no hover push a click out", async () => {
    const { queue, ran, finish } = bench();
    queue.open();
    queue.submit(hover("a"));
    queue.submit(click("b"));
    queue.submit(hover("c"));
    await finish();
    expect(ran).toEqual(["a", "b"]);
  });

  it("goes on after a failure", async () => {
    const { queue, ran, failed, finish } = bench();
    queue.open();
    queue.submit(click("a"));
    queue.submit(click("b"));
    await finish(new Error("no"));
    expect(failed).toEqual(["a"]);
    expect(ran).toEqual(["a", "b"]);
  });

  it("waits while closed and forgets on demand", () => {
    const { queue, ran } = bench();
    queue.submit(click("a"));
    expect(ran).toEqual([]);
    queue.clear();
    queue.open();
    expect(ran).toEqual([]);
    queue.submit(click("b"));
    expect(ran).toEqual(["b"]);
  });
});

describe("files", () => {
  it("writes a grey PNG", async () => {
    const bytes = await maskPng(Uint8Array.of(0, 1, 1, 0, 0, 1), 3, 2);
    expect([...bytes.slice(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    const view = new DataView(bytes.buffer);
    expect([view.getUint32(16), view.getUint32(20), bytes[24], bytes[25]]).toEqual([3, 2, 8, 0]);
    const length = view.getUint32(33);
    const packed = bytes.slice(41, 41 + length);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const rows = new Uint8Array(await new Response(stream).arrayBuffer());
    expect([...rows]).toEqual([0, 0, 255, 255, 0, 0, 0, 255]);
  });

  it("covers more than half of exactly the mask's pixels", () => {
    const data = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7) * 4);
    const logits = { data, width: 8, height: 8 };
    const placement = place({ width: 61, height: 47 }, 32, "longest_side");
    const whole = { x: 0, y: 0, width: 61, height: 47 };
    const there = placed(logits, placement, 0.25);
    const alpha = coverage(there, whole);
    withArea(rasterOf(there), whole).data.forEach((inside, i) => expect((alpha[i] ?? 0) >= 128).toBe(inside === 1));
  });

  describe("cut-outs of several masks", () => {
    const size = { width: 61, height: 47 };
    const whole = { x: 0, y: 0, ...size };
    /** Round masks (cells of the middle, radius in cells) whose logits fall off evenly. */
    const round = (...discs: [x: number, y: number, radius: number][]): PlacedLogits => {
      const data = Float32Array.from({ length: 24 * 24 }, (_, i) => {
        const far = discs.map(([x, y, radius]) => radius - Math.hypot((i % 24) - x, Math.floor(i / 24) - y));
        return Math.max(...far);
      });
      return placed({ data, width: 24, height: 24 }, place(size, 24, "longest_side"), 0);
    };
    const mask = (logits: PlacedLogits): { logits: PlacedLogits; bounds: PlacedLogits["region"] } => ({
      logits,
      bounds: trimmed(rasterOf(logits)).area,
    });

    it("have the pixels that each mask's coverage over all of them has", () => {
      const painted = rasterAsLogits({
        picture: size,
        area: { x: 50, y: 40, width: 5, height: 3 },
        data: new Uint8Array(15).fill(1),
      });
      const masks = [round([4, 4, 3]), round([0, 17, 4]), round([20, 9, 5]), round([6, 6, 4.3]), painted];
      for (const area of [whole, { x: 3, y: 2, width: 50, height: 42 }]) {
        const wanted = new Uint8ClampedArray(area.width * area.height);
        for (const logits of masks)
          coverage(logits, area).forEach((value, i) => (wanted[i] = Math.max(value, wanted[i] ?? 0)));
        expect([...alphaOf(masks.map(mask), area)]).toEqual([...wanted]);
      }
    });

    it("look at a mask where it lies, and nowhere else", () => {
      const low = round([4, 4, 3]);
      const data = low.data.map((value, i) => (i % 24 > 14 && i % 24 < 19 ? -0.05 : value)); // steep, and no mask
      const logits = { ...low, data };
      const { bounds } = mask(logits);
      const beside = [...coverage(logits, whole)].filter((_, i) => i % size.width > bounds.x + bounds.width);
      expect(Math.max(...beside)).toBeGreaterThan(0);
      const alpha = [...alphaOf([mask(logits)], whole)];
      expect(Math.max(...alpha)).toBe(255);
      expect(alpha.filter((value, i) => value > 0 && i % size.width > bounds.x + bounds.width)).toEqual([]);
    });
  });
});

import { describe, expect, it } from "vitest";

import { fit, keepInSight, pan, toImage, toView, wheelFactor, zoomAt, zoomLimits } from "../src/geometry/camera";
import { boxBetween, imagePoint, viewPoint } from "../src/geometry/frames";
import { iou, placed, rasterOf, upsample } from "../src/geometry/mask";
import { pixelsOf, rasterToRle, rleToRaster } from "../src/geometry/raster";
import { fromModel, place, toModel } from "../src/geometry/resize";
import { compressRuns, decodeRle, decompressRuns, encodeRle, runLengths } from "../src/geometry/rle";
import type { CoordinateCases, RleCases } from "./golden";
import { readGolden } from "./golden";

const image = { width: 1280, height: 853 };
const view = { width: 1440, height: 900 };

/** The same numbers in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1664525 + 1013904223) % 4294967296;
    yield state / 4294967296;
  }
}

describe("camera", () => {
  it("keeps the image point under the cursor while zooming", () => {
    const random = numbers(7);
    const next = (): number => random.next().value;
    let camera = fit(image, view);
    for (let i = 0; i < 500; i++) {
      const at = viewPoint(next() * view.width, next() * view.height);
      const before = toImage(camera, at);
      camera = zoomAt(camera, at, Math.exp((next() - 0.5) * 3), zoomLimits(image, view));
      const after = toImage(camera, at);
      expect(after.x).toBeCloseTo(before.x, 6);
      expect(after.y).toBeCloseTo(before.y, 6);
    }
  });

  it("goes to view and back without change", () => {
    const camera = { zoom: 3.7, x: -211.5, y: 84 };
    const there = toView(camera, imagePoint(12.25, 790));
    expect(toImage(camera, there).x).toBeCloseTo(12.25, 9);
    expect(toImage(camera, there).y).toBeCloseTo(790, 9);
    const moved = toView(pan(camera, 5, -7), imagePoint(12.25, 790));
    expect([moved.x - there.x, moved.y - there.y]).toEqual([5, -7].map((by): unknown => expect.closeTo(by, 9)));
  });

  it("fits the whole picture into what the panels leave", () => {
    const insets = { top: 76, right: 328, bottom: 28, left: 84 };
    const camera = fit(image, view, insets);
    const low = toView(camera, imagePoint(0, 0));
    const high = toView(camera, imagePoint(image.width, image.height));
    expect(low.x).toBeGreaterThanOrEqual(insets.left - 1e-9);
    expect(low.y).toBeGreaterThanOrEqual(insets.top - 1e-9);
    expect(high.x).toBeLessThanOrEqual(view.width - insets.right + 1e-9);
    expect(high.y).toBeLessThanOrEqual(view.height - insets.bottom + 1e-9);
  });

  it("stays within its limits and in sight", () => {
    const limits = zoomLimits(image, view);
    expect(zoomAt(fit(image, view), viewPoint(0, 0), 1e9, limits).zoom).toBe(limits.most);
    expect(zoomAt(fit(image, view), viewPoint(0, 0), 1e-9, limits).zoom).toBe(limits.least);
    const lost = keepInSight({ zoom: 1, x: 1e6, y: -1e6 }, image, view);
    expect(lost.x).toBeLessThan(view.width);
    expect(lost.y + image.height).toBeGreaterThan(0);
  });

  it("turns wheel steps into factors that undo each other", () => {
    expect(wheelFactor(100, 0, false) * wheelFactor(-100, 0, false)).toBeCloseTo(1, 12);
    expect(wheelFactor(-100, 0, false)).toBeGreaterThan(1);
    expect(wheelFactor(3, 1, false)).toBe(wheelFactor(48, 0, false));
  });

  it("orders the corners of a box", () => {
    expect(boxBetween(imagePoint(9, 2), imagePoint(4, 8))).toEqual({ x1: 4, y1: 2, x2: 9, y2: 8 });
  });
});

describe("coordinates", () => {
  const golden = readGolden("coordinates.json") as CoordinateCases;

  it.each(golden.cases)("place $width x $height in $size as the server does", (example) => {
    const placement = place(example, example.size, example.resize);
    expect(placement.inputWidth).toBe(example.input_width);
    expect(placement.inputHeight).toBe(example.input_height);
    for (const { image: from, model } of example.points) {
      const there = toModel(placement, imagePoint(...from));
      expect(there.x).toBeCloseTo(model[0], 9);
      expect(there.y).toBeCloseTo(model[1], 9);
      const back = fromModel(placement, there);
      expect(back.x).toBeCloseTo(from[0], 6);
      expect(back.y).toBeCloseTo(from[1], 6);
    }
  });

  it.each(golden.upsampling)("upsample: $name", (example) => {
    const placement = place(example, example.size, example.resize);
    const width = example.logits[0]?.length ?? 0;
    const logits = { data: Float32Array.from(example.logits.flat()), width, height: example.logits.length };
    const there = placed(logits, placement, example.threshold);
    const values = upsample(there);
    example.first_row.forEach((value, x) => expect(values[x]).toBeCloseTo(value, 5));
    expect(decompressRuns(rasterToRle(rasterOf(there)).counts)).toEqual(example.mask.counts);
  });

  it("samples a part as it samples the whole", () => {
    const logits = { data: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)), width: 8, height: 8 };
    const placement = place({ width: 61, height: 47 }, 32, "longest_side");
    const there = placed(logits, placement, 0);
    const whole = upsample(there);
    const part = upsample(there, { x: 10, y: 20, width: 5, height: 6 });
    expect(part[2 * 5 + 3]).toBe(whole[22 * 61 + 13]);
  });
});

describe("run lengths", () => {
  it.each((readGolden("rle.json") as RleCases).cases)("$name", (example) => {
    const [height, width] = example.size;
    const mask = decodeRle({ size: example.size, counts: example.compressed });
    if (example.rows) expect([...mask].join("")).toBe(example.rows.join(""));
    expect(runLengths(mask, width, height)).toEqual(example.uncompressed);
    expect(compressRuns(example.uncompressed)).toBe(example.compressed);
    expect(decompressRuns(example.compressed)).toEqual(example.uncompressed);
    expect(encodeRle(mask, width, height)).toEqual({ size: example.size, counts: example.compressed });
    const raster = rleToRaster({ size: example.size, counts: example.compressed });
    expect(pixelsOf(raster)).toBe(example.area);
    expect([raster.area.x, raster.area.y, raster.area.width, raster.area.height]).toEqual(example.bbox);
  });
});

describe("sets of pixels", () => {
  const a = Uint8Array.of(1, 1, 0, 0);
  const b = Uint8Array.of(0, 1, 1, 0);

  it("are compared", () => {
    expect(iou(a, b)).toBeCloseTo(1 / 3);
    expect(iou(new Uint8Array(4), new Uint8Array(4))).toBe(1);
  });
});

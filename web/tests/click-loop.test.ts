import { describe, expect, it } from "vitest";

import type { ClickRules, ClickStages, Logits } from "../src/decode/click-loop";
import { answerClick, calibrated, expectedIou } from "../src/decode/click-loop";
import type { Click } from "../src/geometry/click-maps";
import { changed, drawDisks, partAt, standing } from "../src/geometry/click-maps";
import { ClickPyramid } from "../src/decode/click-picture";
import { flipAveraged } from "../src/decode/flip";
import type { Pixels } from "../src/geometry/crops";
import { cropAround, halved, samplePixels, wholeOf } from "../src/geometry/crops";
import type { Size } from "../src/geometry/frames";
import { imagePoint } from "../src/geometry/frames";
import type { Rectangle } from "../src/geometry/mask";
import type { Raster } from "../src/geometry/raster";
import { emptyRaster, pixelsOf, trimmed, withArea } from "../src/geometry/raster";
import { readGolden } from "./golden";

type Edges = [left: number, top: number, right: number, bottom: number];
type Rgb = [number, number, number];

interface ClickCases {
  crops: { box: Edges; width: number; height: number; expansion: number; smallest: number; crop: Edges }[];
  samples: { width: number; height: number; crop: Edges; size: number; pixels: Rgb[]; sampled: Rgb[] }[];
  disks: {
    clicks: [number, number, boolean][];
    crop: Edges;
    size: number;
    radius: number;
    superseded: number[];
    foreground: string[];
    background: string[];
  };
  sessions: {
    width: number;
    height: number;
    size: number;
    grid: number;
    rules: {
      disk_radius: number;
      expansion: number;
      smallest_target: number;
      smallest_focus: number;
      merge_from: number;
      look_twice: boolean;
    };
    given: boolean;
    flip: boolean;
    start: string[];
    pixels: Rgb[];
    steps: {
      undo?: true;
      x: number;
      y: number;
      positive: boolean;
      mask: string[];
      target: Edges;
      focus: Edges;
      predicted_iou: number;
    }[];
  }[];
}

const golden = readGolden("click_loop.json") as ClickCases;

const rectangle = ([left, top, right, bottom]: Edges): Rectangle => ({
  x: left,
  y: top,
  width: right - left,
  height: bottom - top,
});
const edges = ({ x, y, width, height }: Rectangle): Edges => [x, y, x + width, y + height];
const click = (x: number, y: number, positive: boolean): Click => ({ point: imagePoint(x, y), positive });

/** Reads a rectangle of pixels given as RGB, row-major. */
function reader(rgb: readonly Rgb[], { width }: Size): (area: Rectangle) => Pixels {
  return (area) => {
    const data = new Uint8Array(area.width * area.height * 4);
    for (let y = 0; y < area.height; y++) {
      for (let x = 0; x < area.width; x++)
        data.set(rgb[(area.y + y) * width + area.x + x] ?? [], (y * area.width + x) * 4);
    }
    return { data, width: area.width, height: area.height };
  };
}

function pyramid(rgb: readonly Rgb[], size: Size): (window: Rectangle, level: number) => Pixels {
  const held = new ClickPyramid(size, reader(rgb, size));
  return (window, level) => held.read(window, level);
}

function rasterOf(rows: readonly string[]): Raster {
  const picture = { width: rows[0]?.length ?? 0, height: rows.length };
  const data = Uint8Array.from(rows.join(""), Number);
  return trimmed({ picture, area: wholeOf(picture), data });
}

function rowsOf(raster: Raster): string[] {
  const { data } = withArea(raster, wholeOf(raster.picture));
  const { width, height } = raster.picture;
  return Array.from({ length: height }, (_, y) => data.subarray(y * width, (y + 1) * width).join(""));
}

/** Mean over the 2 x 2 pixels of each cell. */
function cells(size: number, value: (index: number) => number): number[] {
  const grid = size / 2;
  return Array.from({ length: grid * grid }, (_, at) => {
    const first = 2 * Math.floor(at / grid) * size + 2 * (at % grid);
    return [0, 1, size, size + 1].reduce((sum, offset) => sum + value(first + offset), 0) / 4;
  });
}

/** The toy graphs of tests/golden/generate_clicks.py. */
function toyStages(size: number): ClickStages<null> {
  const grid = size / 2;
  const logits = (values: number[]): Logits => ({ data: Float32Array.from(values), width: grid, height: grid });
  const green =
    (pixels: Uint8Array) =>
    (at: number): number =>
      (pixels[3 * at + 1] ?? 0) / 255;
  const parts = (pixels: Uint8Array, clicks: Float32Array): [number[], number[], number[]] => [
    cells(size, green(pixels)),
    cells(size, (at) => clicks[at] ?? 0),
    cells(size, (at) => clicks[size * size + at] ?? 0),
  ];
  return {
    coarse: (pixels, clicks, previous) => {
      const [greens, fore, back] = parts(pixels, clicks);
      const marked = Array.from({ length: size * size }, (_, at) => at).filter((at) => clicks[at] === 1);
      const mean = marked.reduce((sum, at) => sum + green(pixels)(at), 0) / marked.length;
      const middle = marked.length > 0 ? mean : 0.5;
      const masks = cells(size, (at) => previous[at] ?? 0);
      const values = greens.map(
        (value, i) =>
          12 * (0.17 - Math.abs(value - middle)) +
          2 * ((masks[i] ?? 0) - 0.5) +
          3 * (fore[i] ?? 0) -
          9 * (back[i] ?? 0) +
          0.01 * (i % grid),
      );
      return Promise.resolve({ logits: logits(values), carry: null });
    },
    refine: (pixels, clicks, _carry, box) => {
      const [greens, fore, back] = parts(pixels, clicks);
      const [left = 0, , right = 0] = box;
      const wide = 0.01 * (right - left) + 0.02 * left;
      const values = greens.map(
        (value, i) =>
          12 * (0.17 - Math.abs(value - 0.6)) + wide + 3 * (fore[i] ?? 0) - 9 * (back[i] ?? 0) + 0.01 * (i % grid),
      );
      return Promise.resolve(logits(values));
    },
  };
}

describe("crops", () => {
  it.each(golden.crops)("go around a box in $width x $height", ({ box, width, height, expansion, smallest, crop }) => {
    const [x1, y1, x2, y2] = box;
    const found = cropAround({ x1, y1, x2, y2 }, wholeOf({ width, height }), expansion, smallest);
    expect(edges(found)).toEqual(crop);
  });

  it.each(golden.samples)("are sampled as the server does: $width x $height", (sample) => {
    const found = samplePixels(pyramid(sample.pixels, sample), sample, rectangle(sample.crop), sample.size);
    expect([...found]).toEqual(sample.sampled.flat());
  });

  it("are halved once and a few rows at a time, and of a picture beyond bounds the halves alone are kept", () => {
    const picture = { width: 4097, height: 3001 };
    let asked: number[] = [];
    const read = ({ x, y, width, height }: Rectangle): Pixels => {
      asked.push(width * height);
      const data = new Uint8Array(width * height * 4);
      for (let i = 0; i < data.length; i++) {
        const at = i >> 2;
        data[i] = (x + (at % width) + y + Math.floor(at / width)) >> 5;
      }
      return { data, width, height };
    };
    const [full, half] = [new ClickPyramid(picture, read), new ClickPyramid(picture, read, 1)];
    const sample = (from: ClickPyramid, crop: Rectangle): Uint8Array =>
      samplePixels((window, level) => from.read(window, level), picture, crop, 32);
    const whole = sample(full, wholeOf(picture));
    expect(sample(half, wholeOf(picture))).toEqual(whole);
    expect(Math.max(...asked)).toBeLessThanOrEqual(1 << 21);
    asked = [];
    expect(sample(full, wholeOf(picture))).toEqual(whole);
    expect(asked).toEqual([]);
    const near = { x: 900, y: 700, width: 40, height: 40 };
    const differences = sample(half, near).map((value, i) => Math.abs(value - (sample(full, near)[i] ?? 0)));
    expect(asked.every((pixels) => pixels <= 42 * 42)).toBe(true);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  it("repeat the last line where a side is odd", () => {
    const data = Uint8Array.from(Array.from({ length: 9 }, (_, i) => [i, i, i, i]).flat());
    const { data: half } = halved({ data, width: 3, height: 3 });
    expect([half[0], half[4], half[8], half[12]]).toEqual([2, 4, 7, 8]);
  });
});

describe("clicks", () => {
  it("are drawn as disks, the later one wins", () => {
    const { clicks, crop, size, radius, superseded, foreground, background } = golden.disks;
    const all = clicks.map(([x, y, positive]) => click(x, y, positive));
    const kept = standing(all);
    expect(all.filter((one) => !kept.includes(one)).map((one) => all.indexOf(one))).toEqual(superseded);
    const maps = drawDisks(kept, rectangle(crop), size, radius);
    expect(maps.subarray(0, size * size).join("")).toBe(foreground.join(""));
    expect(maps.subarray(size * size).join("")).toBe(background.join(""));
  });

  it("choose the part that they lie in, or the nearest one", () => {
    const raster = rasterOf(["1100001", "0010000", "0000011"]);
    expect(rowsOf(partAt(raster, imagePoint(2.5, 1.5)))).toEqual(["1100000", "0010000", "0000000"]);
    expect(rowsOf(partAt(raster, imagePoint(5.5, 1.9)))).toEqual(["0000000", "0000000", "0000011"]);
    expect(pixelsOf(partAt(emptyRaster(raster.picture), imagePoint(1, 1)))).toBe(0);
  });
});

describe("the loop", () => {
  it.each(golden.sessions.map((session, i) => ({ session, name: ["plain", "look twice", "given", "flip"][i] })))(
    "answers a session with undo: $name",
    async ({ session }) => {
      const { rules: told, size, given } = session;
      const rules: ClickRules = {
        size,
        threshold: 0,
        diskRadius: told.disk_radius,
        expansion: told.expansion,
        smallestTarget: told.smallest_target,
        smallestFocus: told.smallest_focus,
        mergeFrom: told.merge_from,
        lookTwice: told.look_twice,
        scoreSlope: 1,
        scoreOffset: 0,
      };
      const own = { width: session.width, height: session.height };
      const picture = new ClickPyramid(own, reader(session.pixels, own));
      const stages = (session.flip ? flipAveraged(toyStages(size), size) : toyStages(size)) as ClickStages;
      const states: { raster: Raster; clicks: Click[] }[] = [{ raster: rasterOf(session.start), clicks: [] }];
      for (const wanted of session.steps) {
        const now = states.at(-1) ?? { raster: rasterOf(session.start), clicks: [] };
        if (wanted.undo === true) states.pop();
        else {
          const clicks = [...now.clicks, click(wanted.x, wanted.y, wanted.positive)];
          const answer = await answerClick(stages, rules, picture, { before: now.raster, clicks, given });
          expect([edges(answer.target), edges(answer.focus)]).toEqual([wanted.target, wanted.focus]);
          expect(answer.iou).toBeCloseTo(wanted.predicted_iou, 5);
          states.push({ raster: answer.raster, clicks });
        }
        expect(rowsOf(states.at(-1)?.raster ?? emptyRaster(picture.size))).toEqual(wanted.mask);
      }
    },
  );

  it("changes nothing outside the focus crop of a mask that somebody accepted", async () => {
    const size = { width: 90, height: 70 };
    let state = 5;
    const random = (): number => (state = (state * 1664525 + 1013904223) % 4294967296) / 4294967296;
    const noise = (): Logits => ({
      data: Float32Array.from({ length: 256 }, () => random() - 0.6),
      width: 16,
      height: 16,
    });
    const stages: ClickStages<null> = {
      coarse: () => Promise.resolve({ logits: noise(), carry: null }),
      refine: () => Promise.resolve(noise()),
    };
    const read = ({ width, height }: Rectangle): Pixels => ({
      data: new Uint8Array(width * height * 4),
      width,
      height,
    });
    const rules = { size: 32, threshold: 0, diskRadius: 3, expansion: 1.4, smallestTarget: 16, smallestFocus: 8 };
    const start = Uint8Array.from({ length: size.width * size.height }, () => (random() < 0.4 ? 1 : 0));
    let before = trimmed({ picture: size, area: wholeOf(size), data: start });
    for (let turn = 0; turn < 20; turn++) {
      const clicks = [click(random() * size.width, random() * size.height, random() < 0.5)];
      const question = { before, clicks, given: true };
      const answer = await answerClick(
        stages,
        { ...rules, mergeFrom: 10, lookTwice: false, scoreSlope: 1, scoreOffset: 0 },
        { size, read },
        question,
      );
      const moved = changed(before, answer.raster);
      expect(pixelsOf(withArea(moved, answer.focus))).toBe(pixelsOf(moved));
      before = answer.raster;
    }
  });

  it("expects of a mask what its probabilities say", () => {
    const data = Float32Array.from([0.9, 0.8, 0.1, 0.2], (p) => Math.log(p / (1 - p)));
    expect(expectedIou({ data, width: 2, height: 2 }, 0)).toBeCloseTo(1.7 / 2.3, 6);
    expect(expectedIou({ data, width: 2, height: 2 }, 9)).toBe(0);
    expect(calibrated(0.9, { scoreSlope: 0.5, scoreOffset: -1 })).toBeCloseTo(1 / (1 + Math.E / 3), 6);
    expect(calibrated(0, { scoreSlope: 0.5, scoreOffset: 9 })).toBe(0);
  });
});

import type { Click } from "../geometry/click-maps";
import { changed, drawDisks, partAt, standing } from "../geometry/click-maps";
import type { Pixels } from "../geometry/crops";
import { cropAround, placedOn, sampleMask, samplePixels, spanAbout, spanOf, toInput, wholeOf } from "../geometry/crops";
import type { Size } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import { intersection, rasterOf } from "../geometry/mask";
import type { Raster } from "../geometry/raster";
import { trimmed, withArea } from "../geometry/raster";

/**
 * The loop around an interactive model: one click in, the next mask out. The twin of server/runtime/click_loop.py; both are
 * held to tests/golden/click_loop.json. docs/interactive.md describes it.
 */

/** The part `interactive` of a bundle's manifest, and its input's side. */
export interface ClickRules {
  readonly size: number;
  readonly threshold: number;
  readonly diskRadius: number;
  readonly expansion: number;
  readonly smallestTarget: number;
  readonly smallestFocus: number;
  readonly mergeFrom: number;
  readonly lookTwice: boolean;
  readonly scoreSlope: number;
  readonly scoreOffset: number;
}

export interface Logits {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The bundle's graphs. `carry` is what the coarse one gives the refinement: its logits and features. */
export interface ClickStages<Carry = unknown> {
  coarse(pixels: Uint8Array, clicks: Float32Array, previous: Float32Array): Promise<{ logits: Logits; carry: Carry }>;
  /** null: the model has one stage. `box`: x1 y1 x2 y2 in pixels of the coarse input. */
  readonly refine:
    ((pixels: Uint8Array, clicks: Float32Array, carry: Carry, box: Float32Array) => Promise<Logits>) | null;
}

export interface ClickPicture {
  readonly size: Size;
  /** A window of the picture halved `level` times, in that level's pixels. */
  read(window: Rectangle, level: number): Pixels;
}

export interface ClickQuestion {
  /** The mask before the last click. */
  readonly before: Raster;
  /** All of them, in the order in which they were made; at least one. */
  readonly clicks: readonly Click[];
  /** It began with a mask that somebody had accepted: only what a click is about may change. */
  readonly given: boolean;
  /** Hears where the model looks, before it does. */
  readonly onLook?: (target: Rectangle) => void;
}

export interface ClickAnswer {
  readonly raster: Raster;
  readonly target: Rectangle;
  readonly focus: Rectangle;
  readonly iou: number;
}

export async function answerClick<Carry>(
  stages: ClickStages<Carry>,
  rules: ClickRules,
  picture: ClickPicture,
  question: ClickQuestion,
): Promise<ClickAnswer> {
  const { before, clicks, given } = question;
  const last = clicks.at(-1);
  if (last === undefined) throw new RangeError("An interactive model needs a click.");
  const { size, threshold } = rules;
  const drawn = standing(clicks);
  const pixelsOf = (crop: Rectangle): Uint8Array =>
    samplePixels((window, level) => picture.read(window, level), picture.size, crop, size);
  const whole = wholeOf(picture.size);

  const look = async (mask: Raster): Promise<{ target: Rectangle; logits: Logits; carry: Carry; after: Raster }> => {
    const span = spanAbout(
      mask,
      clicks.map(({ point }) => point),
    );
    const target = mask.area.width === 0 ? whole : cropAround(span, whole, rules.expansion, rules.smallestTarget);
    question.onLook?.(target);
    const disks = drawDisks(drawn, target, size, rules.diskRadius);
    const { logits, carry } = await stages.coarse(pixelsOf(target), disks, sampleMask(mask, target, size));
    return { target, logits, carry, after: rasterOf(placedOn(target, picture.size, logits, threshold)) };
  };

  let seen = await look(before);
  if (rules.lookTwice && before.area.width === 0 && seen.after.area.width > 0) seen = await look(seen.after);
  const { target, logits, carry } = seen;
  let { after } = seen;

  const piece = partAt(changed(before, after), last.point);
  const [column, row] = [Math.floor(last.point.x), Math.floor(last.point.y)];
  const span = piece.area.width > 0 ? spanOf(piece.area) : { x1: column, y1: row, x2: column, y2: row };
  const focus = cropAround(span, target, rules.expansion, rules.smallestFocus);
  if (stages.refine !== null) {
    const low = toInput(target, focus.x, focus.y, size);
    const high = toInput(target, focus.x + focus.width, focus.y + focus.height, size);
    const box = Float32Array.of(low.x, low.y, high.x, high.y);
    const disks = drawDisks(drawn, focus, size, rules.diskRadius);
    const fine = await stages.refine(pixelsOf(focus), disks, carry, box);
    after = replaced(after, rasterOf(placedOn(focus, picture.size, fine, threshold)), focus);
  }
  if (given || clicks.length >= rules.mergeFrom) after = merged(before, after, focus, last);
  const expected = expectedIou(logits, threshold);
  return { raster: after, target, focus, iou: before.area.width === 0 ? expected : calibrated(expected, rules) };
}

/** `mask` with the pixels of `area` taken from `inside`. */
function replaced(mask: Raster, inside: Raster, area: Rectangle): Raster {
  const x = Math.min(area.x, mask.area.width === 0 ? area.x : mask.area.x);
  const y = Math.min(area.y, mask.area.width === 0 ? area.y : mask.area.y);
  const right = Math.max(area.x + area.width, mask.area.x + mask.area.width);
  const bottom = Math.max(area.y + area.height, mask.area.y + mask.area.height);
  const out = withArea(mask, { x, y, width: right - x, height: bottom - y });
  const part = withArea(inside, area).data;
  for (let line = 0; line < area.height; line++) {
    const start = (area.y + line - y) * (right - x) + area.x - x;
    out.data.set(part.subarray(line * area.width, (line + 1) * area.width), start);
  }
  return trimmed(out);
}

/** Progressive merge: of all that changed only the piece that the click is about, and of that what lies in the focus crop. */
function merged(before: Raster, after: Raster, focus: Rectangle, click: Click): Raster {
  const change = changed(before, after);
  const shared = intersection(change.area, focus);
  if (shared.width === 0 || shared.height === 0) return before;
  return changed(before, partAt(trimmed(withArea(change, shared)), click.point));
}

/**
 * Of the mask with the truth that the probabilities p describe: the sum of p inside over its area and the sum of p outside
 * (soft Jaccard); 0 for an empty mask.
 */
export function expectedIou({ data }: Logits, threshold: number): number {
  let [inside, area, outside] = [0, 0, 0];
  for (const value of data) {
    const share = 1 / (1 + Math.exp(-Math.min(Math.max(value, -30), 30)));
    if (value > threshold) {
      inside += share;
      area++;
    } else outside += share;
  }
  return area === 0 ? 0 : inside / (area + outside);
}

/** Platt's scaling of an expected IoU; 0 and 1 stay what they are. */
export function calibrated(
  expected: number,
  { scoreSlope, scoreOffset }: Pick<ClickRules, "scoreSlope" | "scoreOffset">,
): number {
  if (expected <= 0 || expected >= 1) return expected;
  return 1 / (1 + Math.exp(-(scoreSlope * Math.log(expected / (1 - expected)) + scoreOffset)));
}

import { describe, expect, it } from "vitest";

import type { Area } from "../src/ui/tour-place";
import { placeBeside, placeWithin } from "../src/ui/tour-place";

const view: Area = { left: 0, top: 0, width: 1000, height: 700 };
const card: Area = { left: 0, top: 0, width: 300, height: 160 };
const at = (left: number, top: number, width = 40, height = 40): Area => ({ left, top, width, height });

function overlap(a: Area, b: Area): boolean {
  const sideways = a.left < b.left + b.width && b.left < a.left + a.width;
  return sideways && a.top < b.top + b.height && b.top < a.top + a.height;
}

describe("the tour's card", () => {
  it("lies in the window and never on what it is about", () => {
    for (let left = 0; left <= 960; left += 60) {
      for (let top = 0; top <= 660; top += 60) {
        const anchor = at(left, top);
        const placed = { ...card, ...placeBeside(anchor, card, view) };
        expect(overlap(placed, anchor), `${left} ${top}`).toBe(false);
        expect(placed.left).toBeGreaterThanOrEqual(0);
        expect(placed.top).toBeGreaterThanOrEqual(0);
        expect(placed.left + card.width).toBeLessThanOrEqual(view.width);
        expect(placed.top + card.height).toBeLessThanOrEqual(view.height);
      }
    }
  });

  it("lies above or below on a phone", () => {
    const phone = { ...view, width: 360, height: 740 };
    for (const anchor of [at(200, 10), at(20, 600, 150), at(80, 380, 200)]) {
      expect(overlap({ ...card, ...placeBeside(anchor, card, phone) }, anchor)).toBe(false);
    }
  });

  it("leaves most of the picture free, where there is not much of it all of it", () => {
    const wide = placeWithin(at(80, 70, 600, 600), card, view);
    expect(wide.top).toBe(670 - 160 - 14);
    const phone = { ...view, width: 360, height: 740 };
    expect(placeWithin(at(12, 64, 336, 336), card, phone).top).toBeGreaterThanOrEqual(400);
  });
});

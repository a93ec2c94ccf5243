import { describe, expect, it } from "vitest";

import { radioAfter } from "../src/ui/radio-keys";

describe("a group of radios", () => {
  it("is walked by arrows round its ends, and by Home and End", () => {
    expect(radioAfter("ArrowRight", 0, 3)).toBe(1);
    expect(radioAfter("ArrowDown", 2, 3)).toBe(0);
    expect(radioAfter("ArrowLeft", 0, 3)).toBe(2);
    expect(radioAfter("ArrowUp", 2, 3)).toBe(1);
    expect([radioAfter("Home", 1, 3), radioAfter("End", 1, 3)]).toEqual([0, 2]);
    expect(radioAfter("Tab", 1, 3)).toBeNull();
  });
});

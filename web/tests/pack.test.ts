import { describe, expect, it } from "vitest";

import { pack, PackError, unpack } from "../src/storage/pack";

describe("a packed value", () => {
  it.each<[string, unknown]>([
    ["nothing", null],
    ["undefined", { a: undefined, b: [undefined] }],
    ["numbers", [0, -0, 1.5, NaN, Infinity, -Infinity, 1e300]],
    ["text", { "": "ä 漢 \u0000 🙂", __proto: "x" }],
    ["an object with our own mark", { $: "number", is: "x", more: { $: 1 } }],
    ["collections", new Map<unknown, unknown>([["a", new Set([1, "b"])], [{ k: 1 }, new Map()]])], // prettier-ignore
    ["arrays of all kinds", [Int8Array.of(-1), Uint8ClampedArray.of(255), Int16Array.of(-2), Uint16Array.of(65535)]],
    [
      "arrays of more kinds",
      { i: Int32Array.of(-3), u: Uint32Array.of(4e9), f: Float32Array.of(0.5, NaN), d: Float64Array.of(0.1) },
    ],
    ["a buffer", { bytes: Uint8Array.of(1, 2, 3).buffer, none: new Uint8Array() }],
    [
      "keys that look like numbers, in JavaScript's order",
      { b: Uint8Array.of(2), 2: Uint8Array.of(3), 1: Uint8Array.of(4) },
    ],
  ])("%s comes back", (_, value) => {
    expect(unpack(pack(value))).toEqual(value);
  });

  it("takes a view's own part only, and gives arrays of their own", () => {
    const bytes = pack({ view: new Uint8Array(1000).subarray(10, 12) });
    expect(bytes.length).toBeLessThan(80);
    const again = unpack(bytes) as { view: Uint8Array };
    expect(again.view.buffer.byteLength).toBe(2);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(unpack(shifted.subarray(3))).toEqual(again);
  });

  it("cannot be what has no such form", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [() => 1, new Date(), Symbol("s"), 1n, new Blob([]), circle]) {
      expect(() => pack(value)).toThrow(PackError);
    }
  });

  const headed = (head: string, tail = 0): Uint8Array => {
    const bytes = new Uint8Array(8 + head.length + 8 + tail);
    bytes.set(new TextEncoder().encode(`SGP1${String.fromCharCode(head.length)}\0\0\0${head}`));
    return bytes;
  };

  it.each([
    ["another file", new TextEncoder().encode("PNG and so on")],
    ["too short", new Uint8Array(3)],
    ["a head that is cut off", headed("[1,2]").subarray(0, 10)],
    ["a head that is no JSON", headed("[1,")],
    ["an array beyond the end", headed('{"$":"Uint8Array","length":99}')],
    ["an array of no length", headed('{"$":"Float32Array","length":-1}', 64)],
    [
      "arrays that would share their bytes",
      headed('[{"$":"Uint8Array","length":60},{"$":"Uint8Array","length":60}]', 64),
    ],
    ["a kind from elsewhere", headed('{"$":"constructor"}')],
    ["an unknown number", headed('{"$":"number","is":"toString"}')],
    ["a prototype", headed('{"__proto__":{"x":1}}')],
    ["a prototype in disguise", headed('{"$":"object","entries":[["__proto__",1]]}')],
    ["a map of no pairs", headed('{"$":"Map","entries":[1]}')],
    ["a set of nothing", headed('{"$":"Set"}')],
    ["too deep", headed("[".repeat(110) + "]".repeat(110))],
  ])("is refused: %s", (_, bytes) => {
    expect(() => unpack(bytes)).toThrow(PackError);
  });
});

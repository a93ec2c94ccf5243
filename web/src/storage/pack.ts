/*
 * A value as bytes: "SGP1", the head's length (uint32, little-endian), the head (JSON, UTF-8), zeros up to a multiple of
 * 8, then the numbers of the typed arrays in the order in which the head names them, each from a multiple of 8 on. What
 * JSON does not have is an object with the key "$". Nothing in it is ever run.
 */

const MAGIC = 0x31504753; // "SGP1"
const PREFIX = 8;
const STEP = 8;
const DEEPEST = 100;

const ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const;
type ArrayName = keyof typeof ARRAYS;

/** The value cannot be packed, or the bytes are not what `pack` makes. */
export class PackError extends Error {}

interface Parts {
  readonly chunks: Uint8Array[];
  length: number;
}

/** Plain objects and arrays, Map, Set, strings, numbers, booleans, null, undefined, ArrayBuffer and typed arrays. */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: Parts = { chunks: [], length: 0 };
  const head = new TextEncoder().encode(JSON.stringify(encode(value, parts, 0)));
  const start = aligned(PREFIX + head.length);
  const bytes = new Uint8Array(start + parts.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, head.length, true);
  bytes.set(head, PREFIX);
  let at = start;
  for (const chunk of parts.chunks) {
    bytes.set(chunk, at);
    at += aligned(chunk.length);
  }
  return bytes;
}

/** Raises `PackError`. Each array is a copy of its own; together they take no more than `bytes`. */
export function unpack(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX || view.getUint32(0, true) !== MAGIC) throw new PackError("This is no packed value.");
  const end = PREFIX + view.getUint32(4, true);
  if (end > bytes.length) throw new PackError("The head is cut off.");
  let head: unknown;
  try {
    head = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(PREFIX, end)));
  } catch {
    throw new PackError("The head is no JSON.");
  }
  return decode(head, { bytes, at: aligned(end) }, 0);
}

function encode(value: unknown, parts: Parts, depth: number): unknown {
  if (depth > DEEPEST) throw new PackError("The value is nested too deep.");
  const inner = (item: unknown): unknown => encode(item, parts, depth + 1);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: "number", is: numberName(value) };
  }
  if (value === undefined) return { $: "undefined" };
  if (Array.isArray(value)) return Array.from(value, inner);
  if (value instanceof ArrayBuffer) return { $: "ArrayBuffer", length: append(parts, new Uint8Array(value)) };
  if (value instanceof Map) return { $: "Map", entries: Array.from(value, ([key, item]) => [inner(key), inner(item)]) };
  if (value instanceof Set) return { $: "Set", values: Array.from(value, inner) };
  const array = Object.entries(ARRAYS).find(([, type]) => value instanceof type);
  if (array !== undefined) {
    const { buffer, byteOffset, byteLength, length } = value as Uint8Array;
    append(parts, new Uint8Array(buffer, byteOffset, byteLength));
    return { $: array[0], length };
  }
  const prototype: unknown = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new PackError(`A ${typeof value} cannot be packed.`);
  const entries = Object.entries(value).map(([key, item]) => [key, inner(item)] as const);
  return Object.hasOwn(value, "$") ? { $: "object", entries } : Object.fromEntries(entries);
}

function append(parts: Parts, chunk: Uint8Array): number {
  parts.chunks.push(chunk);
  parts.length += aligned(chunk.length);
  return chunk.length;
}

interface Source {
  readonly bytes: Uint8Array;
  /** Where the next array lies. */
  at: number;
}

function decode(value: unknown, source: Source, depth: number): unknown {
  if (depth > DEEPEST) throw new PackError("The value is nested too deep.");
  const inner = (item: unknown): unknown => decode(item, source, depth + 1);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inner);
  const fields = value as Record<string, unknown>;
  if (!Object.hasOwn(fields, "$")) return record(Object.entries(fields), inner);
  const kind = fields.$;
  switch (kind) {
    case "undefined":
      return undefined;
    case "number":
      return numberOf(fields.is);
    case "object":
      return record(pairs(fields.entries), inner);
    case "Map":
      return new Map(pairs(fields.entries).map(([key, item]) => [inner(key), inner(item)]));
    case "Set":
      return new Set(list(fields.values).map(inner));
    case "ArrayBuffer":
      return take(source, fields.length, 1);
  }
  if (typeof kind !== "string" || !Object.hasOwn(ARRAYS, kind)) throw new PackError("The head names an unknown kind.");
  const type = ARRAYS[kind as ArrayName];
  return new type(take(source, fields.length, type.BYTES_PER_ELEMENT));
}

function record(entries: readonly (readonly [unknown, unknown])[], inner: (item: unknown) => unknown): object {
  return Object.fromEntries(
    entries.map(([key, item]) => {
      if (typeof key !== "string" || key === "__proto__")
        throw new PackError("An object has a key that it may not have.");
      return [key, inner(item)];
    }),
  );
}

function take(source: Source, length: unknown, size: number): ArrayBuffer {
  const { bytes, at } = source;
  const count = typeof length === "number" && Number.isSafeInteger(length) && length >= 0 ? length * size : Infinity;
  if (at + count > bytes.length) throw new PackError("An array is cut off.");
  source.at = aligned(at + count);
  return bytes.slice(at, at + count).buffer;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new PackError("A list is none.");
  return value as unknown[];
}

function pairs(value: unknown): [unknown, unknown][] {
  return list(value).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new PackError("An entry is no pair.");
    return pair as [unknown, unknown];
  });
}

const aligned = (length: number): number => Math.ceil(length / STEP) * STEP;
const NUMBERS: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity, "-0": -0 };
const numberName = (value: number): string => (value === 0 ? "-0" : String(value));

function numberOf(name: unknown): number {
  const value = typeof name === "string" && Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  if (value === undefined) throw new PackError("The head names an unknown number.");
  return value;
}

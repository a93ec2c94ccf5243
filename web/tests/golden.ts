import { readFileSync } from "node:fs";

/** Vectors that pytest reads too; a difference between browser and server shows here first. */
export interface CoordinateCases {
  cases: {
    width: number;
    height: number;
    size: number;
    resize: "longest_side" | "square";
    input_width: number;
    input_height: number;
    points: { image: [number, number]; model: [number, number] }[];
  }[];
  upsampling: {
    name: string;
    width: number;
    height: number;
    size: number;
    resize: "longest_side" | "square";
    input_width: number;
    input_height: number;
    threshold: number;
    logits: number[][];
    first_row: number[];
    mask: { size: [number, number]; counts: number[] };
  }[];
}

export interface RleCases {
  cases: {
    name: string;
    size: [number, number];
    /** Absent for the large ones. */
    rows?: string[];
    uncompressed: number[];
    compressed: string;
    area: number;
    bbox: [number, number, number, number];
  }[];
}

export function readGolden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../tests/golden/${name}`, import.meta.url), "utf8"));
}

export function readBytes(path: URL): ArrayBuffer {
  const bytes = readFileSync(path);
  return new Uint8Array(bytes).buffer;
}

import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { FormatFile } from "../src/formats";
import { WRITERS } from "../src/formats";
import { joined, without } from "../src/geometry/combine";
import { imagePoint } from "../src/geometry/frames";
import type { Raster } from "../src/geometry/raster";
import { rasterToRle, withArea } from "../src/geometry/raster";
import { strokeRaster } from "../src/geometry/strokes";

const SIZE = { width: 320, height: 201 };
const disc = (x: number, y: number, radius: number): Raster => strokeRaster(SIZE, { path: [imagePoint(x, y)], radius });
/** With a hole, of two parts, and touching the border. */
const MASKS = [
  without(disc(100, 100, 60), disc(100, 100, 20)),
  joined(disc(250, 40, 30), disc(230, 150, 33)),
  disc(10, 20, 15),
];

/** tests/integration/test_page_formats.py reads these files with each format's own reader. */
test("every format is written to files", async () => {
  const folder = process.env.SEGSERVE_FORMATS ?? mkdtempSync(join(tmpdir(), "segserve-formats-"));
  const write = (name: string, data: FormatFile["data"]): void =>
    writeFileSync(join(folder, name.replaceAll("/", "_")), data);
  const objects = MASKS.map((mask, i) => {
    const label = ["ring", 'two "parts" <&>', "边"][i] ?? "";
    return { id: i, name: "", label, colour: "#4da3ff", rle: rasterToRle(mask), iou: 0.5 };
  });
  const pictures = [
    { name: "a b.jpg", ...SIZE, objects },
    { name: "empty.jpg", ...SIZE, objects: [] },
  ];
  for (const [id, writer] of Object.entries(WRITERS)) {
    const { files } = await writer(pictures);
    for (const { path, data } of files) write(`${id}-${path}`, data);
  }
  MASKS.forEach((mask, i) =>
    write(`mask-${i}.raw`, withArea(mask, { x: 0, y: 0, ...SIZE }).data as Uint8Array<ArrayBuffer>),
  );
  expect(readdirSync(folder).length).toBeGreaterThan(15);
});

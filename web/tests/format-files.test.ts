import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { FormatFile } from "../src/formats";
import { WRITERS } from "../src/formats";
import { joined, without } from "../src/geometry/combine";
import { imagePoint } from "../src/geometry/frames";
import type { Raster } from "../src/geometry/raster";
import { withArea } from "../src/geometry/raster";
import { strokeRaster } from "../src/geometry/strokes";
import { exported } from "./exported";

const SIZE = { width: 320, height: 201 };
const disc = (x: number, y: number, radius: number): Raster => strokeRaster(SIZE, { path: [imagePoint(x, y)], radius });
/** With a hole, of two parts, and touching the border. */
const MASKS = [
  without(disc(100, 100, 60), disc(100, 100, 20)),
  joined(disc(250, 40, 30), disc(230, 150, 33)),
  disc(10, 20, 15),
];

const OBJECTS = MASKS.map((mask, i) => {
  const label = ["ring", 'two "parts" <&>', "边"][i] ?? "";
  return exported(mask, { id: i, label, iou: 0.5 });
});
const PICTURES = [
  { name: "a b.jpg", ...SIZE, objects: OBJECTS },
  { name: "empty.jpg", ...SIZE, objects: [] },
];

/** tests/integration/test_page_formats.py reads these files with each format's own reader. */
test("every format is written to files", async () => {
  const folder = process.env.SEGSERVE_FORMATS ?? mkdtempSync(join(tmpdir(), "segserve-formats-"));
  const write = (name: string, data: FormatFile["data"]): void =>
    writeFileSync(join(folder, name.replaceAll("/", "_")), data);
  for (const [id, writer] of Object.entries(WRITERS)) {
    const { files } = await writer(PICTURES);
    for (const { path, data } of files) write(`${id}-${path}`, data);
  }
  MASKS.forEach((mask, i) =>
    write(`mask-${i}.raw`, withArea(mask, { x: 0, y: 0, ...SIZE }).data as Uint8Array<ArrayBuffer>),
  );
  expect(readdirSync(folder).length).toBeGreaterThan(15);
});

test.each(Object.keys(WRITERS) as (keyof typeof WRITERS)[])(
  "%s is written picture by picture, and stopped",
  async (id) => {
    const turns: number[] = [];
    const turn = async (done: number): Promise<void> => {
      turns.push(done);
      await Promise.resolve();
      if (turns.length === 4) throw new Error("enough");
    };
    const { files } = await WRITERS[id](PICTURES, turn);
    expect([turns, files]).toEqual([[0, 1], (await WRITERS[id](PICTURES)).files]);
    await expect(WRITERS[id](PICTURES, turn)).rejects.toThrow("enough");
  },
);

test("COCO and VOC have the area and the bounds that the mask was found to have", async () => {
  const measured = {
    ...PICTURES[1],
    name: "a.jpg",
    ...SIZE,
    objects: OBJECTS.slice(0, 1).map((object) => ({ ...object, area: 77, bbox: [1, 2, 3, 4] as const })),
  };
  const [coco] = (await WRITERS.coco([measured])).files;
  expect((JSON.parse(String(coco?.data)) as { annotations: object[] }).annotations).toMatchObject([
    { area: 77, bbox: [1, 2, 3, 4] },
  ]);
  const [voc] = (await WRITERS.voc([measured])).files;
  expect(voc?.data).toContain("<xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax>");
});

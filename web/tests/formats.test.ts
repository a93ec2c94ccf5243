import { decode } from "fast-png";
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";

import type { ExportedPicture } from "../src/formats";
import { WRITERS, zipOf } from "../src/formats";
import { fileNamesOf, filesOf, stemsOf } from "../src/formats/names";
import { encodePng } from "../src/formats/png";
import { readAnnotations } from "../src/formats/read";
import { PictureIndex } from "../src/formats/picture-index";
import { VOC_PALETTE } from "../src/formats/voc";
import { joined, without } from "../src/geometry/combine";
import { imagePoint } from "../src/geometry/frames";
import { iou } from "../src/geometry/mask";
import type { Raster } from "../src/geometry/raster";
import { emptyRaster, rasterToRle, rleToRaster, withArea } from "../src/geometry/raster";
import type { Rle } from "../src/geometry/rle";
import { strokeRaster } from "../src/geometry/strokes";
import { exported as object } from "./exported";

const SIZE = { width: 120, height: 90 };
const disc = (x: number, y: number, radius: number): Raster => strokeRaster(SIZE, { path: [imagePoint(x, y)], radius });

const RING = without(disc(30, 40, 20), disc(30, 40, 8));
const TWO = joined(disc(80, 20, 12), disc(95, 70, 15));
const PLAIN = disc(60, 60, 10);

const PICTURE: ExportedPicture = {
  name: "street/Übung 1 <&>.jpg",
  ...SIZE,
  objects: [object(RING), object(TWO, { label: 'dog "x"' }), object(PLAIN, { label: "", name: "das Ding", iou: null })],
};
const EMPTY: ExportedPicture = { name: "empty.jpg", ...SIZE, objects: [] };

const KNOWN = [PICTURE, EMPTY].map(({ name, width, height }, id) => ({ id, name, width, height }));
const asFiles = (
  files: readonly { path: string; data: string | Uint8Array }[],
): { path: string; bytes: Uint8Array }[] =>
  files.map(({ path, data }) => ({ path, bytes: typeof data === "string" ? new TextEncoder().encode(data) : data }));
const whole = (rle: Rle): Uint8Array => withArea(rleToRaster(rle), { x: 0, y: 0, ...SIZE }).data;
const same = (a: Rle, b: Rle): number => iou(whole(a), whole(b));

describe("what is written comes back", () => {
  it.each([
    ["coco", 1, [0, 1, 2]],
    ["coco_polygons", 0.97, [0, 1, 2]],
    ["labelme", 0.97, [0, 1, 2]],
    ["yolo", 0.96, [1, 2]],
  ] as const)("%s", async (id, least, exact) => {
    const { files } = await WRITERS[id]([PICTURE, EMPTY]);
    const { pictures, skipped } = readAnnotations(asFiles(files), KNOWN);
    expect(skipped).toEqual([]);
    expect(pictures.map((picture) => picture.id)).toEqual([0]);
    const objects = pictures[0]?.objects ?? [];
    expect(objects.map(({ label }) => label)).toEqual(["cat", 'dog "x"', "das Ding"]);
    for (const i of exact) {
      const [wanted, got] = [PICTURE.objects[i]?.rle, objects[i]?.rle];
      if (wanted === undefined || got === undefined) throw new Error("missing");
      expect(same(wanted, got)).toBeGreaterThanOrEqual(least);
    }
  });

  it("label maps and mask PNGs", async () => {
    const map = await WRITERS.label_map([PICTURE]);
    const [image] = map.files;
    const back = readAnnotations(asFiles(image === undefined ? [] : [image]), KNOWN);
    expect(back.pictures[0]?.objects.map(({ rle }) => rle)).toEqual([RING, TWO, PLAIN].map(rasterToRle));
    const masks = await WRITERS.masks([PICTURE]);
    const each = readAnnotations(asFiles(masks.files), KNOWN);
    expect(each.pictures[0]?.objects.map(({ rle }) => rle)).toEqual([RING, TWO, PLAIN].map(rasterToRle));
    expect(each.pictures[0]?.objects[0]?.label).toBe("cat");
  });
});

describe("what a format cannot hold", () => {
  it("is said", async () => {
    const codes = async (id: keyof typeof WRITERS): Promise<string[]> =>
      (await WRITERS[id]([PICTURE])).warnings.map(({ code, count }) => `${code} ${count}`);
    expect(await codes("yolo")).toEqual(["yolo_holes_lost 1", "yolo_parts_joined 1"]);
    expect(await codes("coco_polygons")).toEqual(["coco_holes_as_rle 1"]);
    expect(await codes("coco")).toEqual([]);
    const over = { ...PICTURE, objects: [object(disc(50, 50, 20)), object(disc(60, 50, 20))] };
    expect((await WRITERS.voc([over])).warnings).toMatchObject([{ code: "overlap_hidden", count: 1 }]);
    const empty = { ...PICTURE, objects: [object(emptyRaster(SIZE)), object(PLAIN)] };
    for (const id of ["voc", "labelme"] as const) {
      expect((await WRITERS[id]([empty])).warnings).toMatchObject([{ code: "empty_left_out", count: 1 }]);
    }
    const tiny = Array.from({ length: 250 }, (_, i) => object(PLAIN, { label: `class ${i}` }));
    const more = Array.from({ length: 9 }, (_, i) => object(disc(4 + 12 * i, 4, 3), { label: `more ${i}` }));
    const many = [{ ...PICTURE, objects: tiny }, { ...PICTURE, name: "b.jpg", objects: more }]; // prettier-ignore
    const { warnings } = await WRITERS.voc(many);
    expect(warnings.filter(({ code }) => code === "too_many_classes")).toMatchObject([{ picture: "b.jpg", count: 5 }]);
  });
});

describe("each format", () => {
  it.each(Object.keys(WRITERS) as (keyof typeof WRITERS)[])(
    "%s takes pictures without objects and empty masks",
    async (id) => {
      const nothing = { ...EMPTY, objects: [object(emptyRaster(SIZE))] };
      const { files } = await WRITERS[id]([EMPTY, nothing]);
      for (const { path } of files) expect(path).not.toMatch(/[<>:"\\|?*]|\.\.|^\//);
      expect(Object.keys(unzipSync(zipOf(files)))).toHaveLength(files.length);
    },
  );

  it("writes VOC's PNGs with its palette, and its boxes from 1 on", async () => {
    const { files } = await WRITERS.voc([PICTURE]);
    const map = files.find(({ path }) => path.startsWith("SegmentationObject/"));
    const png = decode(map?.data as Uint8Array);
    expect(png.palette?.slice(0, 4)).toEqual([
      [0, 0, 0],
      [128, 0, 0],
      [0, 128, 0],
      [128, 128, 0],
    ]);
    expect(VOC_PALETTE[255]).toEqual([224, 224, 192]);
    expect([...new Set(png.data)].sort()).toEqual([0, 1, 2, 3]);
    const xml = String(files.find(({ path }) => path.endsWith(".xml"))?.data);
    expect(xml).toContain("<xmin>11</xmin><ymin>21</ymin><xmax>50</xmax><ymax>60</ymax>");
    expect(xml).toContain("&lt;&amp;&gt;");
  });

  it("is the same bytes for the same work", async () => {
    const make = async (): Promise<Uint8Array> => zipOf((await WRITERS.labelme([PICTURE])).files);
    expect(await make()).toEqual(await make());
  });
});

describe("file names", () => {
  it("are safe, unique and not too long", () => {
    const names = [
      "a.jpg",
      "A.png",
      "../../etc/passwd",
      "x/..",
      "...",
      "b:c*?.tif",
      "é/ü.jpg",
      `${"n".repeat(300)}.jpg`,
      "",
    ];
    const stems = stemsOf(names);
    expect(stems.slice(0, 7)).toEqual(["a", "A-2", "etc/passwd", "x", "picture", "b_c__", "é/ü"]);
    expect(stems[7]).toHaveLength(100);
    expect(new Set(stems).size).toBe(names.length);
  });

  it("find their picture by path, by name, then by stem; by the folders most alike; and none where several are", () => {
    const names = ["a/1.jpg", "b/1.jpg", "Two.PNG", "cam/left/x.jpg", "cam/right/x.jpg", "y.jpg", "y.png"];
    const index = new PictureIndex(names.map((name, id) => ({ id, name, width: 1, height: 1 })));
    const found = (name: string): number | undefined => index.find(name)?.id;
    expect(["b/1.jpg", "b\\1.JPG", "two.txt", "three.txt"].map(found)).toEqual([1, 1, 2, undefined]);
    expect(["1.jpg", "set/a/1.txt", "labels/right/x.txt", "x.txt"].map(found)).toEqual([undefined, 0, 4, undefined]);
    expect([index.findStem("y")?.id, index.findStem("y-2")?.id]).toEqual([5, 6]); // as our own files are called
  });
});

describe("pictures of one name", () => {
  const NAMES = ["image.png", "image.png", "a/image.png", "Image.png", "image-2.png", "image.png"];
  const known = NAMES.map((name, id) => ({ id, name, ...SIZE }));
  const pictures = NAMES.map((name, i) => ({ name, ...SIZE, objects: [object(disc(20 + 15 * i, 40, 10))] }));

  const named = filesOf(NAMES);
  it.each(["coco", "labelme", "label_map", "yolo", "voc", "masks"] as const)(
    "come back each alone of %s",
    async (id) => {
      for (const [i, picture] of pictures.entries()) {
        const { files } = await WRITERS[id]([{ ...picture, files: named[i] ?? { stem: "", fileName: "" } }]);
        const back = readAnnotations(asFiles(files), known);
        expect([i, back.pictures.map((found) => found.id)]).toEqual([i, [i]]);
      }
    },
  );

  it.each(["coco", "labelme", "label_map", "yolo", "voc", "masks"] as const)(
    "get their own masks of %s",
    async (id) => {
      const { files } = await WRITERS[id](pictures);
      const back = readAnnotations(asFiles(files), known);
      expect(back.skipped.filter(({ path }) => !path.endsWith(".xml"))).toEqual([]);
      const placed = back.pictures.map((picture) => [picture.id, picture.objects.length]);
      expect(placed.sort()).toEqual(known.map((picture) => [picture.id, 1]));
      for (const { id: of, objects } of back.pictures) {
        const [wanted, got] = [pictures[of]?.objects[0]?.rle, objects[0]?.rle];
        if (wanted === undefined || got === undefined) throw new Error("missing");
        expect(same(wanted, got)).toBeGreaterThan(0.9);
      }
    },
  );

  it("are told apart in COCO as in other files, and have their own names where they can", () => {
    expect(fileNamesOf(NAMES)).toEqual([...NAMES.slice(0, 1), "image-2-2.png", ...NAMES.slice(2, 5), "image-4.png"]);
    expect(fileNamesOf(["image.png", "image.png"])).toEqual(["image.png", "image-2.png"]);
    const long = `${"n".repeat(300)}.jpg`;
    expect(fileNamesOf([long, long])).toEqual([long, `${"n".repeat(100)}-2.jpg`]);
  });
});

describe("YOLO's names", () => {
  const labels = (yaml: string, classes?: string): (string | undefined)[] => {
    const line = (of: number): string => `${of} 0.1 0.1 0.5 0.1 0.5 0.5\n`;
    const files = [
      { path: "data.yaml", data: yaml },
      { path: "labels/empty.txt", data: line(0) + line(1) },
      ...(classes === undefined ? [] : [{ path: "classes.txt", data: classes }]),
    ];
    return (readAnnotations(asFiles(files), KNOWN).pictures[0]?.objects ?? []).map(({ label }) => label);
  };

  it.each([
    ["names:\n- cat\n- dog\nnc: 2\n", "yaml.dump's list"],
    ["nc: 2\r\nnames:\r\n- cat\r\n- dog\r\ntrain: images\r\n", "with the line ends of Windows"],
    ["names:\n  - cat\n  - dog", "an indented list"],
    ["names:\n  0: cat\n  1: dog\n", "numbers"],
    ["names:\n  1: dog\n  0: 'cat' # it's a cat\n", "numbers in another order"],
    ["names:  # comment\n\n  # more\n  0: cat\n# and more\n  1: dog # - and more\n", "comments"],
    ["names: {0: cat, 1: dog}\n", "numbers in brackets"],
    ['names: {"0":"cat","1":"dog"} # comment\n', "JSON"],
    ["names: [cat, dog]\n", "a list in brackets"],
    ["names: [ 'cat', # comment, and more\n         \"dog\",\n]\nnc: 2", "brackets in several lines"],
    ["names:\n  [\n    cat,\n    dog\n  ]\n", "brackets below"],
    ["names:\n  0: c\n\ntrain:\n  - x\n  - y\nnames2:\n  1: z\n", "no more than belongs to it", ["c", "1"]],
    ["names: ['a, b', \"c # d\"]\n", "commas and signs in quotes", ["a, b", "c # d"]],
    ["names:\n- it's, that's\n- 'don''t: # [x]'\n", "quotes within words", ["it's, that's", "don't: # [x]"]],
    ["names: [it's, that's]\n", "quotes within words in brackets", ["it's", "that's"]],
    ["names:\n- 3: x\n-\n", "an entry without a name", ["0", "1"]],
  ] as const)("are read of %j: %s", (yaml, _, wanted: readonly string[] = ["cat", "dog"]) => {
    expect(labels(yaml)).toEqual(wanted);
  });

  it.each(["", "nc: 2\n", "names:\n", "names: []\n", "names: {}\nnc: 2\n", "names:\ntrain:\n- x\n"])(
    "are those of classes.txt where %j has none",
    (yaml) => {
      expect(labels(yaml, "cat\r\ndog\r\n")).toEqual(["cat", "dog"]);
      expect(labels("names: [a, b]", "cat\ndog\n")).toEqual(["a", "b"]);
    },
  );
});

it("labelme's rectangles have two corners, or four", () => {
  const two = [[10, 20], [50, 60]]; // prettier-ignore
  const four = [[10, 20], [50, 20], [50, 60], [10, 60]]; // prettier-ignore
  const shapes = [two, four].map((points) => ({ label: "cat", shape_type: "rectangle", points }));
  const data = JSON.stringify({ imagePath: "empty.jpg", shapes });
  const [picture] = readAnnotations(asFiles([{ path: "empty.json", data }]), KNOWN).pictures;
  const areas = picture?.objects.map(({ rle }) => rleToRaster(rle).area);
  expect(areas).toEqual([1, 2].map(() => ({ x: 10, y: 20, width: 40, height: 40 })));
});

describe("annotations that are wrong", () => {
  const json = (value: unknown): { path: string; bytes: Uint8Array } => ({
    path: "x.json",
    bytes: new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
  });
  const image = { id: 1, file_name: "empty.jpg", ...SIZE };
  const coco = (segmentation: unknown, change: object = {}): object => ({
    images: [{ ...image, ...change }],
    categories: [],
    annotations: [{ image_id: 1, category_id: 1, segmentation }],
  });

  it.each([
    ["broken JSON", "{", "broken"],
    ["another JSON", { a: 1 }, "not_annotations"],
    ["runs that go on beyond the picture", coco({ size: [90, 120], counts: [0, 99_999] }), "not_a_mask"],
    ["runs of another size", coco({ size: [9, 12], counts: [108] }), "not_a_mask"],
    ["a polygon of words", coco([["a", 1, 2, 3, 4, 5]]), "not_a_mask"],
    ["a polygon of two corners", coco([[1, 2, 3, 4]]), "not_a_mask"],
    ["no segmentation", coco(undefined), "not_a_mask"],
    ["another picture", coco([[1, 1, 9, 1, 9, 9]], { file_name: "no.jpg" }), "no_such_picture"],
    ["a picture of another size", coco([[1, 1, 9, 1, 9, 9]], { width: 7 }), "size_differs"],
  ])("%s", (_name, value, code) => {
    const { pictures, skipped } = readAnnotations([json(value)], KNOWN);
    expect(pictures).toEqual([]);
    expect(skipped).toEqual([{ code, path: "x.json", count: 1 }]);
  });

  it("PNGs that are photographs, of another size, or none at all", async () => {
    const noise = Uint16Array.from({ length: 120 * 90 }, (_, i) => i);
    const photograph = { path: "empty.png", bytes: await encodePng(noise, 120, 90) };
    const small = { path: "empty.png", bytes: await encodePng(new Uint8Array(4), 2, 2) };
    const cut = { path: "empty.png", bytes: photograph.bytes.slice(0, 60) };
    const codes = readAnnotations([photograph, small, cut, { path: "a.pdf", bytes: new Uint8Array() }], KNOWN).skipped;
    expect(codes.map(({ code }) => code)).toEqual(["not_a_mask", "size_differs", "broken", "not_annotations"]);
  });

  it("YOLO's boxes and broken lines are counted", () => {
    const text = "0 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.5 0.1 0.5 0.5\n0 nan 1 2 3 4 5\n";
    const { pictures, skipped } = readAnnotations(
      [{ path: "labels/empty.txt", bytes: new TextEncoder().encode(text) }],
      KNOWN,
    );
    expect(pictures[0]?.objects).toHaveLength(1);
    expect(skipped.map(({ code, count }) => `${code} ${count}`)).toEqual(["not_a_mask 1", "broken 1"]);
  });
});

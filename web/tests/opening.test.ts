import { describe, expect, it } from "vitest";

import { sorted } from "../src/app/effects/opening";
import type { ExportedObject, ExportedPicture } from "../src/formats";
import { WRITERS, zipOf } from "../src/formats";
import { readAnnotations } from "../src/formats/read";
import { imagePoint } from "../src/geometry/frames";
import { strokeRaster } from "../src/geometry/strokes";
import { exported } from "./exported";

const SIZE = { width: 60, height: 40 };

function object(id: number, x: number, label: string, name = ""): ExportedObject {
  return exported(strokeRaster(SIZE, { path: [imagePoint(x, 20)], radius: 6 }), { id, name, label, iou: null });
}

const PICTURES: readonly ExportedPicture[] = [
  {
    name: "street/Übung 1 <&>.jpg",
    ...SIZE,
    objects: [object(1, 10, "cat"), object(2, 30, "dog"), object(3, 50, "cat")],
  },
  { name: "b.png", ...SIZE, objects: [object(4, 20, "dog", "Rex")] },
];
const NAMES = PICTURES.map(({ name }) => name);
const KNOWN = PICTURES.map(({ name, width, height }, id) => ({ id, name, width, height }));

const file = (name: string, type = ""): File => new File(["x"], name, { type });
const names = (files: readonly File[]): string[] => files.map(({ name }) => name);

async function read(files: readonly File[], known = KNOWN): Promise<ReturnType<typeof readAnnotations>> {
  const all = [];
  for (const each of files) all.push({ path: each.name, bytes: new Uint8Array(await each.arrayBuffer()) });
  return readAnnotations(all, known);
}

describe("a ZIP that the page wrote", () => {
  it.each(["coco", "coco_polygons", "yolo", "voc", "labelme", "label_map", "masks"] as const)(
    "comes back as objects of the pictures that are open, none of it as a picture: %s",
    async (format) => {
      const { files } = await WRITERS[format](PICTURES);
      const zip = new File([zipOf(files)], `${format}.zip`, { type: "application/zip" });
      const { pictures, annotations, skipped, problem } = await sorted([zip], NAMES);
      expect([names(pictures), skipped, problem]).toEqual([[], 0, null]);
      const imported = await read(annotations);
      expect(imported.skipped).toEqual([]);
      const labels = Object.fromEntries(
        imported.pictures.map(({ id, objects }) => [id, objects.map(({ label }) => label)]),
      );
      expect(labels).toEqual({ 0: ["cat", "dog", "cat"], 1: ["dog"] });
    },
  );

  it.each(["coco", "yolo", "voc", "labelme", "label_map", "masks"] as const)(
    "comes back to the very pictures where names are alike: %s",
    async (format) => {
      const names = ["cam1/0001.jpg", "cam2/0001.jpg", "a.jpg", "a.png", "frame.0001.png"];
      const alike = names.map((name, i) => ({ name, ...SIZE, objects: [object(i, 8 + 10 * i, `class ${i}`)] }));
      const { files } = await WRITERS[format](alike);
      const { pictures, annotations } = await sorted([new File([zipOf(files)], "a.zip")], names);
      expect(pictures).toEqual([]);
      const known = alike.map(({ name, width, height }, id) => ({ id, name, width, height }));
      const imported = await read(annotations, known);
      const found = imported.pictures.flatMap(({ id, objects }) => objects.map(({ label }) => `${label} in ${id}`));
      expect(found.sort()).toEqual(names.map((_, i) => `class ${i} in ${i}`));
    },
  );

  it("keeps names in the legend of a label map", async () => {
    const { files } = await WRITERS.label_map(PICTURES);
    const { annotations } = await sorted([new File([zipOf(files)], "maps.zip")], NAMES);
    const { pictures } = await read(annotations);
    expect(pictures.find(({ id }) => id === 1)?.objects.map(({ name, label }) => [name, label])).toEqual([
      ["Rex", "dog"],
    ]);
  });
});

describe("what was given is sorted", () => {
  it("masks apart from pictures, by name and by folder", async () => {
    const given = ["a.jpg", "a-mask.png", "masks/a.png", "a/001-cat.png", "walk/001-frame.png", "notes.doc", "a.json"];
    const { pictures, annotations, skipped } = await sorted(
      given.map((name) => file(name)),
      [],
    );
    expect(names(pictures)).toEqual(["a.jpg", "walk/001-frame.png"]);
    expect(names(annotations)).toEqual(["a-mask.png", "a.json", "a/001-cat.png", "masks/a.png"]);
    expect(skipped).toBe(1);
  });

  it("frames of a video beside a file that is called as their folder stay pictures", async () => {
    const given = ["street/0001-left.png", "street/0002-left.png", "street.json"].map((name) => file(name));
    expect(names((await sorted(given, [])).pictures)).toEqual(["street/0001-left.png", "street/0002-left.png"]);
  });

  it("a mask that comes alone goes to the open picture that it names, and is a picture otherwise", async () => {
    const alone = async (name: string): Promise<[string[], string[]]> => {
      const { pictures, annotations } = await sorted([file(name, "image/png")], ["street/a.jpg"]);
      return [names(pictures), names(annotations)];
    };
    expect(await alone("a-mask.png")).toEqual([[], ["a-mask.png"]]);
    expect(await alone("b-mask.png")).toEqual([["b-mask.png"], []]);
    expect(await alone("a.png")).toEqual([["a.png"], []]);
  });

  it("TIFFs of masks are left out where there are pictures, since they are not read", async () => {
    const { pictures, skipped } = await sorted([file("images/a.tif"), file("masks/a.tif")], []);
    expect([names(pictures), skipped]).toEqual([["images/a.tif"], 1]);
  });
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";

export interface PictureFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** "table" and "desk" are landscape, "garden" is portrait. */
export function samplePicture(name: "table" | "desk" | "garden"): PictureFile {
  const path = fileURLToPath(new URL(`../../../web/public/samples/${name}.jpg`, import.meta.url));
  return { name: `${name}.jpg`, mimeType: "image/jpeg", buffer: readFileSync(path) };
}

/** The colours of `quadrants`, clockwise from the top left of the upright picture. */
export const QUADRANTS = ["#d03030", "#30b040", "#3050d0", "#e0c020"] as const;

/** A picture of 480 x 320 with a colour in each quarter and a white disc: told apart however it is turned. */
export async function quadrants(page: Page, orientation: number): Promise<PictureFile> {
  const jpeg = await page.evaluate(
    async ([colours, turn]) => {
      const [width, height] = [480, 320];
      const upright = new OffscreenCanvas(width, height);
      const paint = upright.getContext("2d");
      if (paint === null) throw new Error("The browser gives no 2D canvas.");
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]] as const; // prettier-ignore
      corners.forEach(([x, y], i) => {
        paint.fillStyle = colours[i] ?? "";
        paint.fillRect((x * width) / 2, (y * height) / 2, width / 2, height / 2);
      });
      paint.fillStyle = "white";
      paint.arc(150, 210, 60, 0, 2 * Math.PI);
      paint.fill();
      // Stored so that the orientation makes it upright: 6 a quarter turn clockwise, 5 transposed, 3 half a turn.
      const stored = turn === 3 ? new OffscreenCanvas(width, height) : new OffscreenCanvas(height, width);
      const context = stored.getContext("2d");
      if (turn === 6) context?.setTransform(0, -1, 1, 0, 0, width);
      else if (turn === 5) context?.setTransform(0, 1, 1, 0, 0, 0);
      else context?.setTransform(-1, 0, 0, -1, width, height);
      context?.drawImage(upright, 0, 0);
      const blob = await stored.convertToBlob({ type: "image/jpeg", quality: 0.95 });
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    },
    [QUADRANTS, orientation] as const,
  );
  return {
    name: `turned-${orientation}.jpg`,
    mimeType: "image/jpeg",
    buffer: withOrientation(Buffer.from(jpeg), orientation),
  };
}

/** A JPEG with an EXIF segment that holds nothing but the orientation. */
function withOrientation(jpeg: Buffer, orientation: number): Buffer {
  const tiff = Buffer.from("4d4d002a000000080001011200030000000100000000" + "00000000", "hex");
  tiff.writeUInt16BE(orientation, 18);
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, not premultiplied. */
  readonly data: Uint8Array;
}

/** Any picture file's pixels, as the browser reads them. */
export async function pixelsOf(page: Page, file: Buffer, type = "image/png"): Promise<Pixels> {
  const read = await page.evaluate(
    async ([base64, mime]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
      const bitmap = await createImageBitmap(new Blob([bytes], { type: mime }), options);
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
      context?.drawImage(bitmap, 0, 0);
      const { data } = context?.getImageData(0, 0, bitmap.width, bitmap.height) ?? { data: new Uint8ClampedArray() };
      let text = "";
      for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
      return { width: bitmap.width, height: bitmap.height, data: btoa(text) };
    },
    [file.toString("base64"), type] as const,
  );
  return { ...read, data: new Uint8Array(Buffer.from(read.data, "base64")) };
}

/** What a PNG says about itself in its first chunk. */
export function pngHeader(file: Buffer): { width: number; height: number; depth: number; colour: number } {
  return { width: file.readUInt32BE(16), height: file.readUInt32BE(20), depth: file[24] ?? 0, colour: file[25] ?? 0 };
}

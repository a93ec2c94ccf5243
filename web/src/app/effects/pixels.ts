import { ApiProblem } from "../../api/problem";
import type { Rectangle } from "../../geometry/mask";

/** Upright pixels: the orientation of EXIF is applied, as the server does. */
export async function decodePicture(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "premultiply" });
  } catch {
    throw new ApiProblem(415, file.size === 0 ? "image_empty" : "not_a_picture", "", "", null);
  }
}

/** A part of the picture as a PNG of its very pixels, so that the server knows the same part again. */
export async function cropOf(bitmap: ImageBitmap, { x, y, width, height }: Rectangle): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("The browser gives no 2D canvas.");
  context.fillStyle = "#fff"; // what shows through a transparent picture, as on the server
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  return canvas.convertToBlob({ type: "image/png" });
}

/** Height of the filmstrip's small pictures, in pixels. */
const THUMBNAIL = 132;

export async function thumbnailOf(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image",
    resizeHeight: THUMBNAIL,
    resizeQuality: "medium",
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("The browser gives no 2D canvas.");
  context.fillStyle = "#fff"; // what shows through a transparent picture
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
}

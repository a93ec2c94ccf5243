import type { Rle } from "../geometry/rle";

export interface CocoMask {
  readonly name: string;
  readonly rle: Rle;
  readonly area: number;
  readonly bbox: readonly [number, number, number, number];
  readonly iou: number;
}

export interface CocoPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** COCO's JSON for one picture; a name is a category, and masks without one share `unnamed`. */
export function cocoJson(
  picture: CocoPicture,
  masks: readonly CocoMask[],
  unnamed: string,
  description: string,
): string {
  const names = [...new Set(masks.map((mask) => mask.name || unnamed))];
  return JSON.stringify({
    info: { description },
    images: [{ id: 1, file_name: picture.name, width: picture.width, height: picture.height }],
    categories: names.map((name, i) => ({ id: i + 1, name, supercategory: "" })),
    annotations: masks.map((mask, i) => ({
      id: i + 1,
      image_id: 1,
      category_id: names.indexOf(mask.name || unnamed) + 1,
      segmentation: mask.rle,
      area: mask.area,
      bbox: mask.bbox,
      iscrowd: 0,
      predicted_iou: mask.iou,
    })),
  });
}

import type { Click } from "./click-maps";
import { joined, without } from "./combine";
import { withoutHoles, withoutIslands } from "./components";
import { fillRings } from "./contours";
import type { ImagePoint } from "./frames";
import { grown, shrunk, smoothed } from "./morphology";
import type { Raster } from "./raster";
import { rleToRaster } from "./raster";
import type { Rle } from "./rle";
import { painted } from "./strokes";

/** What a brush leaves: every pixel whose centre is within `radius` (ImagePx) of the path. */
export interface Stroke {
  readonly path: readonly ImagePoint[];
  readonly radius: number;
}

/** A change of a mask, by hand or by an interactive model. What it starts from, and other masks that it needs, are named where it is asked for. */
export type Edit =
  /** The interactive model's answer to the last of these clicks; it is not made here. `flip`: averaged with the mirror image. */
  | { readonly kind: "click"; readonly clicks: readonly Click[]; readonly given: boolean; readonly flip: boolean }
  | { readonly kind: "paint"; readonly stroke: Stroke; readonly erase: boolean }
  /** In the place of what was there: rings, even-odd. */
  | { readonly kind: "outline"; readonly rings: readonly (readonly ImagePoint[])[] }
  /** In the place of what was there: an imported mask. */
  | { readonly kind: "set"; readonly rle: Rle }
  /** With the other masks. */
  | { readonly kind: "join" }
  | { readonly kind: "subtract" }
  | { readonly kind: "fill_holes" }
  | { readonly kind: "remove_islands" }
  | { readonly kind: "grow"; readonly pixels: number }
  | { readonly kind: "shrink"; readonly pixels: number }
  | { readonly kind: "smooth"; readonly radius: number };

/** The mask after a change; `others` are what it is joined with or what is taken from it. */
export function edited(mask: Raster, edit: Edit, others: readonly Raster[]): Raster {
  switch (edit.kind) {
    case "click":
      throw new Error("Only an interactive model can answer a click.");
    case "paint":
      return painted(mask, edit.stroke, edit.erase);
    case "outline":
      return fillRings(mask.picture, edit.rings);
    case "set":
      return rleToRaster(edit.rle);
    case "join":
      return others.reduce(joined, mask);
    case "subtract":
      return others.reduce(without, mask);
    case "fill_holes":
      return withoutHoles(mask);
    case "remove_islands":
      return withoutIslands(mask);
    case "grow":
      return grown(mask, edit.pixels);
    case "shrink":
      return shrunk(mask, edit.pixels);
    case "smooth":
      return smoothed(mask, edit.radius);
  }
}

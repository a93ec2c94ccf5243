/**
 * Branded frames: a coordinate says which plane it lies in, and the compiler keeps the planes apart.
 *
 * ImagePx: pixels of the upright original, W x H. ViewPx: CSS pixels of the canvas. ModelPx: pixels of the S x S encoder
 * input. All are continuous, x before y, a pixel's centre at +0.5 (pixel column i covers [i, i + 1)).
 */
declare const frame: unique symbol;

export type ImagePx = number & { readonly [frame]: "image" };
export type ViewPx = number & { readonly [frame]: "view" };
export type ModelPx = number & { readonly [frame]: "model" };

export interface Point<Px extends number> {
  readonly x: Px;
  readonly y: Px;
}
export type ImagePoint = Point<ImagePx>;
export type ViewPoint = Point<ViewPx>;
export type ModelPoint = Point<ModelPx>;

/** x1 <= x2 and y1 <= y2. */
export interface Box<Px extends number> {
  readonly x1: Px;
  readonly y1: Px;
  readonly x2: Px;
  readonly y2: Px;
}
export type ImageBox = Box<ImagePx>;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const imagePoint = (x: number, y: number): ImagePoint => ({ x: x as ImagePx, y: y as ImagePx });
export const viewPoint = (x: number, y: number): ViewPoint => ({ x: x as ViewPx, y: y as ViewPx });
export const modelPoint = (x: number, y: number): ModelPoint => ({ x: x as ModelPx, y: y as ModelPx });

export function boxBetween(a: ImagePoint, b: ImagePoint): ImageBox {
  return {
    x1: Math.min(a.x, b.x) as ImagePx,
    y1: Math.min(a.y, b.y) as ImagePx,
    x2: Math.max(a.x, b.x) as ImagePx,
    y2: Math.max(a.y, b.y) as ImagePx,
  };
}

/** The smallest box about points. */
export function boxAbout(points: readonly ImagePoint[]): ImageBox {
  const low = (values: readonly number[]): ImagePx => values.reduce((a, b) => Math.min(a, b), Infinity) as ImagePx;
  const high = (values: readonly number[]): ImagePx => values.reduce((a, b) => Math.max(a, b), -Infinity) as ImagePx;
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x1: low(xs), y1: low(ys), x2: high(xs), y2: high(ys) };
}

export function isInside(point: ImagePoint, size: Size): boolean {
  return point.x >= 0 && point.y >= 0 && point.x <= size.width && point.y <= size.height;
}

export function clampToImage(point: ImagePoint, size: Size): ImagePoint {
  return imagePoint(Math.min(Math.max(point.x, 0), size.width), Math.min(Math.max(point.y, 0), size.height));
}

export function distance(a: ViewPoint, b: ViewPoint): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { rgbOf } from "../app/palette";
import type { Size } from "../geometry/frames";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { occupiedCells } from "../geometry/mask";
import { free } from "../pictures/context";
import { useApp, useSelect } from "./context";

interface ThumbnailProps {
  readonly step: number;
  readonly candidate: number;
  /** Candidates that the frame must hold, so that neighbours are shown at one scale. */
  readonly framedBy: readonly number[];
  readonly colour: number;
  readonly width: number;
  readonly height: number;
}

/** A mask over its piece of the picture, small. */
export function Thumbnail(props: ThumbnailProps): JSX.Element {
  const { resources } = useApp();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { step, candidate, colour, width, height } = props;
  const logits = useSelect(() => resources.library.get(step, candidate));
  const pixels = useSelect(() => resources.bitmap); // they may come after the masks
  const frame = props.framedBy.join();
  const ratio = Math.max(window.devicePixelRatio, 1);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    const { bitmap, library } = resources;
    if (context == null || bitmap === null || logits === null) return;
    const framed = frame.split(",").flatMap((index) => library.get(step, Number(index)) ?? []);
    const { picture } = logits;
    const area = frameFor(framed, picture, width / height);
    const shown = bitmap.width / picture.width; // less than 1 for large pictures
    const [columns, rows] = [context.canvas.width, context.canvas.height];
    context.clearRect(0, 0, columns, rows);
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff"; // what shows through a transparent picture
    const [toX, toY] = [columns / area.width, rows / area.height];
    context.fillRect(-area.x * toX, -area.y * toY, picture.width * toX, picture.height * toY);
    const [wide, high] = [area.width * shown, area.height * shown];
    context.drawImage(bitmap, area.x * shown, area.y * shown, wide, high, 0, 0, columns, rows);
    context.fillStyle = "rgb(0 0 0 / 35%)";
    context.fillRect(0, 0, columns, rows);
    const tinted = tint(logits, colour, area, columns, rows);
    context.drawImage(tinted, 0, 0);
    free(tinted);
  }, [resources, pixels, logits, step, frame, colour, width, height]);

  return (
    <canvas ref={canvas} class="thumbnail" width={Math.round(width * ratio)} height={Math.round(height * ratio)} />
  );
}

/** The masks' bounds with a margin, widened to the thumbnail's shape and kept on the picture where it fits. */
function frameFor(masks: readonly PlacedLogits[], picture: Size, aspect: number): Rectangle {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const logits of masks) {
    const { scale, region } = logits;
    const cells = occupiedCells(logits);
    if (cells === null) continue;
    left = Math.min(left, region.x + cells.x / scale.x);
    top = Math.min(top, region.y + cells.y / scale.y);
    right = Math.max(right, region.x + (cells.x + cells.width) / scale.x);
    bottom = Math.max(bottom, region.y + (cells.y + cells.height) / scale.y);
  }
  if (left > right) [left, top, right, bottom] = [0, 0, picture.width, picture.height];
  const margin = 0.12 * Math.max(right - left, bottom - top);
  const [wide, high] = [right - left + 2 * margin, bottom - top + 2 * margin];
  const width = Math.max(wide, high * aspect);
  const height = width / aspect;
  const keep = (from: number, length: number, limit: number): number =>
    length >= limit ? (limit - length) / 2 : Math.min(Math.max(from, 0), limit - length);
  return {
    x: keep((left + right - width) / 2, width, picture.width),
    y: keep((top + bottom - height) / 2, height, picture.height),
    width,
    height,
  };
}

/** The mask inside `area` as a coloured picture of columns x rows whose alpha is soft about the threshold. */
function tint(logits: PlacedLogits, colour: number, area: Rectangle, columns: number, rows: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(columns, rows);
  const pixels = new ImageData(columns, rows);
  const [red, green, blue] = rgbOf(colour);
  const { data, width, height, region, scale, threshold } = logits;
  const softness = data instanceof Uint8Array ? 512 : 128;
  for (let j = 0; j < rows; j++) {
    const y = Math.floor((area.y + ((j + 0.5) * area.height) / rows - region.y) * scale.y);
    for (let i = 0; i < columns; i++) {
      const x = Math.floor((area.x + ((i + 0.5) * area.width) / columns - region.x) * scale.x);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const alpha = ((data[y * width + x] ?? 0) - threshold) * softness + 90;
      const at = (j * columns + i) * 4;
      pixels.data[at] = red * 255;
      pixels.data[at + 1] = green * 255;
      pixels.data[at + 2] = blue * 255;
      pixels.data[at + 3] = Math.min(Math.max(alpha, 0), 205);
    }
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

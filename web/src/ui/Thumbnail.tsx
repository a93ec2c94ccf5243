import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Size } from "../geometry/frames";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { logitScale } from "../geometry/mask";
import { useApp, useSelect } from "./context";
import { rgbOf } from "./palette";

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
  const frame = props.framedBy.join();
  const ratio = Math.max(window.devicePixelRatio, 1);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    const { bitmap, library } = resources;
    if (context == null || bitmap === null || logits === null) return;
    const framed = frame.split(",").flatMap((index) => library.get(step, Number(index)) ?? []);
    const area = frameFor(framed, bitmap, width / height);
    const [columns, rows] = [context.canvas.width, context.canvas.height];
    context.clearRect(0, 0, columns, rows);
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff"; // what shows through a transparent picture
    const [toX, toY] = [columns / area.width, rows / area.height];
    context.fillRect(-area.x * toX, -area.y * toY, bitmap.width * toX, bitmap.height * toY);
    context.drawImage(bitmap, area.x, area.y, area.width, area.height, 0, 0, columns, rows);
    const scale = logitScale(logits.placement, logits);
    const source = [area.x * scale.x, area.y * scale.y, area.width * scale.x, area.height * scale.y] as const;
    context.fillStyle = "rgb(0 0 0 / 35%)";
    context.fillRect(0, 0, columns, rows);
    context.drawImage(tint(logits, colour), ...source, 0, 0, columns, rows);
  }, [resources, logits, step, frame, colour, width, height]);

  return (
    <canvas ref={canvas} class="thumbnail" width={Math.round(width * ratio)} height={Math.round(height * ratio)} />
  );
}

/** The masks' bounds with a margin, widened to the thumbnail's shape and kept on the picture where it fits. */
function frameFor(masks: readonly PlacedLogits[], picture: Size, aspect: number): Rectangle {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const logits of masks) {
    const scale = logitScale(logits.placement, logits);
    for (let i = 0; i < logits.data.length; i++) {
      if ((logits.data[i] ?? 0) <= logits.threshold) continue;
      const x = (i % logits.width) / scale.x;
      const y = Math.floor(i / logits.width) / scale.y;
      left = Math.min(left, x);
      right = Math.max(right, x + 1 / scale.x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1 / scale.y);
    }
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

/** The logits as a coloured picture whose alpha is soft about the threshold. */
function tint(logits: PlacedLogits, colour: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(logits.width, logits.height);
  const pixels = new ImageData(logits.width, logits.height);
  const [red, green, blue] = rgbOf(colour);
  logits.data.forEach((value, i) => {
    pixels.data.set(
      [red * 255, green * 255, blue * 255, Math.min(Math.max((value - logits.threshold) * 128 + 90, 0), 205)],
      i * 4,
    );
  });
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}

import type { ClickStages, Logits } from "./click-loop";

/**
 * Flip averaging: each graph runs on the crop and on its mirror image, and the mean of the logits counts. It costs twice
 * the time. The server does the same (server/runtime/click_loop.py).
 */
export function flipAveraged<Carry>(stages: ClickStages<Carry>, size: number): ClickStages<readonly [Carry, Carry]> {
  const { refine } = stages;
  const image = (pixels: Uint8Array): Uint8Array => mirrored(pixels, size, 3);
  const map = (values: Float32Array): Float32Array => mirrored(values, size, 1);
  return {
    coarse: async (pixels, clicks, previous) => {
      const plain = await stages.coarse(pixels, clicks, previous);
      const other = await stages.coarse(image(pixels), map(clicks), map(previous));
      return { logits: mean(plain.logits, other.logits), carry: [plain.carry, other.carry] };
    },
    refine:
      refine &&
      (async (pixels, clicks, [carry, otherCarry], box) => {
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box;
        const plain = await refine(pixels, clicks, carry, box);
        const across = Float32Array.of(size - x2, y1, size - x1, y2);
        return mean(plain, await refine(image(pixels), map(clicks), otherCarry, across));
      }),
  };
}

/** Rows of `width` places with so many `channels` each, back to front. */
function mirrored<Values extends Uint8Array | Float32Array>(values: Values, width: number, channels: number): Values {
  const out = values.slice() as Values;
  const row = width * channels;
  for (let start = 0; start < values.length; start += row) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [start + x * channels, start + (width - 1 - x) * channels];
      for (let c = 0; c < channels; c++) out[to + c] = values[from + c] ?? 0;
    }
  }
  return out;
}

/** `other` is of the mirror image. */
function mean(plain: Logits, other: Logits): Logits {
  const back = mirrored(other.data, other.width, 1);
  return { ...plain, data: plain.data.map((value, i) => (value + (back[i] ?? 0)) / 2) };
}

import type { Pixels } from "../geometry/crops";
import { halved } from "../geometry/crops";
import type { Size } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import { contextOf, free } from "../pictures/context";
import { decodePicture } from "../pictures/pixels";
import type { ClickPicture } from "./click-loop";

/** Pictures of more pixels are held at half their size alone: 64 megapixels are 256 MB, and a third more with all halvings. */
const MOST_PIXELS = 64_000_000;
/** Of what is read at once, so that nothing of a large picture's size is copied. */
const STRIP_PIXELS = 1 << 21;

/** A picture and its halvings, each made once, when it is first wanted. */
export class ClickPyramid implements ClickPicture {
  readonly #levels: Pixels[] = [];

  /** `read`: of the picture's own pixels. `finest`: 1 holds no more of them than their halving. */
  constructor(
    readonly size: Size,
    private readonly readOwn: (area: Rectangle) => Pixels,
    private readonly finest: 0 | 1 = 0,
    /** Lets the picture's own pixels go; nothing is read afterwards. */
    readonly close: () => void = () => undefined,
  ) {
    if (finest === 1) this.#level(1);
  }

  /** A window of the picture halved `level` times, in that level's pixels. */
  read(window: Rectangle, level: number): Pixels {
    if (level === 0 && this.finest === 0) return this.readOwn(window);
    const { data, width } = this.#level(Math.max(level, 1));
    const shift = level === 0 ? 1 : 0; // half the pixels, each for two in a row
    const out = new Uint8Array(window.width * window.height * 4);
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
    const to = new Uint32Array(out.buffer);
    for (let y = 0; y < window.height; y++) {
      const start = ((window.y + y) >> shift) * width;
      for (let x = 0; x < window.width; x++) to[y * window.width + x] = words[start + ((window.x + x) >> shift)] ?? 0;
    }
    return { data: out, width: window.width, height: window.height };
  }

  #level(number: number): Pixels {
    const known = this.#levels[number];
    if (known !== undefined) return known;
    const made = number === 1 ? this.#half() : halved(this.#level(number - 1));
    this.#levels[number] = made;
    return made;
  }

  #half(): Pixels {
    const { width, height } = this.size;
    const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const out = new Uint8Array(w * h * 4);
    const lines = Math.max(2, Math.floor(STRIP_PIXELS / width) & ~1);
    for (let y = 0; y < height; y += lines) {
      const strip = this.readOwn({ x: 0, y, width, height: Math.min(lines, height - y) });
      out.set(halved(strip).data, (y / 2) * w * 4);
    }
    return { data: out, width: w, height: h };
  }
}

/** The upright picture on white, as on the server. Its pixels stay in memory here until it is closed. */
export async function openPyramid(source: Blob, size: Size): Promise<ClickPyramid> {
  const bitmap = await decodePicture(source);
  const drawn = (width: number, height: number, top: number): OffscreenCanvasRenderingContext2D => {
    const context = contextOf(new OffscreenCanvas(width, height), { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, -top);
    return context;
  };
  const read = (from: OffscreenCanvasRenderingContext2D, { x, y, width, height }: Rectangle): Pixels =>
    from.getImageData(x, y, width, height);
  try {
    if (bitmap.width !== size.width || bitmap.height !== size.height) throw new Error("The picture has another size.");
    if (size.width * size.height > MOST_PIXELS) {
      const strip = (area: Rectangle): Pixels => {
        const context = drawn(area.width, area.height, area.y);
        const pixels = read(context, { ...area, x: 0, y: 0 });
        free(context.canvas);
        return pixels;
      };
      return new ClickPyramid(size, strip, 1);
    }
    const whole = drawn(size.width, size.height, 0);
    return new ClickPyramid(
      size,
      (area) => read(whole, area),
      0,
      () => free(whole.canvas),
    );
  } finally {
    bitmap.close();
  }
}

/** A picture that clicks read: closed when it was left and no click reads it any more. */
export class SharedPicture {
  #readers = 0;
  #left = false;

  constructor(
    readonly epoch: number,
    private readonly pixels: Promise<ClickPicture & { close(): void }>,
  ) {}

  async read<T>(call: (picture: ClickPicture) => Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await call(await this.pixels);
    } finally {
      this.#readers--;
      this.#closeUnread();
    }
  }

  leave(): void {
    this.#left = true;
    this.#closeUnread();
  }

  #closeUnread(): void {
    if (this.#left && this.#readers === 0) void this.pixels.then((picture) => picture.close()).catch(() => undefined);
  }
}

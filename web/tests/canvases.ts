import type { Size } from "../src/geometry/frames";

/** Canvases and bitmaps of the tests: what Chromium's do, without scaling and smoothing. */
export interface FakeBitmap extends Size {
  /** RGBA */
  readonly data: Uint8ClampedArray;
  readonly close: () => void;
}

export const bitmapOf = (size: Size, data: Uint8ClampedArray): FakeBitmap => ({
  ...size,
  data,
  close: () => undefined,
});

export class FakeCanvas {
  static readonly made: FakeCanvas[] = [];
  fillStyle = "#000";
  #pixels: Uint8ClampedArray;

  constructor(
    public width: number,
    public height: number,
  ) {
    this.#pixels = new Uint8ClampedArray(width * height * 4);
    FakeCanvas.made.push(this);
  }

  get canvas(): this {
    return this;
  }

  getContext(): this {
    return this;
  }

  fillRect(): void {
    this.#pixels.fill(this.fillStyle === "#fff" ? 255 : 0);
  }

  drawImage({ data, width }: FakeBitmap, left = 0, top = 0): void {
    for (let i = 0; i < this.#pixels.length; i += 4) {
      const [x, y] = [(i / 4) % this.width, Math.floor(i / 4 / this.width)];
      const from = ((top + y) * width + left + x) * 4;
      const alpha = (data[from + 3] ?? 0) / 255;
      for (let c = 0; c < 3; c++)
        this.#pixels[i + c] = (data[from + c] ?? 0) * alpha + (this.#pixels[i + c] ?? 0) * (1 - alpha);
      this.#pixels[i + 3] = Math.max(this.#pixels[i + 3] ?? 0, alpha * 255);
    }
  }

  getImageData(): { data: Uint8ClampedArray } {
    return { data: this.#pixels.slice() };
  }

  putImageData({ data }: { data: Uint8ClampedArray }): void {
    this.#pixels.set(data);
  }

  transferToImageBitmap(): FakeBitmap {
    return bitmapOf({ width: this.width, height: this.height }, this.#pixels.slice());
  }

  /** The pixels as they are. */
  convertToBlob({ type }: ImageEncodeOptions): Promise<Blob> {
    return Promise.resolve(new Blob([this.#pixels.slice()], { type: type ?? "" }));
  }
}

import type { Rectangle } from "../geometry/mask";
import { ImageLayer } from "./image-layer";
import { MaskLayer } from "./mask-layer";
import { PromptLayer } from "./prompt-layer";
import type { Scene } from "./scene";

/** The open picture, and a part of it by itself where the picture is shown smaller than it is. */
export interface Pixels {
  readonly bitmap: ImageBitmap | null;
  readonly detail: { readonly bitmap: ImageBitmap; readonly area: Rectangle } | null;
}

interface Layers {
  readonly image: ImageLayer;
  readonly mask: MaskLayer;
}

/** Two canvases, one requestAnimationFrame: whatever changes within a frame is painted once. */
export class Stage {
  readonly #gl: WebGL2RenderingContext;
  readonly #prompts: PromptLayer;
  #layers: Layers | null;
  #scene: Scene | null = null;
  #pixels: Pixels = { bitmap: null, detail: null };
  #pixelRatio = 1;
  #frame = 0;

  private constructor(
    private readonly picture: HTMLCanvasElement,
    private readonly overlay: HTMLCanvasElement,
    gl: WebGL2RenderingContext,
    context: CanvasRenderingContext2D,
  ) {
    this.#gl = gl;
    this.#prompts = new PromptLayer(context);
    this.#layers = layersOn(gl);
    picture.addEventListener("webglcontextlost", this.#lost);
    picture.addEventListener("webglcontextrestored", this.#restored);
  }

  /** null where the browser has no WebGL 2. */
  static create(picture: HTMLCanvasElement, overlay: HTMLCanvasElement): Stage | null {
    const gl = picture.getContext("webgl2", { alpha: true, antialias: false, premultipliedAlpha: true });
    const context = overlay.getContext("2d");
    return gl === null || context === null ? null : new Stage(picture, overlay, gl, context);
  }

  /** Sizes in device pixels; both canvases are as large as their CSS box. */
  resize(width: number, height: number, pixelRatio: number): void {
    this.#pixelRatio = pixelRatio;
    for (const canvas of [this.picture, this.overlay]) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
    this.#paint();
  }

  show(scene: Scene, { bitmap, detail }: Pixels): void {
    const before = this.#pixels;
    if (bitmap !== before.bitmap) this.#layers?.image.setPicture(bitmap);
    if (detail !== before.detail) this.#layers?.image.setDetail(detail);
    this.#pixels = { bitmap, detail };
    this.#scene = scene;
    this.#frame ||= requestAnimationFrame(this.#paint);
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.picture.removeEventListener("webglcontextlost", this.#lost);
    this.picture.removeEventListener("webglcontextrestored", this.#restored);
  }

  readonly #paint = (): void => {
    this.#frame = 0;
    const gl = this.#gl;
    const scene = this.#scene;
    if (scene === null || this.#layers === null) return;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.#layers.image.draw(scene, this.#pixelRatio);
    this.#layers.mask.draw(scene, this.#pixelRatio);
    this.#prompts.draw(scene, this.#pixelRatio);
  };

  readonly #lost = (event: Event): void => {
    event.preventDefault();
    this.#layers = null;
  };

  readonly #restored = (): void => {
    this.#layers = layersOn(this.#gl);
    this.#layers.image.setPicture(this.#pixels.bitmap);
    this.#layers.image.setDetail(this.#pixels.detail);
    this.#paint();
  };
}

function layersOn(gl: WebGL2RenderingContext): Layers {
  return { image: new ImageLayer(gl), mask: new MaskLayer(gl) };
}

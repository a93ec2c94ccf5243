import type { Rectangle } from "../geometry/mask";
import { free } from "../pictures/context";
import { buildProgram, RECTANGLE_VERTEX, uniformsOf } from "./gl";
import type { Scene } from "./scene";

/** Pixels of the picture are shown as squares from this many device pixels on. */
const SQUARES_FROM = 6;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_picture;
uniform vec4 u_area;
in vec2 image;
out vec4 colour;
void main() {
  vec4 sampled = texture(u_picture, (image - u_area.xy) / u_area.zw);
  colour = vec4(sampled.rgb + (1.0 - sampled.a), 1.0); // premultiplied, on white as the server sees it
}`;

export class ImageLayer {
  readonly #program: WebGLProgram;
  readonly #uniforms;
  #texture: WebGLTexture | null = null;
  #detail: { readonly texture: WebGLTexture; readonly area: Rectangle } | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.#program = buildProgram(gl, RECTANGLE_VERTEX, FRAGMENT);
    this.#uniforms = uniformsOf(gl, this.#program, ["u_area", "u_camera", "u_view", "u_picture"]);
  }

  setPicture(bitmap: ImageBitmap | null): void {
    this.gl.deleteTexture(this.#texture);
    this.#texture = this.#textureOf(bitmap);
  }

  /** A part of the picture (ImagePx) in a bitmap of its own, over the rest. */
  setDetail(detail: { readonly bitmap: ImageBitmap; readonly area: Rectangle } | null): void {
    this.gl.deleteTexture(this.#detail?.texture ?? null);
    const texture = this.#textureOf(detail?.bitmap ?? null);
    this.#detail = texture === null || detail === null ? null : { texture, area: detail.area };
  }

  draw(scene: Scene, pixelRatio: number): void {
    const { gl } = this;
    const { picture, camera, view } = scene;
    if (this.#texture === null || picture === null) return;
    gl.useProgram(this.#program);
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1i(this.#uniforms.u_picture, 0);
    gl.uniform3f(this.#uniforms.u_camera, camera.zoom, camera.x, camera.y);
    gl.uniform2f(this.#uniforms.u_view, view.width, view.height);
    gl.disable(gl.BLEND);
    const squares = camera.zoom * pixelRatio >= SQUARES_FROM;
    this.#drawPart(this.#texture, { x: 0, y: 0, ...picture }, squares);
    if (this.#detail !== null) this.#drawPart(this.#detail.texture, this.#detail.area, squares);
  }

  #drawPart(texture: WebGLTexture, { x, y, width, height }: Rectangle, squares: boolean): void {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, squares ? gl.NEAREST : gl.LINEAR);
    gl.uniform4f(this.#uniforms.u_area, x, y, width, height);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** What is larger than the GPU's textures is scaled down for showing; masks and downloads keep their size. */
  #textureOf(bitmap: ImageBitmap | null): WebGLTexture | null {
    const { gl } = this;
    if (bitmap === null || bitmap.width === 0) return null;
    const limit = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    const small = Math.max(bitmap.width, bitmap.height) > limit ? scaledDown(bitmap, limit) : null;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, small ?? bitmap);
    if (small !== null) free(small);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }
}

function scaledDown(bitmap: ImageBitmap, limit: number): OffscreenCanvas {
  const scale = limit / Math.max(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(Math.floor(bitmap.width * scale), Math.floor(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (context !== null) {
    context.fillStyle = "#fff"; // no alpha is left that would have to be premultiplied
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
}

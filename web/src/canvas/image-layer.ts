import { buildProgram, RECTANGLE_VERTEX, uniformsOf } from "./gl";
import type { Scene } from "./scene";

/** Pixels of the picture are shown as squares from this many device pixels on. */
const SQUARES_FROM = 6;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_picture;
uniform vec2 u_size;
in vec2 image;
out vec4 colour;
void main() {
  vec4 sampled = texture(u_picture, image / u_size);
  colour = vec4(sampled.rgb + (1.0 - sampled.a), 1.0); // premultiplied, on white as the server sees it
}`;

export class ImageLayer {
  readonly #program: WebGLProgram;
  readonly #uniforms;
  #texture: WebGLTexture | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.#program = buildProgram(gl, RECTANGLE_VERTEX, FRAGMENT);
    this.#uniforms = uniformsOf(gl, this.#program, ["u_area", "u_camera", "u_view", "u_picture", "u_size"]);
  }

  /** Pictures larger than the GPU's textures are scaled down for showing; masks and downloads keep their size. */
  setPicture(bitmap: ImageBitmap | null): void {
    const { gl } = this;
    gl.deleteTexture(this.#texture);
    this.#texture = null;
    if (bitmap === null || bitmap.width === 0) return;
    const limit = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    const source = Math.max(bitmap.width, bitmap.height) > limit ? scaledDown(bitmap, limit) : bitmap;
    this.#texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, source);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  draw(scene: Scene, pixelRatio: number): void {
    const { gl } = this;
    const { picture, camera, view } = scene;
    if (this.#texture === null || picture === null) return;
    gl.useProgram(this.#program);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    const squares = camera.zoom * pixelRatio >= SQUARES_FROM;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, squares ? gl.NEAREST : gl.LINEAR);
    gl.uniform1i(this.#uniforms.u_picture, 0);
    gl.uniform2f(this.#uniforms.u_size, picture.width, picture.height);
    gl.uniform4f(this.#uniforms.u_area, 0, 0, picture.width, picture.height);
    gl.uniform3f(this.#uniforms.u_camera, camera.zoom, camera.x, camera.y);
    gl.uniform2f(this.#uniforms.u_view, view.width, view.height);
    gl.disable(gl.BLEND);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
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

import { occupiedCells } from "../geometry/mask";
import type { PlacedLogits, Rectangle } from "../geometry/mask";
import { buildProgram, RECTANGLE_VERTEX, uniformsOf } from "./gl";
import type { PaintedMask, Scene } from "./scene";

/**
 * The mask is sampled from its logits at every device pixel, by the one definition of geometry/mask.ts: bilinear,
 * indices clamped, then the threshold. The distance to the edge in device pixels is the logit over its slope; fill and
 * outline are antialiased by it, so the edge is one pixel sharp at any zoom.
 */
const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D u_logits;
uniform vec2 u_origin;     // of the grid, in the picture
uniform vec2 u_scale;      // logits per image pixel
uniform float u_pixel;     // image pixels per device pixel
uniform float u_threshold;
uniform vec3 u_colour;
uniform float u_fill;
uniform float u_line;      // device pixels
in vec2 image;
out vec4 colour;
// Value over the threshold at a point of the picture, and its slope per device pixel.
float sampleAt(vec2 at, out vec2 slope) {
  ivec2 last = textureSize(u_logits, 0) - 1;
  vec2 u = (at - u_origin) * u_scale - 0.5;
  vec2 base = floor(u);
  vec2 f = u - base;
  ivec2 low = clamp(ivec2(base), ivec2(0), last);
  ivec2 high = clamp(ivec2(base) + 1, ivec2(0), last);
  float a = texelFetch(u_logits, low, 0).r;
  float b = texelFetch(u_logits, ivec2(high.x, low.y), 0).r;
  float c = texelFetch(u_logits, ivec2(low.x, high.y), 0).r;
  float d = texelFetch(u_logits, high, 0).r;
  float upper = mix(a, b, f.x);
  float lower = mix(c, d, f.x);
  slope = vec2(mix(b - a, d - c, f.y), lower - upper) * u_scale * u_pixel;
  return mix(upper, lower, f.y) - u_threshold;
}

void main() {
  vec2 slope;
  float value = sampleAt(image, slope);
  float steep = max(length(slope), 1e-5);
  float away = value / steep;
  float inside = clamp(away + 0.5, 0.0, 1.0);
  float line = inside * clamp(u_line - away + 0.5, 0.0, 1.0);
  float halo = (1.0 - inside) * clamp(away + 1.75, 0.0, 1.0) * 0.35 * step(0.01, u_line);
  if (line + halo > 0.0) {
    // Nearly flat logits near the threshold look like an edge that is not there: cross it and see.
    vec2 unused;
    float reach = away > 0.0 ? -(u_line + 1.5) : 2.5;
    float beyond = sampleAt(image + slope / steep * reach * u_pixel, unused);
    float crossed = away > 0.0 ? step(beyond, 0.0) : step(0.0, beyond);
    line *= crossed;
    halo *= crossed;
  }
  float body = inside * u_fill;
  float alpha = body + line * (1.0 - body);
  colour = vec4(u_colour * alpha, alpha + halo * (1.0 - alpha));
}`;

interface Upload {
  readonly texture: WebGLTexture;
  /** Cells of the grid that can hold some of the mask; null: none. */
  readonly cells: Rectangle | null;
  readonly scale: PlacedLogits["scale"];
  /** Of what the texture gives. */
  readonly threshold: number;
}

export class MaskLayer {
  readonly #program: WebGLProgram;
  readonly #uniforms;
  readonly #uploads = new Map<PlacedLogits["data"], Upload>();

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.#program = buildProgram(gl, RECTANGLE_VERTEX, FRAGMENT);
    this.#uniforms = uniformsOf(gl, this.#program, [
      "u_area",
      "u_camera",
      "u_view",
      "u_logits",
      "u_origin",
      "u_scale",
      "u_pixel",
      "u_threshold",
      "u_colour",
      "u_fill",
      "u_line",
    ]);
  }

  draw(scene: Scene, pixelRatio: number): void {
    this.#forgetUnused(scene.masks);
    const { gl } = this;
    const { camera, view } = scene;
    if (scene.masks.length === 0) return;
    gl.useProgram(this.#program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniform3f(this.#uniforms.u_camera, camera.zoom, camera.x, camera.y);
    gl.uniform2f(this.#uniforms.u_view, view.width, view.height);
    gl.uniform1f(this.#uniforms.u_pixel, 1 / (camera.zoom * pixelRatio));
    gl.uniform1i(this.#uniforms.u_logits, 0);
    gl.activeTexture(gl.TEXTURE0);
    for (const mask of scene.masks) this.#drawOne(mask, scene, pixelRatio);
  }

  #drawOne(mask: PaintedMask, scene: Scene, pixelRatio: number): void {
    const { gl } = this;
    const { region } = mask.logits;
    const { texture, cells, scale, threshold } = this.#uploadOf(mask.logits);
    if (cells === null) return;
    const margin = 4 / scene.camera.zoom;
    const left = Math.max((cells.x - 0.5) / scale.x - margin, 0);
    const top = Math.max((cells.y - 0.5) / scale.y - margin, 0);
    const right = Math.min((cells.x + cells.width + 0.5) / scale.x + margin, region.width);
    const bottom = Math.min((cells.y + cells.height + 0.5) / scale.y + margin, region.height);
    if (right <= left || bottom <= top) return;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform4f(this.#uniforms.u_area, region.x + left, region.y + top, right - left, bottom - top);
    gl.uniform2f(this.#uniforms.u_origin, region.x, region.y);
    gl.uniform2f(this.#uniforms.u_scale, scale.x, scale.y);
    gl.uniform1f(this.#uniforms.u_threshold, threshold);
    gl.uniform3f(this.#uniforms.u_colour, ...mask.colour);
    gl.uniform1f(this.#uniforms.u_fill, mask.fill);
    gl.uniform1f(this.#uniforms.u_line, mask.line * pixelRatio);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  #uploadOf(logits: PlacedLogits): Upload {
    const known = this.#uploads.get(logits.data);
    if (known !== undefined) return known;
    const { gl } = this;
    const shown = thinned(logits, gl.getParameter(gl.MAX_TEXTURE_SIZE) as number);
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const binary = shown.data instanceof Uint8Array;
    const [internal, type] = binary ? [gl.R8, gl.UNSIGNED_BYTE] : [gl.R32F, gl.FLOAT];
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, internal, shown.width, shown.height, 0, gl.RED, type, shown.data);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    const threshold = binary ? shown.threshold / 255 : shown.threshold; // a texture of bytes is read as 0..1
    const upload = { texture, cells: occupiedCells(shown), scale: shown.scale, threshold };
    this.#uploads.set(logits.data, upload);
    return upload;
  }

  #forgetUnused(masks: readonly PaintedMask[]): void {
    const used = new Set(masks.map((mask) => mask.logits.data));
    for (const [data, { texture }] of this.#uploads) {
      if (used.has(data)) continue;
      this.gl.deleteTexture(texture);
      this.#uploads.delete(data);
    }
  }
}

/** A grid that the GPU can hold: of one that is too large every n-th cell. */
function thinned(logits: PlacedLogits, limit: number): PlacedLogits {
  const every = Math.ceil(Math.max(logits.width, logits.height) / limit);
  if (every <= 1) return logits;
  const [width, height] = [Math.floor(logits.width / every), Math.floor(logits.height / every)];
  const data = logits.data instanceof Uint8Array ? new Uint8Array(width * height) : new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data[y * width + x] = logits.data[y * every * logits.width + x * every] ?? 0;
  }
  const scale = { x: logits.scale.x / every, y: logits.scale.y / every };
  return { ...logits, data, width, height, scale };
}

import { toView } from "../geometry/camera";
import type { Stroke } from "../geometry/edit";
import type { ImageBox, ImagePoint } from "../geometry/frames";
import { imagePoint } from "../geometry/frames";
import type { Rectangle } from "../geometry/mask";
import type { PromptPoint } from "../geometry/prompt";
import type { Scene } from "./scene";

export const POINT_RADIUS = 7;
const ADD = "#1f9d55";
const REMOVE = "#d64545";
/** Side of a vertex's square. */
const VERTEX = 7;
/** Arm of the corners that show where the interactive model looks. */
const CORNER = 18;

/** Points and boxes, on a 2D canvas above the masks; sizes in CSS pixels whatever the zoom. */
export class PromptLayer {
  constructor(private readonly context: CanvasRenderingContext2D) {}

  draw(scene: Scene, pixelRatio: number): void {
    const { context } = this;
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    context.clearRect(0, 0, scene.view.width, scene.view.height);
    if (scene.region !== null) this.#region(scene, scene.region);
    if (scene.looking !== null) this.#looking(scene, scene.looking);
    if (scene.stroke !== null) this.#stroke(scene, scene.stroke);
    for (const box of scene.boxes) this.#box(scene, box);
    for (const ring of scene.outline) this.#ring(scene, ring);
    if (scene.brush !== null) this.#brush(scene, scene.brush);
    for (const point of scene.points) this.#point(scene, point);
  }

  /** What lies outside the part is a shade darker. */
  #region(scene: Scene, { x, y, width, height }: Rectangle): void {
    const { context } = this;
    const low = toView(scene.camera, imagePoint(x, y));
    const [wide, high] = [width * scene.camera.zoom, height * scene.camera.zoom];
    context.fillStyle = "rgb(0 0 0 / 28%)";
    context.beginPath();
    context.rect(0, 0, scene.view.width, scene.view.height);
    context.rect(low.x, low.y, wide, high);
    context.fill("evenodd");
    context.setLineDash([6, 4]);
    this.#outlined(() => context.rect(low.x, low.y, wide, high), 1.25);
    context.setLineDash([]);
  }

  /** Its corners alone: it comes and goes with each click. */
  #looking(scene: Scene, { x, y, width, height }: Rectangle): void {
    const { context } = this;
    const low = toView(scene.camera, imagePoint(x, y));
    const high = toView(scene.camera, imagePoint(x + width, y + height));
    const arm = Math.min(high.x - low.x, high.y - low.y, 4 * CORNER) / 4;
    this.#outlined(() => {
      for (const [cx, dx] of [
        [low.x, arm],
        [high.x, -arm],
      ] as const) {
        for (const [cy, dy] of [
          [low.y, arm],
          [high.y, -arm],
        ] as const) {
          context.moveTo(cx + dx, cy);
          context.lineTo(cx, cy);
          context.lineTo(cx, cy + dy);
        }
      }
    }, 1.5);
  }

  /** As wide as it will be, in the colour of what it does; a line of no radius is drawn thin. */
  #stroke(scene: Scene, stroke: Stroke & { erase: boolean }): void {
    const { context } = this;
    const [first, ...rest] = stroke.path.map((point) => toView(scene.camera, point));
    if (first === undefined) return;
    const path = (): void => {
      context.moveTo(first.x, first.y);
      for (const { x, y } of rest) context.lineTo(x, y);
      if (rest.length === 0) context.lineTo(first.x + 0.01, first.y);
    };
    context.lineJoin = "round";
    context.lineCap = "round";
    if (stroke.radius === 0) {
      this.#outlined(path, 2);
      for (const { x, y } of rest.length < 12 ? [first, ...rest] : []) this.#vertex(x, y);
      return;
    }
    context.globalAlpha = 0.5;
    context.strokeStyle = stroke.erase ? REMOVE : ADD;
    context.lineWidth = stroke.radius * 2 * scene.camera.zoom;
    context.beginPath();
    path();
    context.stroke();
    context.globalAlpha = 1;
  }

  #brush(scene: Scene, { path, radius, erase }: Stroke & { erase: boolean }): void {
    const [at] = path;
    if (at === undefined) return;
    const { x, y } = toView(scene.camera, at);
    this.#outlined(
      () => this.context.arc(x, y, radius * scene.camera.zoom, 0, 2 * Math.PI),
      1.5,
      erase ? REMOVE : "#fff",
    );
  }

  #ring(scene: Scene, ring: readonly ImagePoint[]): void {
    const points = ring.map((point) => toView(scene.camera, point));
    const [first, ...rest] = points;
    if (first === undefined) return;
    this.#outlined(() => {
      this.context.moveTo(first.x, first.y);
      for (const { x, y } of rest) this.context.lineTo(x, y);
      this.context.closePath();
    }, 1.5);
    for (const { x, y } of points) this.#vertex(x, y);
  }

  #vertex(x: number, y: number): void {
    const { context } = this;
    context.beginPath();
    context.rect(x - VERTEX / 2, y - VERTEX / 2, VERTEX, VERTEX);
    context.fillStyle = "#fff";
    context.fill();
    context.strokeStyle = "rgb(0 0 0 / 75%)";
    context.lineWidth = 1;
    context.stroke();
  }

  /** A light line on a dark one, to be seen on any picture. */
  #outlined(path: () => void, width: number, colour = "#fff"): void {
    const { context } = this;
    context.lineJoin = "round";
    for (const [style, wide] of [
      ["rgb(0 0 0 / 55%)", width + 2],
      [colour, width],
    ] as const) {
      context.beginPath();
      path();
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.stroke();
    }
  }

  #box(scene: Scene, box: ImageBox): void {
    const low = toView(scene.camera, imagePoint(box.x1, box.y1));
    const high = toView(scene.camera, imagePoint(box.x2, box.y2));
    this.#outlined(() => this.context.rect(low.x, low.y, high.x - low.x, high.y - low.y), 1.5);
  }

  /** A plus or a minus says the same as the colour does. */
  #point(scene: Scene, point: PromptPoint): void {
    const { context } = this;
    const { x, y } = toView(scene.camera, point.at);
    context.shadowColor = "rgb(0 0 0 / 50%)";
    context.shadowBlur = 4;
    context.beginPath();
    context.arc(x, y, POINT_RADIUS, 0, 2 * Math.PI);
    context.fillStyle = point.label === 1 ? ADD : REMOVE;
    context.fill();
    context.shadowBlur = 0;
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.stroke();
    context.beginPath();
    context.moveTo(x - 3, y);
    context.lineTo(x + 3, y);
    if (point.label === 1) {
      context.moveTo(x, y - 3);
      context.lineTo(x, y + 3);
    }
    context.lineWidth = 1.75;
    context.stroke();
  }
}

import { toView } from "../geometry/camera";
import type { ImageBox } from "../geometry/frames";
import { imagePoint } from "../geometry/frames";
import type { PromptPoint } from "../geometry/prompt";
import type { Scene } from "./scene";

export const POINT_RADIUS = 7;
const ADD = "#1f9d55";
const REMOVE = "#d64545";

/** Points and boxes, on a 2D canvas above the masks; sizes in CSS pixels whatever the zoom. */
export class PromptLayer {
  constructor(private readonly context: CanvasRenderingContext2D) {}

  draw(scene: Scene, pixelRatio: number): void {
    const { context } = this;
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    context.clearRect(0, 0, scene.view.width, scene.view.height);
    for (const box of scene.boxes) this.#box(scene, box);
    for (const point of scene.points) this.#point(scene, point);
  }

  #box(scene: Scene, box: ImageBox): void {
    const { context } = this;
    const low = toView(scene.camera, imagePoint(box.x1, box.y1));
    const high = toView(scene.camera, imagePoint(box.x2, box.y2));
    const rectangle = [low.x, low.y, high.x - low.x, high.y - low.y] as const;
    context.lineJoin = "round";
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.lineWidth = 3.5;
    context.strokeRect(...rectangle);
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5;
    context.strokeRect(...rectangle);
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

import type { Rectangle } from "../geometry/mask";
import type { Raster } from "../geometry/raster";
import type { ClickAnswer, ClickPicture, ClickStages } from "./click-loop";
import { answerClick } from "./click-loop";
import { openPyramid } from "./click-picture";
import type { Launcher } from "./launch";
import type { ClickRequest, ClickSpec, Task } from "./protocol";
import { DecodeError } from "./protocol";

/** The interactive model in the worker: its graphs, and the pixels of the picture that is clicked. */
export class ClickService {
  #spec: ClickSpec | null = null;
  #stages: ClickStages | null = null;
  /** Decoded for the first click on it. */
  #picture: { readonly epoch: number; readonly pixels: Promise<ClickPicture> } | null = null;

  constructor(
    private readonly launcher: Launcher,
    private readonly look: (target: Rectangle) => void,
  ) {}

  async start({ spec, coarse, refine, threads }: Extract<Task, { kind: "click_start" }>): Promise<null> {
    this.#stages = await this.launcher.clicks(spec, coarse, refine, threads);
    this.#spec = spec;
    return null;
  }

  async answer(before: Raster, request: ClickRequest): Promise<ClickAnswer> {
    const [stages, spec] = [this.#stages, this.#spec];
    if (stages === null || spec === null) throw new DecodeError("runtime", "The interactive model was not started.");
    const { clicks, given } = request;
    try {
      const picture = await this.#open(request);
      return await answerClick(stages, spec.rules, picture, { before, clicks, given, onLook: this.look });
    } catch (error) {
      throw new DecodeError("runtime", String(error));
    }
  }

  /** Another picture is open: the pixels of the one before are let go. */
  leave(epoch: number): void {
    if (this.#picture?.epoch !== epoch) this.#picture = null;
  }

  #open({ epoch, source, picture: size }: ClickRequest): Promise<ClickPicture> {
    if (this.#picture?.epoch !== epoch) this.#picture = { epoch, pixels: openPyramid(source, size) };
    return this.#picture.pixels;
  }
}

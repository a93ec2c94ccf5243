import type { Rectangle } from "../geometry/mask";
import type { Raster } from "../geometry/raster";
import type { ClickAnswer, ClickPicture, ClickStages } from "./click-loop";
import { answerClick } from "./click-loop";
import { openPyramid, SharedPicture } from "./click-picture";
import type { ClickEngine } from "./click-stages";
import { flipAveraged } from "./flip";
import type { Launcher } from "./launch";
import type { ClickRequest, ClickSpec, Task } from "./protocol";
import { DecodeError } from "./protocol";
import { WithSpare } from "./spare";

/** The interactive model in the worker: its graphs, and the pixels of the picture that is clicked. */
export class ClickService {
  #spec: ClickSpec | null = null;
  /** Counts the models that were asked for: the last one answers, whichever is ready first. */
  #turn = 0;
  readonly #engine = new WithSpare<ClickEngine>();
  /** Decoded for the first click on it. */
  #picture: SharedPicture | null = null;

  constructor(
    private readonly launcher: Launcher,
    private readonly look: (target: Rectangle) => void,
  ) {}

  async start({ files, threads, gpu }: Extract<Task, { kind: "click_start" }>): Promise<null> {
    const turn = ++this.#turn;
    const engine = await this.launcher.clicks(files, threads);
    if (turn !== this.#turn) {
      await engine.release(); // another was asked for meanwhile
      return null;
    }
    const put = this.#engine.put(engine);
    this.#spec = files.spec; // a click takes both in one turn
    await put;
    if (turn !== this.#turn) return null;
    if (gpu && files.golden !== null) void this.#engine.offer(this.launcher.clicksOnGpu(files, files.golden, engine));
    return null;
  }

  async answer(before: Raster, request: ClickRequest): Promise<ClickAnswer> {
    const opened = this.#open(request);
    try {
      return await opened.read((picture) => this.#answer(picture, before, request));
    } catch (error) {
      if (error instanceof DecodeError) throw error;
      if (this.#picture === opened) this.#picture = null; // the next click tries again
      throw new DecodeError("picture", String(error));
    }
  }

  async #answer(picture: ClickPicture, before: Raster, { clicks, given, flip }: ClickRequest): Promise<ClickAnswer> {
    const spec = this.#spec;
    if (spec === null) throw new DecodeError("runtime", "The interactive model was not started.");
    const question = { before, clicks, given, onLook: this.look };
    try {
      const answer = await this.#engine.run((engine) => {
        const stages = flip ? flipAveraged(engine, spec.rules.size) : engine;
        return answerClick<unknown>(stages as ClickStages, spec.rules, picture, question);
      });
      if (answer === null) throw new Error("The interactive model was let go.");
      return answer;
    } catch (error) {
      throw new DecodeError("runtime", String(error));
    }
  }

  async stop(): Promise<null> {
    this.#turn++;
    this.#spec = null;
    this.#letGo();
    await this.#engine.put(null);
    return null;
  }

  /** Another picture is open: the pixels of the one before are let go. */
  leave(epoch: number): void {
    if (this.#picture?.epoch !== epoch) this.#letGo();
  }

  #letGo(): void {
    this.#picture?.leave();
    this.#picture = null;
  }

  #open({ epoch, source, picture: size }: ClickRequest): SharedPicture {
    this.leave(epoch);
    return (this.#picture ??= new SharedPicture(epoch, openPyramid(source, size)));
  }
}

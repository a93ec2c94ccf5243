import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { expect } from "@playwright/test";
import type { Mask, Rle } from "./masks";
import { decodeRle } from "./masks";
import type { PictureFile } from "./pictures";
import { Server } from "./predict";
import { recorder } from "./recorder";
import { Watch } from "./watch";

/** A place on the picture: fractions of its width and height. */
export type Place = readonly [number, number];
export type Point = readonly [number, number];

interface ClickOptions {
  readonly button?: "left" | "right";
  readonly shift?: boolean;
}

/** The page as a person uses it: pictures in, clicks on fractions of the picture, masks out. */
export class Studio {
  readonly watch: Watch;

  private constructor(
    readonly page: Page,
    baseURL: string,
  ) {
    this.watch = new Watch(page, baseURL);
  }

  static async on(page: Page, baseURL: string): Promise<Studio> {
    await page.addInitScript(recorder);
    // Unless a test chooses otherwise, clicks are the promptable model's, whose masks most tests are about.
    await page.addInitScript(
      () => localStorage.getItem("segserve.clicking") ?? localStorage.setItem("segserve.clicking", "promptable"),
    );
    return new Studio(page, baseURL);
  }

  async visit(): Promise<void> {
    await this.page.goto("/");
    await expect(this.part("choose-picture")).toBeVisible();
  }

  part(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  notice(code: string): Locator {
    return this.page.locator(`[data-testid=notice][data-code=${code}]`);
  }

  see<K extends keyof DebugView>(key: K): Promise<DebugView[K]> {
    return this.page.evaluate<DebugView[K], string>((name) => window.__segserve[name as K], key);
  }

  async recorded(): Promise<Recorded> {
    return this.page.evaluate(() => window.__recorded);
  }

  /** Tasks sent to the worker since `from` tasks had been, hover previews left out. */
  async tasksAfter(from: number): Promise<string[]> {
    return (await this.recorded()).tasks.slice(from).filter((kind) => kind !== "hover");
  }

  async choose(file: PictureFile): Promise<void> {
    await this.part("file-input").setInputFiles({ ...file });
  }

  /** Opens a picture and waits until it can be clicked. */
  async open(file: PictureFile): Promise<void> {
    await this.page.mouse.move(2, 2);
    const before = await this.see("imageId");
    await this.choose(file);
    await expect(this.part("picture-name")).toContainText(file.name);
    await this.ready();
    if (before !== null) await this.page.keyboard.press("v");
  }

  /** Another size of window, which reaches the page with its next frame: that takes a while at 4K without a GPU, and a
   * click before it would be aimed by the old camera. */
  async resize(width: number, height: number): Promise<void> {
    await this.page.setViewportSize({ width, height });
    const canvas = this.part("canvas");
    await expect
      .poll(
        async () => {
          const [box, known] = [await canvas.boundingBox(), await this.see("viewSize")];
          return box !== null && Math.abs(box.width - known.width) < 1 && Math.abs(box.height - known.height) < 1;
        },
        { timeout: 30_000 },
      )
      .toBe(true);
  }

  async ready(): Promise<void> {
    await expect.poll(() => this.see("phase"), { timeout: 45_000 }).toBe("ready");
  }

  /** The API with the open picture, by the model that the page uses. */
  async server(): Promise<Server> {
    return new Server(this.page.request, (await this.see("imageId")) ?? "", await this.see("model"));
  }

  /** The picture's width and height as the page shows them. */
  async size(): Promise<{ width: number; height: number }> {
    const text = (await this.part("picture-name").textContent()) ?? "";
    const [, width, height] = /(\d+) × (\d+)$/.exec(text) ?? [];
    return { width: Number(width), height: Number(height) };
  }

  /** Whole pixels of the window nearest to a place, and the point of the picture that lies there. */
  async spot(place: Place): Promise<{ x: number; y: number; image: Point }> {
    const { zoom, x: left, y: top } = await this.see("camera");
    const { width, height } = await this.size();
    const holder = await this.part("canvas").boundingBox();
    if (holder === null) throw new Error("The canvas is not there.");
    const x = Math.round(holder.x + left + place[0] * width * zoom);
    const y = Math.round(holder.y + top + place[1] * height * zoom);
    return { x, y, image: [(x - holder.x - left) / zoom, (y - holder.y - top) / zoom] };
  }

  /** Clicks, and returns where on the picture, without waiting for the mask. */
  async press(place: Place, options: ClickOptions = {}): Promise<Point> {
    const { x, y, image } = await this.spot(place);
    if (options.shift === true) await this.page.keyboard.down("Shift");
    await this.page.mouse.click(x, y, { button: options.button ?? "left" });
    if (options.shift === true) await this.page.keyboard.up("Shift");
    return image;
  }

  async click(place: Place, options: ClickOptions = {}): Promise<Point> {
    const steps = await this.see("steps");
    const image = await this.press(place, options);
    await expect.poll(() => this.see("steps")).toBe(steps + 1);
    await this.settled();
    return image;
  }

  async dragBox(from: Place, to: Place): Promise<readonly [number, number, number, number]> {
    const steps = await this.see("steps");
    const [start, end] = [await this.spot(from), await this.spot(to)];
    await this.page.mouse.move(start.x, start.y);
    await this.page.mouse.down();
    await this.page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
    await this.page.mouse.move(end.x, end.y);
    await this.page.mouse.up();
    await expect.poll(() => this.see("steps")).toBe(steps + 1);
    await this.settled();
    return [...start.image, ...end.image];
  }

  /** The click has its answer, and its mask is at hand. */
  async settled(): Promise<void> {
    await expect.poll(() => this.see("busy")).toBe(false);
    await expect(this.part("draft")).not.toHaveAttribute("data-status", "failed");
  }

  /** Takes a model from the menu, and waits until the picture can be clicked again. */
  async switchTo(id: string): Promise<void> {
    await this.pick(id);
    await expect.poll(() => this.see("model"), { timeout: 45_000 }).toBe(id);
    await this.ready();
    await this.settled();
  }

  async pick(id: string): Promise<void> {
    await this.part("models").click();
    await this.page.locator(`[data-testid=model][data-model=${id}]`).click();
  }

  async key(chord: string): Promise<void> {
    await this.page.keyboard.press(chord);
  }

  /** The draft's mask, otherwise the last object's. */
  async rle(): Promise<Rle> {
    const rle = await this.page.evaluate(() => window.__segserve.lastMask());
    if (rle === null) throw new Error("There is no mask.");
    return rle;
  }

  async mask(): Promise<Mask> {
    return decodeRle(await this.rle());
  }

  async download(format: "mask" | "cutout" | "coco"): Promise<{ name: string; bytes: Buffer }> {
    await this.part("download").click();
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.part(`download-${format}`).click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }
}

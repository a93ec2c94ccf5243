import type { Route } from "@playwright/test";
import { decodeRle, iouOf } from "./page/masks";
import { samplePicture } from "./page/pictures";
import { SECOND } from "./page/second-bundle";
import type { Point, Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { wording, words } from "./page/words";

const FIRST = "segserve-lite";
const PICTURE = samplePicture("table");

/** Holds requests back until they are let go. */
function gate(): { hold: (route: Route) => Promise<void>; open: () => void; asked: () => number } {
  let [open, asked] = [(): void => undefined, 0];
  const opened = new Promise<void>((resolve) => (open = resolve));
  const hold = async (route: Route): Promise<void> => {
    asked++;
    await opened;
    await route.continue().catch(() => undefined); // the page gave it up
  };
  return { hold, open, asked: () => asked };
}

async function expectServerMask(studio: Studio, points: readonly Point[], multimask: boolean): Promise<void> {
  const prompt = { point_coords: [...points], point_labels: points.map(() => 1 as const) };
  const [best] = await (await studio.server()).masks(prompt, multimask);
  if (best === undefined) throw new Error("The server found no mask.");
  expect(iouOf(await studio.mask(), decodeRle(best.segmentation))).toBeGreaterThanOrEqual(0.995);
}

/** Runs in the page: each upload's answer comes so much later, as a slow encode's does. */
function delayAnswers(ms: number): void {
  const own = Object.getOwnPropertyDescriptor(XMLHttpRequestEventTarget.prototype, "onload");
  Object.defineProperty(XMLHttpRequest.prototype, "onload", {
    set(this: XMLHttpRequest, hear: (event: unknown) => void) {
      own?.set?.call(this, (event: unknown) => setTimeout(() => hear(event), ms));
    },
  });
}

const objectMask = (studio: Studio, n: number): ReturnType<DebugView["objectMask"]> =>
  studio.page.evaluate((index) => window.__segserve.objectMask(index), n);

test.afterEach(async ({ fresh }) => {
  if (fresh.page.url().startsWith("http")) await fresh.page.evaluate(() => localStorage.clear());
});

test("the menu lists the models with size, licence and speed, and is walked with keys", async ({ fresh }) => {
  await fresh.visit();
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  const lists = (): number => fresh.watch.requests.filter((line) => line === "GET /v1/models").length;
  const before = lists();
  await fresh.key("m");
  const items = fresh.part("model");
  await expect(items).toHaveCount(2);
  await expect.poll(lists).toBe(before + 1);
  await expect(items.first()).toHaveAttribute("aria-checked", "true");
  await expect(items.first()).toBeFocused();
  await expect(items.first()).toContainText(wording("models.size"));
  await expect(items.first()).toContainText("Apache-2.0");
  await expect(items.last()).toContainText(SECOND.title);
  await expect(items.last()).toContainText(
    new RegExp(`${wording("models.speed.elsewhere").source}|${wording("models.speed.here").source}`),
  );
  await expect(fresh.part("models-more")).toBeHidden();
  await fresh.key("ArrowDown");
  await expect(items.last()).toBeFocused();
  await fresh.key("ArrowDown");
  await expect(items.first()).toBeFocused();
  await fresh.key("Escape");
  await expect(fresh.part("model-menu")).toBeHidden();
  await expect(fresh.part("models")).toBeFocused();
  await fresh.key("Enter");
  await expect(items.first()).toBeFocused();
  await fresh.key("End");
  await fresh.key("Enter");
  await expect.poll(() => fresh.see("model")).toBe(SECOND.id);
});

test("the preview under a resting mouse goes with its model and comes back from the next", async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(PICTURE);
  const { x, y } = await fresh.spot([0.42, 0.3]);
  await fresh.page.mouse.move(x - 40, y);
  await fresh.page.mouse.move(x, y);
  await expect.poll(() => fresh.see("hovering")).toBe(true);
  const embeddings = gate();
  await fresh.page.route("**/embedding?*", embeddings.hold);
  await fresh.key("m");
  await expect(fresh.part("model").first()).toBeFocused();
  await fresh.key("End");
  await expect(fresh.part("model").last()).toBeFocused();
  await fresh.key("Enter");
  await expect.poll(() => embeddings.asked()).toBe(1);
  await expect.poll(() => fresh.see("hovering")).toBe(false);
  embeddings.open();
  await expect.poll(() => fresh.see("hovering")).toBe(true);
});

test("with one model the menu says how others come", async ({ bare }) => {
  await bare.page.route("**/v1/models", async (route) => {
    const response = await route.fetch();
    const list = (await response.json()) as { models: { id: string }[] };
    await route.fulfill({ response, json: { ...list, models: list.models.filter(({ id }) => id === FIRST) } });
  });
  await bare.visit();
  await bare.part("models").click();
  await expect(bare.part("models-more")).toContainText("segserve models pull");
});

test("of several interactive models the menu takes one, at the next visit too; the one that runs goes on meanwhile", async ({
  bare,
}) => {
  await bare.page.route("**/v1/models", async (route) => {
    const response = await route.fetch();
    const list = (await response.json()) as { models: { id: string }[] };
    const clicks = list.models.find(({ id }) => id === "segserve-clicks");
    const own = { ...clicks, id: "own-clicks", revision: "0123456789abcdef", title: "Our polyps" };
    await route.fulfill({ response, json: { ...list, models: [...list.models, own] } });
  });
  await bare.visit();
  await bare.open(PICTURE);
  await bare.part("clicking-interactive").click();
  await bare.click([0.42, 0.3]);
  const before = await bare.rle();
  await bare.key("m");
  const items = bare.part("click-model");
  await expect(items).toHaveCount(2);
  await expect(bare.part("model-menu")).toContainText(words("models.clicks"));
  await expect(items.first()).toHaveAttribute("aria-checked", "true");
  await expect(items.last()).toContainText("Our polyps");
  await expect(items.last()).toContainText(wording("models.clicks.size"));
  await bare.key("End");
  await expect(items.last()).toBeFocused();
  await bare.key("Enter");
  expect(await bare.rle()).toEqual(before);
  const asked = (await bare.recorded()).tasks.length;
  await bare.click([0.5, 0.36]);
  expect(await bare.tasksAfter(asked)).toEqual(expect.arrayContaining(["click_start", "click"]));
  expect(await bare.rle()).not.toEqual(before);
  await bare.page.reload();
  await bare.ready();
  await bare.key("m");
  await expect(items.last()).toHaveAttribute("aria-checked", "true");
  await bare.key("Escape");
  await bare.part("engine-badge").click();
  await expect(bare.part("engine-panel")).toContainText("Our polyps");
});

test("switching: objects stay to the pixel, the draft's clicks are asked anew, undo and downloads go on", async ({
  fresh,
}) => {
  await fresh.visit();
  await fresh.open(PICTURE);
  await fresh.click([0.42, 0.3]);
  await fresh.key("Enter");
  const object = await objectMask(fresh, 0);
  const one = await fresh.click([0.84, 0.73]);
  const two = await fresh.click([0.75, 0.65]);
  const drafted = await fresh.rle();

  await fresh.switchTo(SECOND.id);
  expect(await objectMask(fresh, 0)).toEqual(object);
  await expect.poll(() => fresh.rle()).not.toEqual(drafted);
  await expectServerMask(fresh, [one, two], false); // the same clicks, and no logits fed back

  await fresh.key("Control+z");
  await fresh.key("Control+Shift+z");
  await expectServerMask(fresh, [one, two], false);
  await fresh.key("Enter");
  expect((await fresh.download("coco")).bytes.length).toBeGreaterThan(100);
  expect((await fresh.download("cutout")).bytes.length).toBeGreaterThan(100);
  const second = await objectMask(fresh, 1);

  await fresh.switchTo(FIRST);
  expect([await objectMask(fresh, 0), await objectMask(fresh, 1)]).toEqual([object, second]);
  await expectServerMask(fresh, [await fresh.click([0.15, 0.45])], true);
  for (let i = 0; i < 2; i++) await fresh.key("Control+z");
  expect(await objectMask(fresh, 0)).toEqual(object);
});

test("where the server answers the clicks, the chosen model answers them", async ({ bare }) => {
  bare.watch.allowErrors(/Failed to load resource/, /wasm/i, /ArrayBuffer instantiation/);
  await bare.page.route("**/*.wasm", (route) => route.abort());
  await bare.visit();
  await bare.open(PICTURE);
  await expect(bare.part("engine-badge")).toHaveAttribute("data-backend", "server");
  const at = await bare.click([0.42, 0.3]);
  const before = await bare.rle();
  await bare.switchTo(SECOND.id);
  await expect.poll(() => bare.rle()).not.toEqual(before);
  await expectServerMask(bare, [at], true);
});

test("the choice outlives the page; an address can ask for another, and a model that is gone is told", async ({
  fresh,
}) => {
  const { page } = fresh;
  await fresh.visit();
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  await fresh.pick(SECOND.id);
  await expect.poll(() => fresh.see("model")).toBe(SECOND.id);
  await page.reload();
  await expect.poll(() => fresh.see("model")).toBe(SECOND.id);
  await page.goto(`/?model=${FIRST}`);
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  await fresh.pick(SECOND.id);
  await expect(page).toHaveURL(new RegExp(`model=${SECOND.id}$`));
  await page.evaluate(() => localStorage.setItem("segserve.model", "was-here-once"));
  await page.goto("/");
  await expect(fresh.notice("model_gone")).toContainText("was-here-once");
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  await page.evaluate(() => localStorage.setItem("segserve.model", "../<no id>"));
  await page.reload();
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  await expect(fresh.part("notice")).toHaveCount(0);
});

test("a slow encode shows its seconds, and how many it usually takes", async ({ bare }) => {
  await bare.page.addInitScript(delayAnswers, 6000);
  await bare.page.route("**/v1/models", async (route) => {
    const response = await route.fetch();
    const list = (await response.json()) as { models: object[] };
    const models = list.models.map((model) => ({ ...model, encode_ms: 2000 }));
    await route.fulfill({ response, json: { ...list, models } });
  });
  await bare.visit();
  await bare.choose(PICTURE);
  const phase = bare.part("phase");
  await expect(phase).toHaveAttribute("data-phase", "encoding");
  await expect(phase).toContainText(words("phase.seconds.of", { seconds: 1, expected: 2 }));
  await expect(phase).toContainText(words("phase.seconds.over", { seconds: 4, expected: 2 }));
  const part = Number(await phase.locator("progress").getAttribute("value"));
  expect(part).toBeGreaterThan(0.8);
  expect(part).toBeLessThan(1);
  await bare.ready();
});

test("a slow encode is stopped by button and by Esc; the clicks wait", async ({ fresh }) => {
  await fresh.visit();
  const slow = gate();
  await fresh.page.route("**/v1/images?*", slow.hold);
  await fresh.choose(PICTURE);
  const phase = fresh.part("phase");
  await expect(phase).toHaveAttribute("data-phase", /uploading|encoding/);
  await fresh.part("command-stop").click();
  await expect(phase).toHaveAttribute("data-phase", "unencoded");
  await expect(phase).toContainText(words("phase.unencoded"));
  await fresh.press([0.42, 0.3]);
  await expect(phase).toContainText(words("phase.click"));
  await fresh.part("command-encode").click();
  await expect(phase).toHaveAttribute("data-phase", /uploading|encoding/);
  await fresh.key("Escape");
  await expect(phase).toHaveAttribute("data-phase", "unencoded");
  slow.open();
  await fresh.page.waitForTimeout(500);
  expect(await fresh.see("phase")).toBe("unencoded"); // what arrives late changes nothing
  await fresh.key("e");
  await fresh.ready();
  await fresh.settled();
  expect(await fresh.see("scores")).toHaveLength(3);
});

test("what comes late of the model before is dropped", async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(PICTURE);
  await fresh.click([0.42, 0.3]);
  const first = await fresh.rle();
  const late = gate();
  await fresh.page.route("**/embedding?*", (route) =>
    route.request().url().includes(`model=${SECOND.id}`) ? late.hold(route) : route.continue(),
  );
  await fresh.pick(SECOND.id);
  await expect.poll(late.asked).toBe(1);
  await fresh.pick(FIRST);
  late.open();
  await expect.poll(() => fresh.see("model")).toBe(FIRST);
  await fresh.ready();
  await fresh.settled();
  expect(await fresh.rle()).toEqual(first);
  await expect(fresh.part("notice")).toHaveCount(0);
});

import type { Locator } from "@playwright/test";
import { areaOf } from "./page/masks";
import { samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { wording, words } from "./page/words";

test.beforeEach(async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(samplePicture("table"));
});
test.afterEach(({ fresh }) => fresh.page.evaluate(() => localStorage.clear()));

const rowOf = (studio: Studio, id: string): Locator => studio.part(`keys-${id}`);

async function remap(studio: Studio, id: string, chord: string): Promise<void> {
  await rowOf(studio, id).getByTestId("key").first().click();
  await studio.key(chord);
}

test("a key is changed, works at once, is shown everywhere and is remembered", async ({ fresh }) => {
  await fresh.key("?");
  await remap(fresh, "accept", "q");
  await expect(rowOf(fresh, "accept").getByTestId("key").first()).toHaveText("Q");
  await fresh.key("Escape");
  await fresh.click([0.42, 0.3]);
  await expect(fresh.part("command-accept")).toContainText("Q");
  await fresh.key("Enter");
  expect(await fresh.see("objects")).toBe(0);
  await fresh.key("q");
  await expect(fresh.part("object")).toHaveCount(1);
  await fresh.page.reload();
  await fresh.open(samplePicture("table"));
  await fresh.click([0.42, 0.3]);
  await fresh.key("q");
  await expect(fresh.part("object").first()).toBeVisible();
  expect(await fresh.see("busy")).toBe(false);
});

test("a taken key is refused until one asks to swap; a reserved one always is", async ({ fresh }) => {
  await fresh.key("?");
  await remap(fresh, "undo", "b");
  const catcher = fresh.part("key-catcher");
  await expect(catcher).toContainText(words("keys.taken", { name: words("command.tool.box") }));
  await expect(rowOf(fresh, "undo").getByTestId("key").first()).toHaveText("CtrlZ");
  await fresh.key("F5");
  await expect(catcher).toContainText(words("keys.reserved"));
  await expect(fresh.part("key-swap")).toBeHidden();
  await fresh.key("b");
  await fresh.part("key-swap").click();
  await expect(rowOf(fresh, "undo").getByTestId("key").first()).toHaveText("B");
  await expect(rowOf(fresh, "tool.box").getByTestId("key").first()).toHaveText("CtrlZ");
  await rowOf(fresh, "undo").getByTestId("key-reset").click();
  await expect(rowOf(fresh, "undo").getByTestId("key").first()).toHaveText("CtrlZ");
  await expect(rowOf(fresh, "tool.box").getByTestId("key")).toHaveCount(0);
  await fresh.part("keys-reset").click();
  await expect(rowOf(fresh, "tool.box").getByTestId("key").first()).toHaveText("B");
  await expect(fresh.part("keys-reset")).toBeDisabled();
});

test("Esc gives the change up and not the sheet; keys are added and removed, all by keyboard", async ({ fresh }) => {
  await fresh.key("?");
  await rowOf(fresh, "undo").getByTestId("key-add").focus();
  await fresh.key("Enter");
  await expect(fresh.part("key-catcher").locator("button").first()).toBeFocused();
  await fresh.key("Escape");
  await expect(fresh.part("key-catcher")).toBeHidden();
  await expect(fresh.part("key-sheet")).toBeVisible();
  await rowOf(fresh, "undo").getByTestId("key-add").focus();
  await fresh.key("Enter");
  await fresh.key("Shift+Q");
  await expect(rowOf(fresh, "undo").getByTestId("key").nth(1)).toHaveText("ShiftQ");
  await rowOf(fresh, "undo").getByTestId("key").nth(1).click();
  await fresh.part("key-remove").click();
  await expect(rowOf(fresh, "undo").getByTestId("key")).toHaveCount(1);
  await fresh.key("Escape");
  await expect(fresh.part("key-sheet")).toBeHidden();
});

test("stored nonsense is ignored", async ({ fresh }) => {
  await fresh.page.evaluate(() =>
    localStorage.setItem("segserve.keys", '{"undo":["tab"],"redo":"x","__proto__":{},"accept":["v"]}'),
  );
  await fresh.page.reload();
  await fresh.open(samplePicture("table"));
  await fresh.click([0.42, 0.3]);
  await fresh.key("Control+z");
  await expect(fresh.part("draft")).toHaveAttribute("data-status", "empty");
});

test("an object is made, corrected and accepted with the keyboard alone", async ({ fresh }) => {
  await fresh.part("canvas").focus();
  await fresh.key("ArrowRight");
  await expect(fresh.part("crosshair")).toBeVisible();
  for (let i = 0; i < 3; i++) await fresh.key("Shift+ArrowUp");
  await expect.poll(() => fresh.see("hovering")).toBe(true);
  await expect(fresh.part("announcer")).toContainText(wording("announce.place"));
  await fresh.key("Space");
  await fresh.settled();
  await expect(fresh.part("announcer")).toContainText(words("announce.add"));
  await expect(fresh.part("announcer")).toContainText(wording("announce.mask"));
  const before = areaOf(await fresh.mask());
  for (let i = 0; i < 2; i++) await fresh.key("Shift+ArrowRight");
  await fresh.key("Shift+Space");
  await expect.poll(() => fresh.see("steps")).toBe(2);
  await fresh.settled();
  await expect(fresh.part("announcer")).toContainText(words("announce.remove"));
  expect(areaOf(await fresh.mask())).not.toBe(before);
  await fresh.key("Space"); // on the point that is there: it is taken back
  await expect(fresh.part("announcer")).toContainText(words("announce.point.gone"));
  expect(areaOf(await fresh.mask())).toBe(before);
  await fresh.key("Enter");
  await expect(fresh.part("object")).toHaveCount(1);
  await expect(fresh.part("announcer")).toContainText(
    words("announce.accepted", { name: words("object.default", { n: 1 }) }),
  );
});

test("a box by keyboard; the mouse takes the crosshair away", async ({ fresh }) => {
  await fresh.part("canvas").focus();
  for (let i = 0; i < 3; i++) await fresh.key("Shift+ArrowLeft");
  await fresh.key("k");
  await expect(fresh.part("announcer")).toContainText(words("announce.held"));
  for (let i = 0; i < 6; i++) await fresh.key("Shift+ArrowRight");
  for (let i = 0; i < 5; i++) await fresh.key("Shift+ArrowDown");
  await fresh.key("k");
  await expect.poll(() => fresh.see("steps")).toBe(1);
  await fresh.settled();
  await expect(fresh.part("announcer")).toContainText(words("announce.box"));
  expect(areaOf(await fresh.mask())).toBeGreaterThan(100);
  const { x, y } = await fresh.spot([0.5, 0.5]);
  await fresh.page.mouse.move(x, y);
  await expect(fresh.part("crosshair")).toBeHidden();
  await fresh.key("Space");
  expect(await fresh.see("steps")).toBe(1);
});

test("a key that is held is one press", async ({ fresh }) => {
  await fresh.part("canvas").focus();
  await fresh.key("ArrowRight");
  for (let i = 0; i < 6; i++) await fresh.page.keyboard.down("k"); // repeats, as a key that stays down
  await fresh.page.keyboard.up("k");
  await expect(fresh.part("announcer")).toContainText(words("announce.held"));
  await fresh.key("k");
  await expect.poll(() => fresh.see("steps")).toBe(1);
});

test("brush strokes and polygons by keyboard", async ({ fresh }) => {
  await fresh.part("canvas").focus();
  await fresh.key("ArrowRight");
  await fresh.key("p");
  await fresh.key("k");
  for (let i = 0; i < 4; i++) await fresh.key("Shift+ArrowRight");
  await fresh.key("k");
  await fresh.settled();
  const stroke = areaOf(await fresh.mask());
  expect(stroke).toBeGreaterThan(500);
  await fresh.key("Shift+Space"); // the brush the other way round
  await fresh.settled();
  await expect.poll(async () => areaOf(await fresh.mask())).toBeLessThan(stroke);
  await fresh.key("Escape");
  await fresh.key("g");
  for (const way of ["Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft"]) {
    for (let i = 0; i < 3; i++) await fresh.key(way);
    await fresh.key("Space");
  }
  await fresh.key("Space"); // again on the last corner: closed
  await fresh.settled();
  await expect(fresh.part("announcer")).toContainText(wording("announce.mask.by_hand"));
  await fresh.key("Enter");
  await expect(fresh.part("object")).toHaveCount(1);
});

test("zoomed in, the picture follows the crosshair", async ({ fresh }) => {
  await fresh.part("canvas").focus();
  for (let i = 0; i < 10; i++) await fresh.key("+");
  const before = await fresh.see("camera");
  for (let i = 0; i < 30; i++) await fresh.key("Shift+ArrowRight");
  const after = await fresh.see("camera");
  expect(after.x).toBeLessThan(before.x);
  const box = await fresh.part("crosshair").boundingBox();
  expect(box?.x).toBeLessThan(1280 - 300);
});

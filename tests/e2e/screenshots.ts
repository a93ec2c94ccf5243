import { fileURLToPath } from "node:url";
import { samplePicture } from "./page/pictures";
import type { Place, Studio } from "./page/studio";
import { expect, test } from "./page/test";

const README_PICTURE = fileURLToPath(new URL("../../docs/screenshots/page.png", import.meta.url));
const LOOK_AT = fileURLToPath(new URL("../../build/screenshots/", import.meta.url));

const TEAPOT: readonly [Place, Place] = [
  [0.22, 0.09],
  [0.6, 0.48],
];
const BOOK: readonly [Place, Place] = [
  [0.68, 0.56],
  [0.998, 0.92],
];
const JAR: Place = [0.59, 0.56];
const MUG: Place = [0.15, 0.47];

async function shoot(studio: Studio, name: string): Promise<void> {
  await studio.page.mouse.move(2, 890);
  await studio.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await studio.page.waitForTimeout(500);
  await studio.page.screenshot({ path: `${LOOK_AT}${name}.png` });
}

/** Two objects by box, a third by one click, its candidates still to be chosen from. */
async function makeObjects(studio: Studio): Promise<void> {
  for (const box of [TEAPOT, BOOK]) {
    await studio.dragBox(...box);
    await studio.key("Enter");
  }
  await studio.click(MUG);
}

test("the page with three objects, for the README", async ({ alone: studio }) => {
  await studio.page.setViewportSize({ width: 1440, height: 900 });
  await studio.page.emulateMedia({ colorScheme: "dark" });
  const pictures = (["table", "desk", "garden"] as const).map((name) => ({ ...samplePicture(name) }));
  await studio.part("file-input").setInputFiles(pictures);
  await studio.ready();
  await studio.part("strip-entry").last().click();
  await expect(studio.part("picture-name")).toContainText("table.jpg");
  await studio.ready();
  await makeObjects(studio);
  await shoot(studio, "objects-dark");
  await studio.page.screenshot({ path: README_PICTURE });
});

for (const colorScheme of ["dark", "light"] as const) {
  test(`to look at, ${colorScheme}`, async ({ alone: studio }) => {
    const { page } = studio;
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme });
    await studio.page.reload();
    await expect(studio.part("sample")).toHaveCount(3);
    await shoot(studio, `empty-${colorScheme}`);
    await studio.open(samplePicture("desk"));
    await studio.click([0.52, 0.6]);
    await shoot(studio, `click-${colorScheme}`);
    await studio.part("download").click();
    await shoot(studio, `menu-${colorScheme}`);
    await studio.key("Escape");
    await studio.key("?");
    await shoot(studio, `keys-${colorScheme}`);
  });
}

test("to look at: narrow, tall and 4K", async ({ alone: studio }) => {
  const { page } = studio;
  await page.setViewportSize({ width: 360, height: 740 });
  await studio.visit();
  await shoot(studio, "narrow-empty");
  await studio.open(samplePicture("garden"));
  await studio.click([0.27, 0.6]);
  await shoot(studio, "narrow-click");
  await studio.key("Enter");
  await studio.key("?");
  await shoot(studio, "narrow-keys");
  await studio.key("Escape");
  await page.setViewportSize({ width: 3840, height: 2160 });
  await studio.open(samplePicture("table"));
  await studio.click(JAR);
  await shoot(studio, "4k");
});

/** Every state that a person can meet, in both languages, light and dark. */
for (const [language, colorScheme] of [
  ["en", "light"],
  ["zh", "dark"],
] as const) {
  test(`to look at: states, ${language}`, async ({ alone: studio }) => {
    test.setTimeout(300_000);
    studio.watch.allowErrors(/Failed to load resource/);
    const { page } = studio;
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.addInitScript((chosen) => localStorage.setItem("segserve.language", chosen), language);
    await page.reload();
    const look = (what: string): Promise<void> => shoot(studio, `state-${what}-${language}`);
    await expect(studio.part("sample")).toHaveCount(3);
    await look("empty");
    const pictures = (["table", "desk", "garden"] as const).map((name) => ({ ...samplePicture(name) }));
    await studio.part("file-input").setInputFiles(pictures);
    await studio.ready();
    await studio.part("strip-entry").last().click();
    await studio.ready();
    await makeObjects(studio);
    await look("candidates");
    await studio.key("Enter");
    await studio.part("next-label").selectOption({ index: 1 });
    await page.getByTestId("next-label-field").fill("cup");
    await studio.key("Enter");
    await studio.part("object-select").first().click();
    await studio.key("Alt+1");
    await studio.key("p");
    await look("mending");
    await studio.key("g");
    await look("outline");
    await studio.key("Escape");
    await studio.part("engine-badge").click();
    await look("speed");
    await studio.key("Escape");
    await studio.part("open-more").click();
    await look("open");
    await studio.key("Escape");
    await studio.part("download").click();
    await look("download");
    await studio.key("Escape");
    for (let i = 0; i < 8; i++) await studio.key("+");
    await look("zoomed");
    await studio.key("f");
    await page.route("**/v1/images?*", (route) => route.abort("connectionrefused"));
    await studio.part("file-input").setInputFiles({ ...samplePicture("garden"), name: "new.jpg" });
    await expect(studio.notice("unreachable")).toBeVisible();
    await look("server-gone");
    await page.unroute("**/v1/images?*");
    await studio.ready();
    const other = await page.context().newPage();
    await other.goto("/");
    await other.getByTestId("take-over").waitFor();
    await other.screenshot({ path: `${LOOK_AT}state-elsewhere-${language}.png` });
    await other.getByTestId("take-over").click();
    await expect(studio.part("yielded")).toBeVisible();
    await look("yielded");
    await other.close();
  });
}

for (const [language, colorScheme] of [
  ["en", "light"],
  ["en", "dark"],
  ["zh", "light"],
  ["zh", "dark"],
] as const) {
  test(`to look at: who answers clicks, ${language}, ${colorScheme}`, async ({ alone: studio }) => {
    test.setTimeout(240_000);
    const { page } = studio;
    await page.emulateMedia({ colorScheme });
    await page.addInitScript((chosen) => localStorage.setItem("segserve.language", chosen), language);
    await page.reload();
    for (const [name, width, height] of [
      ["wide", 1440, 900],
      ["narrow", 360, 740],
    ] as const) {
      const look = (what: string): Promise<void> => shoot(studio, `clicks-${what}-${language}-${colorScheme}-${name}`);
      await page.setViewportSize({ width, height });
      await studio.open(samplePicture("table"));
      await studio.part("clicking-refine").click();
      await look("refine");
      await studio.click(JAR);
      await look("refine-first");
      await studio.click([0.62, 0.62]);
      await look("refine-second");
      await studio.key("Escape");
      await studio.part("clicking-interactive").click();
      await studio.click(MUG);
      await look("interactive");
      await studio.press([0.2, 0.5]);
      await page.waitForFunction(() => window.__segserve.looking !== null, null, { polling: "raf", timeout: 5000 });
      await page.screenshot({ path: `${LOOK_AT}clicks-looking-${language}-${colorScheme}-${name}.png` });
      await studio.settled();
      await studio.part("engine-badge").click();
      await look("speed");
      await studio.key("Escape");
      await studio.key("Escape");
    }
  });
}

for (const [locale, colorScheme] of [
  ["en", "light"],
  ["zh-CN", "dark"],
] as const) {
  test(`to look at: settings, keys and tour, ${locale}`, async ({ fresh }) => {
    test.setTimeout(240_000);
    const { page } = fresh;
    const language = locale === "en" ? "en" : "zh";
    await page.addInitScript((chosen) => localStorage.setItem("segserve.language", chosen), language);
    await page.emulateMedia({ colorScheme });
    for (const [name, width, height] of [
      ["narrow", 360, 740],
      ["wide", 1280, 800],
      ["4k", 3840, 2160],
    ] as const) {
      const look = (what: string): Promise<void> => shoot(fresh, `${what}-${language}-${name}`);
      await page.setViewportSize({ width, height });
      await page.goto("/?tour");
      await look("tour-1");
      await fresh.choose(samplePicture("table"));
      await fresh.ready();
      await look("tour-2");
      await fresh.resize(width, height);
      await fresh.click(JAR);
      await look("tour-3");
      await fresh.part("tour-next").click();
      await look("tour-4");
      await fresh.part("tour-next").click();
      await look("tour-5");
      await fresh.part("tour-next").click();
      await fresh.part("settings").click();
      await look("settings");
      await fresh.key("Escape");
      await fresh.key("?");
      await fresh.part("keys-tool.box").getByTestId("key").first().click();
      await page.keyboard.press("h");
      await look("keys");
      await fresh.key("Escape");
      await fresh.key("Escape");
      await fresh.part("canvas").focus();
      for (let i = 0; i < 3; i++) await fresh.key("Shift+ArrowLeft");
      await page.screenshot({ path: `${LOOK_AT}crosshair-${language}-${name}.png` });
    }
    await page.evaluate(() => localStorage.clear());
  });
}

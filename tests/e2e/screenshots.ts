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

test("the page with three objects, for the README", async ({ fresh }) => {
  await fresh.page.setViewportSize({ width: 1440, height: 900 });
  await fresh.page.emulateMedia({ colorScheme: "dark" });
  await fresh.visit();
  await fresh.open(samplePicture("table"));
  await makeObjects(fresh);
  await shoot(fresh, "objects-dark");
  await fresh.page.screenshot({ path: README_PICTURE });
});

for (const colorScheme of ["dark", "light"] as const) {
  test(`to look at, ${colorScheme}`, async ({ fresh }) => {
    const { page } = fresh;
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme });
    await fresh.visit();
    await expect(fresh.part("sample")).toHaveCount(3);
    await shoot(fresh, `empty-${colorScheme}`);
    await fresh.open(samplePicture("desk"));
    await fresh.click([0.52, 0.6]);
    await shoot(fresh, `click-${colorScheme}`);
    await fresh.part("download").click();
    await shoot(fresh, `menu-${colorScheme}`);
    await fresh.key("Escape");
    await fresh.key("?");
    await shoot(fresh, `keys-${colorScheme}`);
  });
}

test("to look at: narrow, tall and 4K", async ({ fresh }) => {
  const { page } = fresh;
  await page.setViewportSize({ width: 360, height: 740 });
  await fresh.visit();
  await shoot(fresh, "narrow-empty");
  await fresh.open(samplePicture("garden"));
  await fresh.click([0.27, 0.6]);
  await shoot(fresh, "narrow-click");
  await fresh.key("Enter");
  await fresh.key("?");
  await shoot(fresh, "narrow-keys");
  await fresh.key("Escape");
  await page.setViewportSize({ width: 3840, height: 2160 });
  await fresh.open(samplePicture("table"));
  await fresh.click(JAR);
  await shoot(fresh, "4k");
});

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

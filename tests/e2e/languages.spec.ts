import type { Browser } from "@playwright/test";
import { samplePicture } from "./page/pictures";
import { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { LANGUAGE } from "./page/words";

test.skip(LANGUAGE !== "en", "these choose their languages themselves, from English");

/** A page in a browser of that language; nothing is kept of it. */
async function speaking(browser: Browser, locale: string, baseURL: string): Promise<Studio> {
  const context = await browser.newContext({ baseURL, locale, viewport: { width: 1280, height: 800 } });
  return Studio.on(await context.newPage(), baseURL);
}

for (const [locale, language, words] of [
  ["zh-CN", "zh-CN", "选择图片"],
  ["zh-SG", "zh-CN", "选择图片"],
  ["zh-TW", "en", "Choose a picture"],
  ["de-DE", "en", "Choose a picture"],
] as const) {
  test(`a browser in ${locale} is spoken to in ${language}`, async ({ browser, baseURL }) => {
    const studio = await speaking(browser, locale, baseURL ?? "");
    await studio.visit();
    await expect(studio.part("choose-picture")).toHaveText(words);
    await expect(studio.page.locator("html")).toHaveAttribute("lang", language);
    studio.watch.expectQuiet();
    await studio.page.context().close();
  });
}

test("a whole object in Chinese", async ({ browser, baseURL }) => {
  const studio = await speaking(browser, "zh-CN", baseURL ?? "");
  await studio.visit();
  await expect(studio.part("sample")).toHaveCount(3);
  expect(await wordsInEnglish(studio)).toEqual([]);
  await studio.open(samplePicture("table"));
  await studio.click([0.42, 0.3]);
  await expect(studio.part("score")).toContainText(/^得分 0\.\d\d$/);
  await expect(studio.part("announcer")).toContainText(/已添加前景点。 掩码占图片的 \d+%，得分 0\.\d\d。/);
  await studio.key("Enter");
  await expect(studio.part("object")).toContainText("对象 1");
  await studio.key("?");
  await expect(studio.part("key-sheet")).toContainText("撤销");
  expect(await wordsInEnglish(studio)).toEqual([]);
  studio.watch.expectQuiet();
  await studio.page.context().close();
});

test("a day's work in Chinese: pictures, classes, mending, zooming, menus", async ({ browser, baseURL }) => {
  test.setTimeout(180_000);
  const studio = await speaking(browser, "zh-CN", baseURL ?? "");
  const expectChinese = async (): Promise<void> => expect(await wordsInEnglish(studio)).toEqual([]);
  await studio.visit();
  await studio
    .part("file-input")
    .setInputFiles([samplePicture("table"), samplePicture("desk")].map((file) => ({ ...file })));
  await expect(studio.part("strip-entry")).toHaveCount(2);
  await studio.ready();
  await studio.key("d");
  await expect(studio.part("picture-name")).toContainText("table.jpg");
  await studio.ready();
  await studio.dragBox([0.22, 0.09], [0.6, 0.48]);
  await studio.key("Enter");
  await studio.part("next-label").selectOption({ label: "新建类别…" });
  await studio.part("next-label-field").fill("杯子");
  await studio.key("Enter");
  await studio.click([0.15, 0.47]);
  await studio.key("Enter");
  await expect(studio.part("object")).toHaveCount(2);
  await studio.part("object-select").first().click();
  await studio.key("Alt+1");
  await expect(studio.part("object-label").first()).toHaveValue("杯子");
  await studio.key("p");
  await expectChinese();
  for (const key of ["Shift+F", "Shift+I", ".", ",", "Shift+S"]) {
    await studio.key(key);
    await studio.settled();
  }
  await expect(studio.part("announcer")).toContainText("掩码占图片的");
  await studio.key("Enter");
  for (const n of [0, 1])
    await studio
      .part("object-select")
      .nth(n)
      .click({ modifiers: ["Shift"] });
  await studio.key("Shift+M");
  await expect(studio.part("object")).toHaveCount(1);
  await studio.key("Control+z");
  await expect(studio.part("object")).toHaveCount(2);
  for (const menu of ["engine-badge", "open-more", "download", "settings"]) {
    await studio.part(menu).click();
    await expectChinese();
    await studio.key("Escape");
  }
  for (let i = 0; i < 8; i++) await studio.key("+");
  await expect(studio.part("region-chip")).toBeVisible();
  await studio.key("z");
  await expect(studio.part("region-chip")).toHaveAttribute("data-active", "true");
  await expectChinese();
  const { bytes } = await studio.download("coco");
  expect(new TextDecoder().decode(bytes)).toContain("杯子");
  studio.watch.expectQuiet();
  await studio.page.context().close();
});

/** Texts on the page with English words, names and what stands on keys apart. */
function wordsInEnglish(studio: Studio): Promise<string[]> {
  return studio.page.evaluate(() => {
    const names =
      /Segserve|JPEG|WebP|BMP|GIF|TIFF|Rendered for Segserve with .*|WebGPU|WASM|JSON|COCO|YOLO|Ultralytics|data\.yaml|Pascal|VOC|XML|labelme|GeoJSON|SVG|ZIP|PNG|segserve-lite|desk\.jpg|table\.jpg|English|Lite|Clicks|Apache|Shift|Ctrl|Alt|Tab|Page Up|Page Down|Enter|Esc|Delete|Backspace|Model|kB|MB/gi;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found: string[] = [];
    while (walker.nextNode() !== null) {
      const text = walker.currentNode.textContent ?? "";
      if (walker.currentNode.parentElement?.closest("script")) continue;
      if (/[a-z]{3}/i.test(text.replace(names, ""))) found.push(text);
    }
    for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
      for (const name of ["aria-label", "title", "placeholder"]) {
        const text = element.getAttribute(name) ?? "";
        if (/[a-z]{3}/i.test(text.replace(names, ""))) found.push(text);
      }
    }
    return found;
  });
}

test("the switch changes the page at once, keeps the work, and is remembered", async ({ fresh }) => {
  await fresh.visit();
  await fresh.open(samplePicture("table"));
  await fresh.click([0.42, 0.3]);
  await fresh.key("Enter");
  await fresh.click([0.8, 0.75]);
  const [rle, canvas] = [await fresh.rle(), await fresh.part("canvas").locator("canvas").first().elementHandle()];
  await fresh.part("settings").click();
  await fresh.part("language-zh").click();
  await expect(fresh.part("settings-menu")).toContainText("外观");
  await expect(fresh.part("language-zh")).toHaveAttribute("aria-checked", "true");
  await expect(fresh.part("object")).toContainText("对象 1");
  await expect(fresh.part("command-accept")).toContainText("确认");
  await expect(fresh.page.locator("html")).toHaveAttribute("lang", "zh-CN");
  expect(await fresh.rle()).toEqual(rle);
  expect(await canvas.evaluate((element) => element.isConnected)).toBe(true);
  await fresh.page.reload();
  await expect(fresh.page.getByText("设置").or(fresh.part("choose-picture")).first()).toBeAttached();
  await expect(fresh.page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await fresh.part("settings").click();
  await fresh.part("language-system").click();
  await expect(fresh.page.locator("html")).toHaveAttribute("lang", "en");
  expect(await fresh.page.evaluate(() => localStorage.getItem("segserve.language"))).toBeNull();
});

test("light and dark follow the system or the choice, from the first paint on", async ({ fresh }) => {
  const { page } = fresh;
  const canvas = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [dark, light] = ["rgb(22, 24, 28)", "rgb(223, 226, 232)"];
  await page.emulateMedia({ colorScheme: "dark" });
  await fresh.visit();
  expect(await canvas()).toBe(dark);
  await page.emulateMedia({ colorScheme: "light" });
  expect(await canvas()).toBe(light);
  await fresh.part("settings").click();
  await fresh.part("theme-dark").click();
  expect(await canvas()).toBe(dark);
  await fresh.key("Escape");
  await expect(fresh.part("settings-menu")).toBeHidden();

  // Before any of the page's modules runs, the choice holds already.
  await page.route("**/assets/*.js", (route) => route.abort());
  fresh.watch.allowErrors(/ERR_FAILED/);
  await page.reload();
  expect(await canvas()).toBe(dark);
  await page.unroute("**/assets/*.js");

  await fresh.visit();
  await fresh.part("settings").click();
  await fresh.part("theme-system").click();
  expect(await canvas()).toBe(light);
});

test("the settings are walked with keys", async ({ fresh }) => {
  await fresh.visit();
  await fresh.key("ControlOrMeta+,");
  await expect(fresh.part("language-system")).toBeFocused();
  await fresh.key("ArrowDown");
  await fresh.key("ArrowDown");
  await expect(fresh.part("language-zh")).toBeFocused();
  await fresh.key("Enter");
  await expect(fresh.page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await expect(fresh.part("language-zh")).toBeFocused();
  await fresh.key("Home");
  await fresh.key("Enter");
  await fresh.key("Escape");
  await expect(fresh.part("settings-menu")).toBeHidden();
  await expect(fresh.part("settings")).toBeFocused();
});

import AxeBuilder from "@axe-core/playwright";
import { samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";

/** Serious and critical findings, each with the elements that it is about. */
async function expectAccessible(studio: Studio, what: string): Promise<void> {
  await studio.page.waitForTimeout(200); // colours fade in and out
  const { violations } = await new AxeBuilder({ page: studio.page }).analyze();
  const found = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ""}`),
    }));
  expect(found, what).toEqual([]);
}

// Contrast is the scheme's affair and names are the language's: each is looked at once.
for (const [colorScheme, language] of [
  ["light", "zh"],
  ["dark", "en"],
] as const) {
  test(`axe finds nothing serious, ${colorScheme}, ${language}`, async ({ fresh }) => {
    test.setTimeout(180_000);
    const { page } = fresh;
    await page.addInitScript((chosen) => localStorage.setItem("segserve.language", chosen), language);
    await page.emulateMedia({ colorScheme });
    await fresh.visit();
    await expect(fresh.part("sample")).toHaveCount(3);
    await expectAccessible(fresh, "empty page");

    await fresh.open(samplePicture("table"));
    await fresh.click([0.42, 0.3]);
    await expectAccessible(fresh, "a draft with candidates");
    await fresh.key("Enter");
    await fresh.click([0.8, 0.75]);
    await fresh.key("Enter");
    await fresh.part("object").first().hover();
    await fresh.part("object-toggle").first().click();
    await fresh.part("object").last().hover();
    await fresh.part("object-rename").last().click();
    await expectAccessible(fresh, "objects, one hidden, one being named");
    await fresh.page.keyboard.press("Escape");
    await fresh.part("canvas").focus();
    await fresh.key("ArrowRight");
    await expectAccessible(fresh, "crosshair");
    await fresh.part("object-select").first().click();
    await fresh.key("p");
    await expectAccessible(fresh, "an object being mended with the brush");
    await fresh.key("Escape");
    await fresh.open(samplePicture("desk"));
    await expect(fresh.part("strip")).toBeVisible();
    await expectAccessible(fresh, "filmstrip");
    for (let i = 0; i < 8; i++) await fresh.key("+");
    await expect(fresh.part("region-chip")).toBeVisible();
    await expectAccessible(fresh, "the offer to encode what is in sight");

    await fresh.key("?");
    await expectAccessible(fresh, "key sheet");
    await fresh.part("keys-undo").getByTestId("key").first().click();
    await fresh.key("b");
    await expectAccessible(fresh, "key sheet with a conflict");
    await fresh.key("Escape");
    await fresh.key("Escape");
    for (const menu of ["models", "settings", "download"]) {
      await fresh.part(menu).click();
      await expectAccessible(fresh, `menu: ${menu}`);
      await fresh.key("Escape");
    }
    await fresh.part("settings").click();
    await fresh.part("settings-tour").click();
    await expectAccessible(fresh, "tour");
    await page.evaluate(() => localStorage.clear());
  });
}

import { fileURLToPath } from "node:url";
import { expect, test, type Page } from "@playwright/test";

const file = fileURLToPath(new URL("../../docs/screenshots/page.png", import.meta.url));

/** Size of the sample picture, and where the page shows it at 1280 x 800. */
const picture = { width: 1280, height: 853 };
const shown = { x: 84, y: 135, width: 868, height: 578 };

/** Clicks on a point of the picture (ImagePx) and waits for its mask. */
async function click(page: Page, x: number, y: number): Promise<void> {
  await page.mouse.click(shown.x + (x * shown.width) / picture.width, shown.y + (y * shown.height) / picture.height);
  await expect(page.getByText(/^Score/)).toBeVisible();
}

test("the page with two objects, for the README", async ({ page }) => {
  await page.goto("/");
  await page.getByText("Breakfast table").click();
  await expect(page.getByText("table.jpg")).toBeVisible();
  await click(page, 520, 260);
  await page.keyboard.press("Enter");
  await click(page, 500, 540);
  await page.waitForTimeout(1000);
  await page.screenshot({ path: file });
});

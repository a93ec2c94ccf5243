import { samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { words } from "./page/words";

async function begin(studio: Studio): Promise<void> {
  await studio.page.goto("/?tour");
  await expect(studio.part("tour")).toBeVisible();
}
const expectStep = (studio: Studio, step: string): Promise<void> =>
  expect(studio.part("tour")).toHaveAttribute("data-step", step);

test.afterEach(({ fresh }) => fresh.page.evaluate(() => localStorage.clear()));

test("the tour goes along with what one does, and ends for good", async ({ fresh }) => {
  await begin(fresh);
  await expect(fresh.part("tour")).toContainText(words("tour.of", { n: 1, count: 5 }));
  await fresh.choose(samplePicture("table"));
  await expectStep(fresh, "click");
  await fresh.ready();
  await fresh.click([0.42, 0.3]);
  await expectStep(fresh, "correct");
  await fresh.click([0.3, 0.5], { button: "right" });
  await expectStep(fresh, "accept");
  await fresh.key("Enter");
  await expectStep(fresh, "keep");
  await expect(fresh.part("object")).toHaveCount(1);
  await fresh.part("tour-next").click();
  await expect(fresh.part("tour")).toBeHidden();
  expect(await fresh.page.evaluate(() => localStorage.getItem("segserve.tour"))).toBe("done");
});

test("Esc skips it at any moment and does nothing else", async ({ fresh }) => {
  await begin(fresh);
  await fresh.choose(samplePicture("table"));
  await fresh.ready();
  await fresh.click([0.42, 0.3]);
  await fresh.key("Escape");
  await expect(fresh.part("tour")).toBeHidden();
  await expect(fresh.part("draft")).toHaveAttribute("data-status", "done");
  await fresh.key("Escape");
  await expect(fresh.part("draft")).toHaveAttribute("data-status", "empty");
});

test("it is walked with keys, and started again from the settings and from the sheet", async ({ fresh }) => {
  await begin(fresh);
  await expect(fresh.part("tour-next")).toBeFocused();
  await fresh.key("Enter");
  await expectStep(fresh, "click");
  await fresh.part("tour-back").click();
  await expectStep(fresh, "open");
  await fresh.part("tour-skip").click();
  await expect(fresh.part("tour")).toBeHidden();
  await fresh.part("settings").click();
  await fresh.part("settings-tour").click();
  await expectStep(fresh, "open");
  await fresh.key("?");
  await expect(fresh.part("key-sheet")).toBeVisible();
  await fresh.key("Escape"); // closes the sheet, not the tour
  await expect(fresh.part("key-sheet")).toBeHidden();
  await expectStep(fresh, "open");
  await fresh.key("Escape");
  await expect(fresh.part("tour")).toBeHidden();
  await fresh.key("?");
  await fresh.part("keys-tour").click();
  await expectStep(fresh, "open");
});

test("an Esc that follows at once on the one that closed the sheet ends the tour", async ({ fresh }) => {
  await begin(fresh);
  await fresh.key("?");
  await expect(fresh.part("key-sheet")).toBeVisible();
  await fresh.part("key-sheet").evaluate((sheet: HTMLDialogElement) => {
    sheet.requestClose(); // as Esc does: its event `close` comes in a task of its own, later than the next key
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
  });
  await expect(fresh.part("tour")).toBeHidden();
  await expect(fresh.part("key-sheet")).toBeHidden();
});

test("an automated browser that does not ask for it is left alone", async ({ fresh }) => {
  await fresh.visit();
  await expect(fresh.part("tour")).toBeHidden();
});

for (const [width, height] of [[360, 740], [1280, 800], [3840, 2160]] as const) {
  test(`its card lies in the window, beside what it is about: ${width} × ${height}`, async ({ fresh }) => {
    await fresh.page.setViewportSize({ width, height });
    await begin(fresh);
    await fresh.choose(samplePicture("table"));
    await fresh.ready();
    await fresh.part("tour-back").click();
    for (const step of ["open", "click", "correct", "accept", "keep"]) {
      await expectStep(fresh, step);
      await expect(async () => {
        const box = await fresh.part("tour").boundingBox();
        if (box === null) throw new Error("There is no card.");
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.y).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
        expect(box.y + box.height).toBeLessThanOrEqual(height);
      }).toPass();
      await fresh.part("tour-next").click();
    }
    await expect(fresh.part("tour")).toBeHidden();
  });
} // prettier-ignore

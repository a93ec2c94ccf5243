import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";
import { LOCALE } from "./page/words";

function folderOfPictures(): string {
  const folder = mkdtempSync(join(tmpdir(), "segserve-"));
  mkdirSync(join(folder, "more"));
  writeFileSync(join(folder, "b.jpg"), samplePicture("table").buffer);
  writeFileSync(join(folder, "more", "a.jpg"), samplePicture("desk").buffer);
  writeFileSync(join(folder, "notes.doc"), "no picture");
  return folder;
}

test("a folder is dropped on the page, as a file manager drops it", async ({ alone: studio }) => {
  const session = await studio.page.context().newCDPSession(studio.page);
  const data = { items: [], files: [folderOfPictures()], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 600, y: 400, data });
    if (type === "dragOver") await expect(studio.part("drop-veil")).toBeVisible();
  }
  await expect(studio.part("strip-entry")).toHaveCount(2);
  await expect(studio.part("drop-veil")).toBeHidden();
  await expect(studio.notice("opened_some")).toBeVisible();
  await studio.ready();
});

test("a folder is opened by its own dialog, with what is in its folders", async ({ alone: studio }) => {
  // Playwright catches the browser's dialogs while somebody listens, and a key is quicker than its beginning to.
  studio.page.on("filechooser", () => undefined);
  const folder = folderOfPictures();
  const [chooser] = await Promise.all([
    studio.page.waitForEvent("filechooser"),
    studio.part("open-folder").first().click(),
  ]);
  await chooser.setFiles(folder);
  await expect(studio.part("strip-entry")).toHaveCount(2);
  await expect(studio.notice("opened_some")).toBeVisible();
  await studio.ready();

  await test.step("and from the menu beside Open, by keys", async () => {
    await studio.part("open-more").focus();
    await studio.key("Enter");
    await expect(studio.part("open-folder")).toBeFocused();
    const [again] = await Promise.all([studio.page.waitForEvent("filechooser"), studio.key("Enter")]);
    await again.setFiles(folder);
    await expect(studio.part("strip-entry")).toHaveCount(4);
  });

  await test.step("Open itself still asks for files", async () => {
    const [files] = await Promise.all([studio.page.waitForEvent("filechooser"), studio.part("command-open").click()]);
    expect(files.isMultiple()).toBe(true);
    await files.setFiles({ ...samplePicture("garden") });
    await expect(studio.part("strip-entry")).toHaveCount(5);
  });
});

test("a picture is dragged from another page: its pixels are taken, its address alone is not loaded", async ({
  alone: studio,
}) => {
  const drop = (text: string, name: string | null): Promise<void> =>
    studio.page.evaluate(
      async ([data, file]) => {
        const transfer = new DataTransfer();
        transfer.setData("text/uri-list", data);
        if (file !== null) {
          const blob = await (await fetch("/samples/garden.jpg")).blob();
          transfer.items.add(new File([blob], file, { type: "image/jpeg" }));
        }
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      },
      [text, name] as const,
    );
  await drop("https://pictures.example/a.jpg", null);
  await expect(studio.notice("url_refused")).toBeVisible();
  await drop("https://pictures.example/a.jpg", "a.jpg"); // browsers hand over what they have loaded already
  await expect(studio.part("picture-name")).toContainText("a.jpg");
  await studio.ready();
  const pixel =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
  await drop(pixel, null);
  await expect(studio.part("strip-entry")).toHaveCount(2);
});

test("where there is a finger there is a camera", async ({ browser, baseURL }) => {
  const context = await browser.newContext({
    locale: LOCALE,
    baseURL: baseURL ?? "",
    viewport: { width: 400, height: 800 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await page.goto("/");
  const camera = page.getByTestId("open-camera");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), camera.click()]);
  expect(await page.getByTestId("file-input").getAttribute("capture")).toBe("environment");
  await chooser.setFiles({ ...samplePicture("garden") });
  await expect(page.getByTestId("picture-name")).toContainText("garden.jpg");
  await context.close();
});

import type { Buffer } from "node:buffer";
import { areaOf, iouOf } from "./page/masks";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { wording, words } from "./page/words";
import { makeObject, openAll, TABLE } from "./page/work";

/** Drags along places of the picture. */
async function drag(studio: Studio, ...places: readonly (readonly [number, number])[]): Promise<void> {
  const spots = [];
  for (const place of places) spots.push(await studio.spot(place));
  const [first, ...rest] = spots;
  if (first === undefined) return;
  await studio.page.mouse.move(first.x, first.y);
  await studio.page.mouse.down();
  for (const { x, y } of rest) await studio.page.mouse.move(x, y, { steps: 6 });
  await studio.page.mouse.up();
}

test.describe("several pictures", () => {
  test("are opened at once, walked by keys, and each keeps its objects and its undo", async ({ alone: studio }) => {
    await openAll(studio);
    await expect(studio.part("picture-name")).toContainText("desk.jpg");
    await makeObject(studio, [0.4, 0.5]);
    const mask = await studio.mask();
    await studio.key("d");
    await expect(studio.part("picture-name")).toContainText("garden.jpg");
    await studio.ready();
    expect(await studio.see("objects")).toBe(0);
    await expect.poll(async () => (await studio.recorded()).held).toBe(0); // the closed picture's masks are let go
    await makeObject(studio, [0.5, 0.5]);
    await studio.key("a");
    await expect(studio.part("picture-name")).toContainText("desk.jpg");
    await studio.ready();
    expect(await studio.see("objects")).toBe(1);
    expect(iouOf(await studio.mask(), mask)).toBe(1);
    await studio.key("Control+z");
    expect(await studio.see("objects")).toBe(0);
    await studio.settled();
    expect(iouOf(await studio.mask(), mask)).toBe(1);
  });

  test("are encoded before they are asked for, so that the next one is there at once", async ({ alone: studio }) => {
    await openAll(studio);
    await expect(studio.part("strip-entry").nth(1)).toHaveAttribute("data-phase", "encoded");
    await expect(studio.part("strip").locator("img")).toHaveCount(3);
    const before = (await studio.recorded()).phases.length;
    await studio.key("d");
    await expect(studio.part("picture-name")).toContainText("garden.jpg");
    await studio.ready();
    const phases = (await studio.recorded()).phases.slice(before);
    expect(phases).not.toContain("uploading");
    expect(phases).not.toContain("encoding");
  });

  test("can be taken away, and the last one leaves the empty page", async ({ alone: studio }) => {
    await openAll(studio);
    for (const left of [2, 1]) {
      await studio.part("strip-entry").first().hover();
      await studio.part("strip-remove").first().click();
      await expect.poll(() => studio.see("pictures")).toBe(left);
    }
    await studio.ready();
    await expect(studio.part("strip")).toHaveCount(0);
  });
});

test("the badge tells of threads, milliseconds, the embedding and where it came from", async ({ alone: studio }) => {
  await studio.open(TABLE);
  await studio.click([0.4, 0.5]);
  await studio.part("engine-badge").click();
  await expect(studio.part("engine-decode")).toContainText(wording("time.ms"));
  await expect(studio.part("engine-embedding")).toContainText(/kB|MB/);
  await expect(studio.part("engine-from")).toContainText(
    new RegExp(`${words("engine.panel.from.encoded")}|${words("engine.panel.from.server")}`),
  );
  await studio.key("Escape");
  await expect(studio.part("engine-panel")).toBeHidden();
  await studio.page.waitForTimeout(800); // changes are gathered for a moment before they are written
  await studio.page.reload();
  await studio.ready();
  await studio.part("engine-badge").click();
  await expect(studio.part("engine-from")).toContainText(words("engine.panel.from.storage"));
});

test.describe("mending by hand", () => {
  test("brush and eraser change the mask, the next click goes on from it, undo takes it back", async ({
    alone: studio,
  }) => {
    await studio.open(TABLE);
    await studio.click([0.31, 0.655]);
    const clicked = await studio.mask();
    await studio.key("p");
    await drag(studio, [0.7, 0.2], [0.8, 0.2]);
    await expect.poll(async () => areaOf(await studio.mask())).toBeGreaterThan(areaOf(clicked));
    const painted = await studio.mask();
    await expect(studio.part("score")).toHaveText(words("draft.by_hand"));
    await studio.key("r");
    await drag(studio, [0.7, 0.2], [0.8, 0.2]);
    await expect.poll(async () => areaOf(await studio.mask())).toBe(areaOf(clicked));
    await studio.key("Control+z");
    await studio.settled();
    expect(iouOf(await studio.mask(), painted)).toBe(1);
    await studio.key("Control+z");
    await studio.settled();
    expect(iouOf(await studio.mask(), clicked)).toBe(1);
  });

  test("holes are filled, edges grow and shrink", async ({ alone: studio }) => {
    await studio.open(TABLE);
    await studio.key("p");
    await drag(studio, [0.3, 0.3], [0.5, 0.3], [0.5, 0.6], [0.3, 0.6], [0.3, 0.3]);
    await studio.settled();
    const ring = areaOf(await studio.mask());
    await studio.key("Shift+F");
    await expect.poll(async () => areaOf(await studio.mask())).toBeGreaterThan(ring * 2);
    const full = areaOf(await studio.mask());
    await studio.key(".");
    await expect.poll(async () => areaOf(await studio.mask())).toBeGreaterThan(full);
    await studio.key(",");
    await expect.poll(async () => areaOf(await studio.mask())).toBeLessThan(full + 400);
  });

  test("a lasso and a scribble are prompts, a polygon's corners can be drawn and moved", async ({ alone: studio }) => {
    await studio.open(TABLE);
    await studio.key("l");
    await drag(studio, [0.2, 0.5], [0.45, 0.5], [0.45, 0.8], [0.2, 0.8], [0.2, 0.55]);
    await studio.settled();
    expect(areaOf(await studio.mask())).toBeGreaterThan(500);
    await studio.key("Escape");
    await studio.key("s");
    await drag(studio, [0.28, 0.65], [0.36, 0.66]);
    await studio.settled();
    expect(areaOf(await studio.mask())).toBeGreaterThan(500);
    await studio.key("Escape");
    await studio.key("g");
    for (const place of [
      [0.6, 0.2],
      [0.8, 0.2],
      [0.8, 0.4],
      [0.6, 0.2],
    ] as const)
      await studio.press(place);
    await expect.poll(() => studio.see("busy")).toBe(false);
    const triangle = areaOf(await studio.mask());
    const { width, height } = await studio.size();
    expect(Math.abs(triangle / (0.02 * width * height) - 1)).toBeLessThan(0.05);
    await drag(studio, [0.8, 0.4], [0.8, 0.6]);
    await expect.poll(async () => areaOf(await studio.mask())).toBeGreaterThan(triangle * 1.8);
  });

  test("a dragged point asks again from its new place", async ({ alone: studio }) => {
    await studio.open(TABLE);
    await studio.click([0.31, 0.655]);
    const before = await studio.mask();
    const steps = await studio.see("steps");
    await drag(studio, [0.31, 0.655], [0.75, 0.3]);
    await expect.poll(() => studio.see("steps")).toBe(steps + 1);
    await studio.settled();
    expect(iouOf(await studio.mask(), before)).toBeLessThan(0.5);
  });
});

test.describe("objects", () => {
  test("have classes, locks, an order, and can be merged and cut from each other", async ({ alone: studio }) => {
    await studio.open(TABLE);
    await studio.part("next-label").selectOption({ label: words("label.new") });
    await studio.part("next-label-field").fill("cup");
    await studio.key("Enter");
    await makeObject(studio, [0.31, 0.655]);
    await makeObject(studio, [0.42, 0.3]);
    await expect(studio.part("object-label").first()).toHaveValue("cup");
    const rows = studio.part("object");
    await studio.part("next-label").selectOption({ label: words("label.new") });
    await studio.part("next-label-field").fill("plate");
    await studio.key("Enter");
    await rows.nth(1).getByTestId("object-select").click();
    await studio.key("Alt+2"); // of the object that is edited
    await expect(studio.part("object-label").nth(1)).toHaveValue("plate");
    await expect(studio.part("next-label")).toHaveValue("plate");
    await studio.key("Escape");
    await studio.key("Alt+1"); // of the next ones
    await expect(studio.part("next-label")).toHaveValue("cup");
    await expect(studio.part("object-label").nth(1)).toHaveValue("plate");
    await rows.first().hover();
    await rows.first().getByTestId("object-lock").click();
    await rows.first().getByTestId("object-select").click();
    await expect(rows.first()).not.toHaveClass(/is-selected/);
    await rows.first().hover();
    await rows.first().getByTestId("object-lock").click();
    for (const n of [0, 1])
      await rows
        .nth(n)
        .getByTestId("object-select")
        .click({ modifiers: ["Shift"] });
    await studio.key("Shift+M");
    await expect.poll(() => studio.see("objects")).toBe(1);
    await studio.key("Control+z");
    await expect.poll(() => studio.see("objects")).toBe(2);
  });

  test("are picked on the picture with the select tool", async ({ alone: studio }) => {
    await studio.open(TABLE);
    await makeObject(studio, [0.31, 0.655]);
    await studio.key("w");
    await studio.press([0.31, 0.655]);
    await expect(studio.part("object")).toHaveClass(/is-selected/);
  });
});

test("what was exported of all pictures is imported again", async ({ alone: studio }) => {
  await openAll(studio);
  await makeObject(studio, [0.4, 0.5]);
  const mask = await studio.mask();
  await studio.key("d");
  await studio.ready();
  await makeObject(studio, [0.5, 0.5]);
  await studio.part("download").click();
  await studio.part("download-every").click();
  const [download] = await Promise.all([studio.page.waitForEvent("download"), studio.part("download-coco").click()]);
  const bytes: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) bytes.push(chunk as Buffer);
  const { Buffer: Bytes } = await import("node:buffer");
  await studio.part("strip-entry").first().click();
  await expect(studio.part("picture-name")).toContainText("desk.jpg");
  await studio.ready();
  await studio.part("file-input").setInputFiles({
    name: "coco.json",
    mimeType: "application/json",
    buffer: Bytes.concat(bytes),
  });
  await expect(studio.notice("import_done")).toBeVisible();
  await expect.poll(() => studio.see("objects")).toBe(2);
  expect(iouOf(await studio.mask(), mask)).toBe(1);
});

test("far in, what is in sight is encoded by itself and answers clicks in it", async ({ alone: studio }) => {
  await studio.open(TABLE);
  const { x, y } = await studio.spot([0.31, 0.655]);
  await studio.page.mouse.move(x, y);
  for (let i = 0; i < 8; i++) await studio.page.mouse.wheel(0, -240);
  await expect(studio.part("region-chip")).toBeVisible();
  await studio.key("z");
  await expect(studio.part("region-chip")).toHaveAttribute("data-active", "true");
  await studio.ready();
  await studio.page.mouse.click(x, y);
  await studio.settled();
  const mask = await studio.mask();
  const { width, height } = await studio.size();
  expect([mask.width, mask.height]).toEqual([width, height]);
  expect(areaOf(mask)).toBeGreaterThan(0);
  await studio.key("Shift+Z");
  await expect(studio.part("region-chip")).toHaveAttribute("data-active", "false");
});

import { pixelsOf, samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";

test.beforeEach(async ({ studio }) => {
  await studio.open(samplePicture("table"));
  await studio.key("f");
});

type Camera = DebugView["camera"];

/** The point of the picture under a place of the canvas. */
function under(camera: Camera, x: number, y: number): [number, number] {
  return [(x - camera.x) / camera.zoom, (y - camera.y) / camera.zoom];
}

function expectNear(actual: readonly number[], wanted: readonly number[], tolerance: number): void {
  wanted.forEach((value, i) => expect(Math.abs(value - (actual[i] ?? NaN))).toBeLessThan(tolerance));
}

test("the wheel zooms, and the point under the cursor stays there", async ({ studio }) => {
  const { x, y } = await studio.spot([0.7, 0.35]);
  await studio.page.mouse.move(x, y);
  const start = await studio.see("camera");
  for (const turn of [-240, -240, -240, 120, -480, 240]) {
    const before = await studio.see("camera");
    await studio.page.mouse.wheel(0, turn);
    await expect.poll(async () => (await studio.see("camera")).zoom).not.toBe(before.zoom);
    const after = await studio.see("camera");
    expect(after.zoom > before.zoom).toBe(turn < 0);
    expectNear(under(after, x, y), under(start, x, y), 0.01);
  }
  await expect(studio.part("zoom")).toContainText(`${Math.round((await studio.see("camera")).zoom * 100)}%`);
  await studio.key("f");
  expect(await studio.see("camera")).toEqual(start);
});

const PANS: Record<string, (studio: Studio) => Promise<() => Promise<void>>> = {
  "Space and drag": async ({ page }) => {
    await page.keyboard.down("Space");
    await page.mouse.down();
    return async () => {
      await page.mouse.up();
      await page.keyboard.up("Space");
    };
  },
  "the middle button": async ({ page }) => {
    await page.mouse.down({ button: "middle" });
    return () => page.mouse.up({ button: "middle" });
  },
  "the hand tool": async ({ page }) => {
    await page.keyboard.press("h");
    await page.mouse.down();
    return async () => {
      await page.mouse.up();
      await page.keyboard.press("v");
    };
  },
};

for (const [name, press] of Object.entries(PANS)) {
  test(`${name} moves the picture and makes no prompt`, async ({ studio }) => {
    const [before, steps] = [await studio.see("camera"), await studio.see("steps")];
    await studio.page.mouse.move(500, 400);
    const letGo = await press(studio);
    await studio.page.mouse.move(530, 380);
    await studio.page.mouse.move(560, 360);
    await letGo();
    const after = await studio.see("camera");
    expectNear([after.x, after.y, after.zoom], [before.x + 60, before.y - 40, before.zoom], 0.01);
    expect(await studio.see("steps")).toBe(steps);
  });
}

test("the buttons zoom too, and the picture cannot be lost", async ({ studio }) => {
  const { zoom } = await studio.see("camera");
  await studio.part("command-zoom.in").click();
  expect((await studio.see("camera")).zoom).toBeCloseTo(zoom * 1.25, 5);
  await studio.part("command-zoom.out").click();
  await studio.page.mouse.move(500, 400);
  await studio.page.mouse.down({ button: "middle" });
  await studio.page.mouse.move(5000, 4000);
  await studio.page.mouse.up({ button: "middle" });
  const { x, y } = await studio.see("camera");
  const view = studio.page.viewportSize() ?? { width: 0, height: 0 };
  expect(x).toBeLessThan(view.width);
  expect(y).toBeLessThan(view.height);
  await studio.part("command-zoom.fit").click();
});

test("the same click means the same at any zoom", async ({ studio }) => {
  const { x, y } = await studio.spot([0.42, 0.3]);
  await studio.page.mouse.click(x, y);
  await expect.poll(() => studio.see("scores")).toHaveLength(3);
  const mask = await studio.rle();
  await studio.key("Escape");
  await studio.page.mouse.move(x, y);
  await studio.page.mouse.wheel(0, -240);
  await studio.page.mouse.wheel(0, -240);
  await studio.page.mouse.click(x, y);
  await expect.poll(() => studio.see("scores")).toHaveLength(3);
  expect(await studio.rle()).toEqual(mask);
});

test("what is painted is the mask: its pixels are tinted, the others are not", async ({ studio }) => {
  await studio.page.mouse.move(2, 2);
  const shot = async (): Promise<Uint8Array> => (await pixelsOf(studio.page, await studio.page.screenshot())).data;
  const plain = await shot();
  await studio.click([0.42, 0.3]);
  await studio.page.mouse.move(2, 2);
  const mask = await studio.mask();
  const painted = await shot();
  const [{ width }, camera] = [studio.page.viewportSize() ?? { width: 0 }, await studio.see("camera")];
  let [agreeing, looked] = [0, 0];
  for (let row = 15; row < mask.height; row += 31) {
    for (let column = 15; column < mask.width; column += 31) {
      const x = Math.round(camera.x + (column + 0.5) * camera.zoom);
      const y = Math.round(camera.y + (row + 0.5) * camera.zoom);
      const at = (y * width + x) * 4;
      const tinted = [0, 1, 2].some((c) => Math.abs((plain[at + c] ?? 0) - (painted[at + c] ?? 0)) > 6);
      const inside = mask.pixels[row * mask.width + column] === 1;
      looked++;
      if (tinted === inside) agreeing++;
    }
  }
  expect(agreeing / looked).toBeGreaterThan(0.95); // the outline and the point are painted, too
});

test("fingers: a tap is a click, one that drags moves the picture, two zoom it", async ({ studio }) => {
  const { page } = studio;
  const touch = await page.context().newCDPSession(page);
  type Finger = readonly [x: number, y: number];
  const send = (type: "touchStart" | "touchMove" | "touchEnd", ...fingers: Finger[]): Promise<unknown> =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: fingers.map(([x, y], id) => ({ x, y, id })) });

  const { x, y } = await studio.spot([0.42, 0.3]);
  await send("touchStart", [x, y]);
  await send("touchEnd");
  await expect.poll(() => studio.see("scores")).toHaveLength(3);

  const steps = await studio.see("steps");
  const before = await studio.see("camera");
  await send("touchStart", [500, 400]);
  await send("touchMove", [520, 410]);
  await send("touchMove", [550, 420]);
  await send("touchEnd");
  const moved = await studio.see("camera");
  expect(moved.zoom).toBe(before.zoom);
  expect(moved.x).toBeGreaterThan(before.x + 20);

  await send("touchStart", [450, 400]);
  await send("touchStart", [450, 400], [550, 400]);
  await send("touchMove", [400, 400], [600, 400]);
  await send("touchEnd");
  expect((await studio.see("camera")).zoom).toBeGreaterThan(moved.zoom * 1.5);
  expect(await studio.see("steps")).toBe(steps);
  await touch.detach();
});

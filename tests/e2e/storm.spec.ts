import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";

/** `STORM_SECONDS=60 npx playwright test storm` is the long one. */
const SECONDS = Number(process.env["STORM_SECONDS"] ?? 6);

test("a storm of pointer moves: previews never queue, and what is shown at its end is what lies under the pointer", async ({
  alone: studio,
}) => {
  test.setTimeout(120_000 + SECONDS * 1000);
  const { page } = studio;
  await studio.open(samplePicture("table"));
  const before = (await studio.recorded()).tasks.length;
  let moves = 0;
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end; moves++) {
    const turn = moves / 25;
    const { x, y } = await studio.spot([0.5 + 0.35 * Math.cos(turn), 0.5 + 0.35 * Math.sin(1.7 * turn)]);
    await page.mouse.move(x, y, { steps: 4 });
  }
  const place = [0.42, 0.3] as const;
  const { x, y } = await studio.spot(place);
  await page.mouse.move(x, y);
  await expect.poll(() => studio.see("hovering")).toBe(true);
  const { tasks, most } = await studio.recorded();
  const previews = tasks.slice(before).filter((kind) => kind === "hover").length;
  expect(previews).toBeGreaterThan(SECONDS); // at least one a second, on any machine
  expect(previews).toBeLessThanOrEqual(moves * 4 + 2);
  expect(most.hover).toBe(1); // one is worked on, none waits in the worker
  await page.waitForTimeout(300);
  const { hover } = await studio.see("sums");
  await studio.click(place);
  expect(hover).not.toBeNull();
  expect((await studio.see("sums")).draft).toBe(hover);
});

import { begin, choose } from "./page/clicking";
import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";
import { words } from "./page/words";

test("where it looks is shown while it thinks, and no longer", async ({ alone }) => {
  await begin(alone, "interactive");
  const look = async (place: readonly [number, number]): Promise<number> => {
    const seen = alone.page.waitForFunction(() => window.__segserve.looking?.width, null, { polling: "raf" });
    await alone.click(place);
    expect(await alone.see("looking")).toBeNull();
    return (await (await seen).jsonValue()) ?? 0;
  };
  expect(await look([0.42, 0.3])).toBeGreaterThan(0);
  const crop = await look([0.47, 0.3]);
  expect(crop).toBeGreaterThan(0);
  expect(crop).toBeLessThan((await alone.size()).width);
});

test("the switch names three modes with a sentence each, walked by key and kept for the next visit", async ({
  alone,
}) => {
  await alone.open(samplePicture("table"));
  const hints = new Set<string | null>();
  for (const clicking of ["promptable", "refine", "interactive"] as const) {
    await choose(alone, clicking);
    await expect(alone.part("clicking-hint")).toBeVisible();
    hints.add(await alone.part("clicking-hint").textContent());
    expect(await alone.part(`clicking-${clicking}`).getAttribute("title")).toBeTruthy();
  }
  expect(hints.size).toBe(3);
  await alone.key("i");
  await expect(alone.part("clicking-promptable")).toHaveAttribute("aria-checked", "true");
  await alone.key("i");
  await expect(alone.part("clicking-refine")).toHaveAttribute("aria-checked", "true");
  await alone.part("clicking-refine").focus();
  for (const [key, clicking] of [["ArrowLeft", "promptable"], ["ArrowUp", "interactive"], ["Home", "promptable"]] as const) {
    await alone.key(key);
    await expect(alone.part(`clicking-${clicking}`)).toBeFocused();
    await expect(alone.part(`clicking-${clicking}`)).toHaveAttribute("aria-checked", "true");
  } // prettier-ignore
  await alone.key("End");
  await expect(alone.part("announcer")).toContainText(words("clicking.interactive"));
  await alone.page.reload();
  await alone.ready();
  await expect(alone.part("clicking-interactive")).toHaveAttribute("aria-checked", "true");
});

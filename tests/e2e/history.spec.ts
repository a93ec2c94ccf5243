import type { Rle } from "./page/masks";
import { samplePicture } from "./page/pictures";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { words } from "./page/words";

test.beforeEach(({ studio }) => studio.open(samplePicture("table")));

async function decodesDuring(studio: Studio, act: () => Promise<void>): Promise<string[]> {
  const before = (await studio.recorded()).tasks.length;
  await act();
  return (await studio.tasksAfter(before)).filter((kind) => kind === "decode");
}

test("undo and redo restore each mask to the byte, without decoding again", async ({ studio }) => {
  const masks: Rle[] = [];
  await studio.click([0.42, 0.3]);
  masks.push(await studio.rle());
  await studio.key("2");
  masks.push(await studio.rle());
  await studio.click([0.3, 0.27]);
  masks.push(await studio.rle());
  await studio.click([0.5, 0.62], { button: "right" });
  masks.push(await studio.rle());
  await studio.page.mouse.move(2, 2);

  const decodes = await decodesDuring(studio, async () => {
    for (const mask of masks.slice(0, -1).reverse()) {
      await studio.key("Control+z");
      expect(await studio.rle()).toEqual(mask);
    }
    for (const mask of masks.slice(1)) {
      await studio.key("Control+Shift+z");
      expect(await studio.rle()).toEqual(mask);
    }
  });
  expect(decodes).toEqual([]);
});

test("after an undo the same click feeds the same logits back and gives the same mask", async ({ studio }) => {
  await studio.click([0.42, 0.3]);
  await studio.key("3");
  await studio.click([0.3, 0.27]);
  const mask = await studio.rle();
  await studio.part("command-undo").click();
  await studio.click([0.3, 0.27]);
  expect(await studio.rle()).toEqual(mask);
});

test("undo goes back to the empty picture, and its button is then off", async ({ studio }) => {
  await expect(studio.part("command-undo")).toBeDisabled();
  await studio.click([0.42, 0.3]);
  await studio.part("command-undo").click();
  await expect(studio.part("draft")).toHaveAttribute("data-status", "empty");
  await expect(studio.part("command-undo")).toBeDisabled();
  await studio.part("command-redo").click();
  await expect(studio.part("draft")).toHaveAttribute("data-status", "done");
  await expect(studio.part("command-redo")).toBeDisabled();
});

test("1, 2, 3 and the pictures of them choose among three candidates", async ({ studio }) => {
  await studio.click([0.42, 0.3]);
  const scores = await studio.see("scores");
  expect([...scores].sort((a, b) => (b ?? 0) - (a ?? 0))).toEqual(scores);
  const byKey = [];
  for (const n of [1, 2, 3]) {
    await studio.key(`${n}`);
    await expect(studio.part(`candidate-${n}`)).toHaveAttribute("aria-checked", "true");
    await expect(studio.part("score")).toContainText((scores[n - 1] ?? 0).toFixed(2));
    byKey.push((await studio.rle()).counts);
  }
  expect(new Set(byKey).size).toBe(3);
  await studio.part("candidate-1").click();
  expect((await studio.rle()).counts).toBe(byKey[0]);
});

test("a click on a point takes it back; the newest one leaves what was before", async ({ studio }) => {
  await studio.click([0.42, 0.3]);
  const one = await studio.rle();
  await studio.click([0.3, 0.27]);
  const decodes = await decodesDuring(studio, async () => {
    await studio.press([0.3, 0.27]);
    expect(await studio.rle()).toEqual(one);
  });
  expect(decodes).toEqual([]);
  await studio.press([0.42, 0.3]);
  await expect(studio.part("draft")).toHaveAttribute("data-status", "empty");
});

test("Esc gives the object up, Enter and N accept it, and each can be undone", async ({ studio }) => {
  await studio.click([0.42, 0.3]);
  await studio.key("Escape");
  await expect(studio.part("draft")).toHaveAttribute("data-status", "empty");
  expect(await studio.see("objects")).toBe(0);
  await studio.key("Control+z");
  await studio.key("Enter");
  await expect(studio.part("object")).toHaveCount(1);
  await studio.click([0.8, 0.7]);
  await studio.key("n");
  await expect(studio.part("object")).toHaveCount(2);
  await studio.key("Control+z");
  await expect(studio.part("object")).toHaveCount(1);
  await expect(studio.part("draft")).toHaveAttribute("data-status", "done");
});

test("several objects: refine one, rename it, hide it, delete it", async ({ studio }) => {
  for (const place of [[0.42, 0.3], [0.8, 0.75], [0.15, 0.45]] as const) {
    await studio.click(place);
    await studio.key("Enter");
  } // prettier-ignore
  await expect(studio.part("object")).toHaveCount(3);
  const last = await studio.rle();

  await studio.part("object-select").first().click();
  await expect(studio.part("draft")).toContainText(words("draft.editing", { name: words("object.default", { n: 1 }) }));
  expect(await studio.rle()).not.toEqual(last);
  await studio.click([0.3, 0.27]);
  await studio.key("Enter");
  await expect(studio.part("object")).toHaveCount(3);

  await studio.part("object").first().hover();
  await studio.part("object-rename").first().click();
  await studio.part("object-name-field").fill("teapot");
  await studio.key("Enter");
  await expect(studio.part("object").first()).toContainText("teapot");
  await studio.part("object").first().hover();
  await studio.part("object-rename").first().click();
  await studio.part("object-name-field").fill("kettle");
  await studio.key("Escape");
  await expect(studio.part("object").first()).toContainText("teapot");
  await studio.key("Control+z"); // one step for one name
  await expect(studio.part("object").first()).toContainText(words("object.default", { n: 1 }));
  await studio.key("Control+Shift+z");

  await studio.part("object").nth(1).hover();
  await studio.part("object-toggle").nth(1).click();
  await expect(studio.part("object-toggle").nth(1)).toHaveAttribute("aria-pressed", "true");
  await studio.part("object-delete").nth(1).click();
  await expect(studio.part("object")).toHaveCount(2);
  await studio.key("Control+z");
  await expect(studio.part("object")).toHaveCount(3);
  await studio.part("object-select").nth(2).click();
  await studio.key("Delete");
  await expect(studio.part("object")).toHaveCount(2);
});

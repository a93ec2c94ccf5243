import { decodeRle, iouOf } from "./page/masks";
import { quadrants, samplePicture } from "./page/pictures";
import type { Prompt } from "./page/predict";
import type { Studio } from "./page/studio";
import { expect, test } from "./page/test";

const LEAST_IOU = 0.995;

/** The page's mask against the server's for the same prompt; the two run the same decoder bytes on the same embedding. */
async function expectSameMask(studio: Studio, prompt: Prompt, multimask: boolean, candidate = 0): Promise<void> {
  const theirs = (await (await studio.server()).masks(prompt, multimask))[candidate];
  if (theirs === undefined) throw new Error(`The server has no candidate ${candidate}.`);
  expect(iouOf(await studio.mask(), decodeRle(theirs.segmentation))).toBeGreaterThanOrEqual(LEAST_IOU);
  expect((await studio.see("scores"))[candidate]).toBeCloseTo(theirs.predicted_iou, 2);
}

const PICTURES = {
  landscape: () => Promise.resolve(samplePicture("table")),
  portrait: () => Promise.resolve(samplePicture("garden")),
  "EXIF-turned": (studio: Studio) => quadrants(studio.page, 6),
};

for (const [kind, picture] of Object.entries(PICTURES)) {
  test.describe(`the browser's mask is the server's on a ${kind} picture`, () => {
    test.beforeEach(async ({ studio }) => studio.open(await picture(studio)));

    test("for a point, with each of its three candidates", async ({ studio }) => {
      const point = await studio.click([0.31, 0.655]);
      const prompt = { point_coords: [point], point_labels: [1] };
      for (const candidate of [0, 1, 2]) {
        await studio.key(`${candidate + 1}`);
        await expectSameMask(studio, prompt, true, candidate);
      }
    });

    test("for a box", async ({ studio }) => {
      const box = await studio.dragBox([0.15, 0.5], [0.55, 0.9]);
      await expectSameMask(studio, { box }, true);
    });

    test("for a box and a negative point", async ({ studio }) => {
      const box = await studio.dragBox([0.2, 0.2], [0.8, 0.8]);
      const mask_input = await (await studio.server()).logits({ box }, true);
      const point = await studio.click([0.7, 0.7], { button: "right" });
      const prompt = { point_coords: [point], point_labels: [0], box };
      await expectSameMask(studio, { ...prompt, mask_input }, false);
    });

    test("for several clicks, the logits fed back each time", async ({ studio }) => {
      const server = await studio.server();
      const first = await studio.click([0.31, 0.655]);
      await studio.key("2");
      const one: Prompt = { point_coords: [first], point_labels: [1] };
      const second = await studio.click([0.45, 0.7]);
      const two: Prompt = {
        point_coords: [first, second],
        point_labels: [1, 1],
        mask_input: await server.logits(one, true, 1),
      };
      await expectSameMask(studio, two, false);
      const third = await studio.click([0.6, 0.45], { shift: true });
      const three: Prompt = {
        point_coords: [first, second, third],
        point_labels: [1, 1, 0],
        mask_input: await server.logits(two, false),
      };
      await expectSameMask(studio, three, false);
    });
  });
}

test("points that stay after another was taken back are asked afresh, in their order", async ({ studio }) => {
  await studio.open(samplePicture("desk"));
  const box = await studio.dragBox([0.3, 0.4], [0.7, 0.8]);
  await studio.click([0.5, 0.55]);
  const negative = await studio.click([0.65, 0.45], { button: "right" });
  const steps = await studio.see("steps");
  await studio.press([0.5, 0.55]);
  await expect.poll(() => studio.see("steps")).toBe(steps + 1);
  await studio.settled();
  await expectSameMask(studio, { point_coords: [negative], point_labels: [0], box }, false);
});

test("a hurry of clicks ends with the mask of all of them", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  const steps = await studio.see("steps");
  for (const place of [[0.35, 0.3], [0.4, 0.34], [0.45, 0.38], [0.5, 0.3], [0.42, 0.25]] as const) await studio.press(place); // prettier-ignore
  await expect.poll(() => studio.see("steps")).toBe(steps + 5);
  await studio.settled();
  expect(await studio.see("scores")).toHaveLength(1);
  expect((await studio.rle()).size).toEqual([853, 1280]);
});

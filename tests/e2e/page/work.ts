import { expect } from "@playwright/test";
import { samplePicture } from "./pictures";
import type { Studio } from "./studio";

export const TABLE = samplePicture("table");
const GARDEN = samplePicture("garden");
const DESK = samplePicture("desk");

export async function openAll(studio: Studio): Promise<void> {
  await studio.part("file-input").setInputFiles([TABLE, GARDEN, DESK].map((file) => ({ ...file })));
  await expect(studio.part("strip-entry")).toHaveCount(3);
  await studio.ready();
}

export async function makeObject(studio: Studio, place: readonly [number, number]): Promise<void> {
  const objects = await studio.see("objects");
  await studio.click(place);
  await studio.key("Enter");
  await expect.poll(() => studio.see("objects")).toBe(objects + 1);
}

/** A second object in one tab; within the moment in which changes are gathered the other tab asks for the workspace, and has both. */
export async function handOver(studio: Studio, other: Studio): Promise<void> {
  await makeObject(studio, [0.84, 0.73]);
  await Promise.all([other.page.waitForEvent("load"), other.part("take-over").click()]);
  await other.ready();
  expect(await other.see("objects")).toBe(2);
  await expect(studio.part("yielded")).toBeVisible();
}

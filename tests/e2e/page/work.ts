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

import { expect } from "@playwright/test";
import type { PictureFile } from "./pictures";
import { samplePicture } from "./pictures";
import type { Studio } from "./studio";

type Clicking = "promptable" | "refine" | "interactive";

/** Opens a picture, the table unless told otherwise, to be clicked in that way. */
export async function begin(
  studio: Studio,
  clicking: Clicking,
  picture: PictureFile = samplePicture("table"),
): Promise<void> {
  await studio.open(picture);
  await choose(studio, clicking);
  await studio.page.mouse.move(2, 2);
}

export async function choose(studio: Studio, clicking: Clicking): Promise<void> {
  await studio.part(`clicking-${clicking}`).click();
  await expect(studio.part(`clicking-${clicking}`)).toHaveAttribute("aria-checked", "true");
}

import type { pictures as english } from "../en/pictures";
import type { Translated } from "../translated";

export const pictures: Translated<typeof english> = {};

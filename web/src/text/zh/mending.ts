import type { mending as english } from "../en/mending";
import type { Translated } from "../translated";

export const mending: Translated<typeof english> = {};

import type { files as english } from "../en/files";
import type { Translated } from "../translated";

export const files: Translated<typeof english> = {};

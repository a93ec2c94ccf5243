import { clicking } from "./clicking";
import { files } from "./files";
import { main } from "./main";
import { mending } from "./mending";
import { people } from "./people";
import { pictures } from "./pictures";

/** Simplified Chinese. Each area has its English counterpart's keys, or the compiler refuses it. */
export const zh = { ...main, ...clicking, ...pictures, ...mending, ...files, ...people } as const;

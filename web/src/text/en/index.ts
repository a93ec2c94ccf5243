import { clicking } from "./clicking";
import { files } from "./files";
import { main } from "./main";
import { mending } from "./mending";
import { people } from "./people";
import { pictures } from "./pictures";

/** English, by area, so that no file of texts grows without end. */
export const en = { ...main, ...clicking, ...pictures, ...mending, ...files, ...people } as const;

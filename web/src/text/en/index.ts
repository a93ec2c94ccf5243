import { files } from "./files";
import { main } from "./main";
import { mending } from "./mending";
import { people } from "./people";
import { pictures } from "./pictures";

/** English, by area, so that no file of texts grows without end. */
export const en = { ...main, ...pictures, ...mending, ...files, ...people } as const;

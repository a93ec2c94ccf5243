import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { COMMAND_IDS } from "../src/app/commands";
import { en } from "../src/text/en";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const source = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith("en.ts") && !path.endsWith("schema.d.ts"))
  .map((path) => readFileSync(root + path, "utf8"))
  .join("\n");

/** Names of keys that are put together: `phase.${name}`. Problems come with the server's codes. */
const made = [...source.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix = ""]) => prefix);

describe("the dictionary", () => {
  it("holds no word that nobody shows", () => {
    const unused = Object.keys(en).filter(
      (key) => !source.includes(`"${key}"`) && !made.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });

  it("has a name for each command", () => {
    expect(COMMAND_IDS.filter((id) => !(`command.${id}` in en))).toEqual([]);
  });
});

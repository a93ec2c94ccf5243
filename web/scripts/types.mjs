// Writes src/api/schema.d.ts from the server's OpenAPI snapshot; with --check only says whether it is up to date.
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import openapiTS, { astToString } from "openapi-typescript";
import { format } from "prettier";

const snapshot = new URL("../../tests/contract/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

const header = "// Made from tests/contract/openapi.json by `npm run types`. Do not edit.\n\n";
const source = astToString(await openapiTS(snapshot, { defaultNonNullable: false }));
const text = await format(header + source, { parser: "typescript", printWidth: 120, trailingComma: "all" });

if (process.argv.includes("--check")) {
  const present = await readFile(target, "utf8").catch(() => "");
  if (present !== text) {
    console.error("src/api/schema.d.ts is behind tests/contract/openapi.json: run `npm run types`.");
    process.exit(1);
  }
} else await writeFile(target, text);

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, it } from "vitest";

import { COMMAND_IDS } from "../src/app/commands";
import type { TextKey } from "../src/text";
import { languageFor, setLanguage, t } from "../src/text";
import { en } from "../src/text/en";
import { bytesText, numberText, percentText } from "../src/text/numbers";
import { zh } from "../src/text/zh";
import { durationText } from "../src/ui/quantities";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const source = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith("text/") && !path.endsWith("schema.d.ts"))
  .map((path) => readFileSync(root + path, "utf8"))
  .join("\n");

/** Names of keys that are put together: `phase.${name}`. Problems come with the server's codes. */
const made = [...source.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix = ""]) => prefix);
const keys = Object.keys(en) as TextKey[];

afterEach(() => setLanguage("en"));

describe("the dictionary", () => {
  it("holds no word that nobody shows", () => {
    const unused = keys.filter((key) => !source.includes(`"${key}"`) && !made.some((prefix) => key.startsWith(prefix)));
    expect(unused).toEqual([]);
  });

  it("has a name for each command", () => {
    expect(COMMAND_IDS.filter((id) => !(`command.${id}` in en))).toEqual([]);
  });
});

/** What the page never asks for, or mends by itself: everything else that the server may answer has words of its own. */
const UNMET = new Set([
  ...["invalid_request", "invalid_json", "invalid_multipart", "route_not_found", "method_not_allowed", "not_found"],
  ...["image_required", "image_id_invalid", "image_not_found", "image_expired", "embedding_invalid", "file_not_found"],
  ...["range_not_satisfiable", "model_kind_mismatch", "prompts_required", "prompt_empty", "prompt_invalid"],
  ...["too_many_prompts", "point_outside_image", "point_labels_mismatch", "point_label_invalid", "box_invalid"],
  ...["number_not_finite", "mask_input_invalid", "mask_invalid", "mask_size_mismatch", "clicks_required"],
  ...["box_unsupported", "logits_ref_not_found", "format_unsupported", "outline_too_long"],
]);

it("the server's problems have words", () => {
  const problems = readFileSync(new URL("../../server/api/problems.py", import.meta.url), "utf8");
  const codes = [...problems.matchAll(/^ {4}"(\w+)": Problem\(/gm)].map(([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(60);
  const met = codes.filter((code) => !UNMET.has(code) && !/^(session|nothing_to|bundle)_/.test(code));
  expect(met.filter((code) => !(`problem.${code}` in en))).toEqual([]);
});

describe("Chinese", () => {
  /** Names and what stands on keys are the same everywhere. */
  const SAME: readonly string[] = [
    "app.name",
    "engine.webgpu",
    "bar.picture",
    "settings.language.en",
    "settings.language.zh",
  ];
  const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

  it("fills in what English fills in", () => {
    for (const key of keys) expect(placeholders(zh[key]), key).toEqual(placeholders(en[key]));
  });

  it("has the same keys, none of them left in English", () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort());
    const english = keys.filter((key) => !SAME.includes(key) && !key.startsWith("key."));
    expect(english.filter((key) => zh[key] === en[key] || !/\p{Script=Han}/u.test(zh[key]))).toEqual([]);
  });

  it("has the punctuation of Chinese", () => {
    const latin = /\p{Script=Han}[,;:!?]|\p{Script=Han}\.(?:\s|$)/u;
    expect(keys.filter((key) => latin.test(zh[key]))).toEqual([]);
    expect(keys.filter((key) => key !== "settings.language.zh" && /\p{Script=Han}/u.test(en[key]))).toEqual([]);
  });
});

describe("the language", () => {
  it("is the first of the browser's that the page speaks", () => {
    const chinese = [["zh"], ["zh-CN"], ["zh-Hans"], ["zh-SG"], ["zh-Hans-HK"], ["de-DE", "zh-CN", "en"]];
    for (const tags of chinese) expect(languageFor(tags), tags.join()).toBe("zh");
    const english = [["en"], ["en-GB", "zh"], ["zh-TW"], ["zh-Hant", "en"], ["fr"], [], ["not a tag!", "en"]];
    for (const tags of english) expect(languageFor(tags), tags.join()).toBe("en");
  });

  it("changes words, and numbers by the language's rules", () => {
    expect([t("draft.score", { score: numberText(0.927, 2) }), durationText(1234)]).toEqual(["Score 0.93", "1.2 s"]);
    setLanguage("zh");
    expect([t("draft.score", { score: numberText(0.927, 2) }), durationText(1234)]).toEqual(["得分 0.93", "1.2 秒"]);
  });

  it("writes bytes as file dialogs do", () => {
    expect([12, 740_000, 4_230_000, 9_960_000, 1_234e6].map(bytesText)).toEqual([
      "1 kB",
      "740 kB",
      "4.2 MB",
      "10 MB",
      "1,234 MB",
    ]);
    expect([percentText(0.424), percentText(64)]).toEqual(["42%", "6,400%"]);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import ts from "typescript";
import { describe, expect, it } from "vitest";

const ui = fileURLToPath(new URL("../src/ui/", import.meta.url));

/** Attributes whose values a person reads or hears. */
const READ = /^(?:aria-(?:label|description|roledescription|valuetext|placeholder)|title|placeholder|alt|label)$/;
const WORDS = /\p{L}{2,}/u;

/** Words in JSX that do not come out of the dictionary: text between tags, and strings in attributes that are read. */
function literalWords(source: string): string[] {
  const file = ts.createSourceFile("panel.tsx", source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const note = (text: string): void => {
    if (WORDS.test(text)) found.push(text.trim());
  };
  /** What an expression can show: the branches of conditions too, but nothing that is passed to a function. */
  const shown = (node: ts.Expression): void => {
    if (ts.isStringLiteralLike(node)) note(node.text);
    else if (ts.isTemplateExpression(node))
      [node.head, ...node.templateSpans.map((span) => span.literal)].forEach((part) => note(part.text));
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(shown);
    else if (ts.isParenthesizedExpression(node)) shown(node.expression);
    else if (ts.isBinaryExpression(node))
      [node.left, node.right].filter((side) => !ts.isBinaryExpression(side)).forEach(shown);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node.text);
    if (ts.isJsxExpression(node) && node.expression && !ts.isJsxAttribute(node.parent)) shown(node.expression);
    if (ts.isJsxAttribute(node) && READ.test(node.name.getText(file)) && node.initializer) {
      if (ts.isStringLiteral(node.initializer)) note(node.initializer.text);
      else if (ts.isJsxExpression(node.initializer) && node.initializer.expression) shown(node.initializer.expression);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe("no text outside the dictionaries", () => {
  it.each(readdirSync(ui, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".tsx")))(
    "%s",
    (path) => {
      expect(literalWords(readFileSync(ui + path, "utf8"))).toEqual([]);
    },
  );

  it("is looked for where words can be", () => {
    const bad = [
      "<p>Words</p>",
      "<p>中文</p>",
      '<p>{"Words"}</p>',
      "<p>{`Words ${n}`}</p>",
      '<p>{open ? t("a") : "Words"}</p>',
      '<p>{open && "Words"}</p>',
      '<button aria-label="Words" />',
      '<input placeholder={open ? "Words" : "More"} />',
      "<img alt={`Words ${n}`} />",
    ];
    for (const source of bad) expect(literalWords(source), source).not.toEqual([]);
    const good = [
      '<p class="words">{t("key")}</p>',
      '<p data-testid="words">×</p>',
      '<p>{kind === "words" && t("key")}</p>',
    ];
    for (const source of good) expect(literalWords(source), source).toEqual([]);
  });
});

import { samplePicture } from "./page/pictures";
import { expect, test } from "./page/test";
import { words } from "./page/words";

test("page, assets and API carry the headers that isolate them", async ({ fresh }) => {
  const answers = new Map<string, Record<string, string>>();
  fresh.page.on("response", (response) => answers.set(new URL(response.url()).pathname, response.headers()));
  await fresh.visit();
  await fresh.open(samplePicture("table"));
  const paths = [...answers.keys()];
  expect(paths).toContain("/");
  expect(paths.some((path) => path.endsWith(".js"))).toBe(true);
  expect(paths.some((path) => path.endsWith("/decoder.onnx"))).toBe(true);
  for (const [path, headers] of answers) {
    if (path.startsWith("blob:")) continue;
    expect(headers, path).toMatchObject({
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    const policy = headers["content-security-policy"] ?? "";
    expect(policy, path).toContain("default-src 'self'");
    expect(policy, path).not.toContain("'unsafe-eval'");
    expect(policy, path).not.toMatch(/script-src[^;]*'unsafe-inline'/);
    if (path.startsWith("/assets/")) expect(headers["cache-control"], path).toContain("immutable");
  }
  await expect(fresh.page).toHaveTitle(/Segserve/);
  expect(await fresh.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
});

test("the API's own pages load nothing from elsewhere and break no rule of the policy", async ({ fresh }) => {
  await fresh.page.goto("/docs");
  await expect(fresh.page.locator("body")).toContainText("/v1/predict");
});

/** The fixture itself fails a test with a request to another host, a CSP violation or an error in the console. */
test("a whole session is quiet", async ({ fresh }) => {
  await fresh.visit();
  await fresh.part("sample").last().click();
  await fresh.ready();
  await fresh.click([0.27, 0.6]);
  await fresh.key("Enter");
  await fresh.dragBox([0.55, 0.55], [0.85, 0.75]);
  await fresh.key("Control+z");
  await fresh.key("Control+Shift+z");
  await fresh.download("mask");
  await fresh.open(samplePicture("desk"));
  await fresh.click([0.5, 0.55], { button: "right" });
  await fresh.key("Escape");
});

test("? shows every key, Esc and the button close the sheet", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  const sheet = studio.part("key-sheet");
  await studio.key("?");
  await expect(sheet).toBeVisible();
  for (const key of [
    "command.undo",
    "command.accept",
    "command.candidate.3",
    "mouse.wheel.does",
    "mouse.right.does",
  ] as const) {
    await expect(sheet).toContainText(words(key));
  }
  await studio.key("Escape");
  await expect(sheet).toBeHidden();
  await studio.part("command-keys").click();
  await expect(sheet).toBeVisible();
  await sheet.getByRole("button").first().click();
  await expect(sheet).toBeHidden();
});

test("keys choose tools and labels", async ({ studio }) => {
  await studio.open(samplePicture("table"));
  for (const [key, tool] of [["b", "box"], ["h", "pan"], ["v", "point"]] as const) {
    await studio.key(key);
    await expect(studio.part(`command-tool.${tool}`)).toHaveAttribute("aria-pressed", "true");
  } // prettier-ignore
  await studio.key("x");
  await expect(studio.part("label-remove")).toHaveAttribute("aria-pressed", "true");
  await studio.key("x");
  await expect(studio.part("label-add")).toHaveAttribute("aria-pressed", "true");
});

import { expect, test } from "@playwright/test";

test("the page is cross-origin isolated, so that the decoder may use threads", async ({ page }) => {
  await page.goto("/");
  await expect(page).toHaveTitle(/Segserve/);
  expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
});

test("the page asks no other host for anything and its console stays free of errors", async ({ page, baseURL }) => {
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== baseURL) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto("/");
  await page.waitForLoadState("networkidle");
  expect(foreign).toEqual([]);
  expect(errors).toEqual([]);
});

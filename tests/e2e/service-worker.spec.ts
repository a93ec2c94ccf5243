import type { BrowserContext, Page } from "@playwright/test";
import { Gateway } from "./page/gateway";
import { samplePicture } from "./page/pictures";
import { Studio } from "./page/studio";
import { expect, test as base } from "./page/test";
import { LOCALE } from "./page/words";

interface Visit {
  readonly gateway: Gateway;
  readonly context: BrowserContext;
  readonly studio: Studio;
}

/** A browser of the test's own, in which service workers run, and a server that can be taken away. */
const test = base.extend<{ visit: Visit }>({
  visit: async ({ browser, baseURL }, use) => {
    const gateway = new Gateway(baseURL ?? "");
    await gateway.start();
    const context = await browser.newContext({
      locale: LOCALE,
      baseURL: gateway.url,
      viewport: { width: 1280, height: 800 },
      serviceWorkers: "allow",
    });
    const studio = await Studio.on(await context.newPage(), gateway.url);
    studio.watch.allowErrors(/Failed to load resource/);
    await use({ gateway, context, studio });
    await context.close();
    await gateway.cut().catch(() => undefined); // it is cut already
    studio.watch.expectQuiet();
  },
});

function keptPaths(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => new URL(url).pathname);
  });
}

const pageCaches = (page: Page): Promise<string[]> =>
  page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("segserve-page-")));

/** The decoder runs, and all that it came from is kept. */
async function settle(studio: Studio): Promise<void> {
  await expect.poll(() => studio.see("backend"), { timeout: 45_000 }).not.toBeNull();
  await expect
    .poll(() => keptPaths(studio.page), { timeout: 45_000 })
    .toEqual(
      expect.arrayContaining([
        "/",
        "/v1/models",
        "/samples/index.json",
        expect.stringMatching(/\/decoder\.onnx$/),
        expect.stringMatching(/\/golden\.safetensors$/),
        expect.stringMatching(/threaded-[\w-]+\.wasm$/),
      ]),
    );
}

test("loaded once, the page comes up without its server: isolated, its decoder running", async ({ visit }) => {
  const { gateway, studio } = visit;
  await studio.visit();
  await settle(studio);
  const threads = await studio.see("threads");
  await gateway.cut();
  for (const address of ["/", "/?model=segserve-lite"]) {
    await studio.page.goto(address);
    await expect(studio.part("choose-picture")).toBeVisible();
    expect(await studio.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    await expect.poll(() => studio.see("backend"), { timeout: 45_000 }).not.toBeNull();
    expect(await studio.see("threads")).toBe(threads);
    await expect(studio.part("sample")).toHaveCount(3);
  }
  await test.step("a picture waits for the server, and is encoded when it is back", async () => {
    await studio.choose(samplePicture("table"));
    await expect(studio.part("picture-name")).toContainText("table.jpg");
    await expect(studio.notice("unreachable")).toBeVisible();
    await gateway.start();
    await studio.ready();
    await studio.click([0.42, 0.3]);
    expect((await studio.rle()).size).toEqual([853, 1280]);
  });
});

test("with the server gone and the page loaded anew: the work is there, clicks are answered, downloads made", async ({
  visit,
}) => {
  const { gateway, studio } = visit;
  await studio.visit();
  await settle(studio);
  await studio.open(samplePicture("desk"));
  await studio.click([0.42, 0.6]);
  await studio.key("Enter");
  const made = await studio.page.evaluate(() => window.__segserve.objectMask(0));
  await studio.page.waitForTimeout(800); // changes are gathered for a moment before they are written
  await gateway.cut();
  await studio.page.reload();
  await studio.ready();
  await expect(studio.part("object")).toHaveCount(1);
  expect(await studio.page.evaluate(() => window.__segserve.objectMask(0))).toEqual(made);
  await studio.click([0.2, 0.3]);
  await studio.key("Enter");
  await expect(studio.part("object")).toHaveCount(2);
  const { bytes } = await studio.download("coco");
  const { annotations } = JSON.parse(new TextDecoder().decode(bytes)) as { annotations: unknown[] };
  expect(annotations).toHaveLength(2);
});

test("the browser's own offline mode is as good as a server that is gone", async ({ visit }) => {
  const { context, studio } = visit;
  await studio.visit();
  await settle(studio);
  await context.setOffline(true);
  await studio.page.reload();
  await expect(studio.part("choose-picture")).toBeVisible();
  expect(await studio.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  await expect.poll(() => studio.see("backend"), { timeout: 45_000 }).not.toBeNull();
});

test("a session under the service worker: as without it, and no picture or embedding is kept by it", async ({
  visit,
}) => {
  const { studio } = visit;
  await studio.visit();
  await settle(studio);
  await studio.page.reload();
  await studio.open(samplePicture("desk"));
  const before = studio.watch.requests.length;
  await studio.click([0.42, 0.6]);
  await studio.key("Enter");
  await studio.download("coco");
  expect(studio.watch.requests.slice(before)).toEqual([]);
  const kept = await keptPaths(studio.page);
  expect(kept.filter((path) => /^\/v1\/(images|predict)|^\/(readyz|healthz|docs|openapi)/.test(path))).toEqual([]);
});

test("the large runtime that the page did not use is not kept", async ({ visit }) => {
  const { studio } = visit;
  await studio.visit();
  await settle(studio);
  test.skip((await studio.see("backend")) === "webgpu", "this machine has a GPU, and uses it");
  expect((await keptPaths(studio.page)).filter((path) => /asyncify.*\.wasm$/.test(path))).toEqual([]);
});

test("a new version shows with the next load, and takes nothing from a page that is open", async ({ visit }) => {
  const { gateway, studio } = visit;
  const { page } = studio;
  await studio.visit();
  await settle(studio);
  await page.reload();
  await settle(studio);
  const [old] = await pageCaches(page);
  const script = await page.locator("script[type=module]").getAttribute("src");
  if (old === undefined || script === null) throw new Error("The page is not as it should be.");

  await test.step("it is installed beside the open page", async () => {
    const renamed = script.replace(".js", "-next.js");
    gateway.rename = (path) => (path === renamed ? script : path);
    gateway.change = (path, text) => {
      if (path !== "/" && path !== "/sw.js") return null;
      return text.replaceAll(script, renamed).replace(old.replace("segserve-page-", ""), "next");
    };
    await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await expect.poll(() => pageCaches(page)).toEqual(expect.arrayContaining([old, "segserve-page-next"]));
    await expect
      .poll(() => page.evaluate(async () => (await navigator.serviceWorker.ready).waiting !== null))
      .toBe(true);
    expect(await pageCaches(page)).toContain(old);
    expect(await page.evaluate(async (path) => (await fetch(path)).status, script)).toBe(200);
  });

  await test.step("the next load is the new page, and the old one's files go", async () => {
    await page.reload();
    await expect(studio.part("choose-picture")).toBeVisible();
    expect(await page.locator("script[type=module]").getAttribute("src")).toBe(script.replace(".js", "-next.js"));
    await expect.poll(() => pageCaches(page)).toEqual(["segserve-page-next"]);
  });

  await test.step("and comes up without the server, with the runtime that the old one had kept", async () => {
    await gateway.cut();
    await page.reload();
    await expect(studio.part("choose-picture")).toBeVisible();
    expect(await page.locator("script[type=module]").getAttribute("src")).toBe(script.replace(".js", "-next.js"));
    await expect.poll(() => studio.see("backend"), { timeout: 45_000 }).not.toBeNull();
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  });
});

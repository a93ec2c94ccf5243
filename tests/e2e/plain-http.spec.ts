import type { Browser, BrowserContext } from "@playwright/test";
import { Studio } from "./page/studio";
import { expect, test } from "./page/test";
import { LOCALE } from "./page/words";
import { handOver, makeObject, TABLE } from "./page/work";

/** As a team uses it in its own network: no locks, no service worker, no shared memory. */
async function inTheNetwork(browser: Browser, baseURL: string): Promise<{ context: BrowserContext; address: string }> {
  const address = `http://lan.test:${new URL(baseURL).port}`;
  return { context: await browser.newContext({ baseURL: address, locale: LOCALE }), address };
}

/** As if the page were busy: from `__deaf` on it hears no other tab and answers none. */
function deafness(): void {
  window.BroadcastChannel = class extends BroadcastChannel {
    override set onmessage(hear: ((event: MessageEvent) => void) | null) {
      super.onmessage = (event) => {
        if (window.__deaf !== true) hear?.(event);
      };
    }
  };
}

declare global {
  interface Window {
    __deaf?: boolean;
  }
}

test("over plain http tabs ask each other whose the workspace is", async ({ browser, baseURL }) => {
  const { context, address } = await inTheNetwork(browser, baseURL ?? "");
  const studio = await Studio.on(await context.newPage(), address);
  await studio.visit();
  expect(await studio.page.evaluate(() => [isSecureContext, "locks" in navigator])).toEqual([false, false]);
  await studio.open(TABLE);
  await makeObject(studio, [0.42, 0.3]);
  const other = await Studio.on(await context.newPage(), address);
  await other.visit();
  await handOver(studio, other);
  for (const { watch } of [studio, other]) {
    watch.allowErrors(/Cross-Origin-Opener-Policy header has been ignored/);
    watch.expectQuiet();
  }
  await context.close();
});

test("a page that lost the workspace without hearing of it writes nothing any more", async ({ browser, baseURL }) => {
  const { context, address } = await inTheNetwork(browser, baseURL ?? "");
  const studio = await Studio.on(await context.newPage(), address);
  await studio.page.addInitScript(deafness);
  await studio.visit();
  await studio.open(TABLE);
  await makeObject(studio, [0.42, 0.3]);
  await studio.page.evaluate(() => (window.__deaf = true));
  const other = await Studio.on(await context.newPage(), address);
  await other.visit();
  await other.ready();
  expect(await other.see("objects")).toBe(1);
  await makeObject(studio, [0.84, 0.73]);
  await expect(studio.part("yielded")).toBeVisible();
  await other.page.reload();
  await other.ready();
  expect(await other.see("objects")).toBe(1);
  await context.close();
});

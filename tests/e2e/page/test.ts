import { test as base } from "@playwright/test";
import { Studio } from "./studio";
import { LOCALE } from "./words";

interface PageFixtures {
  /** The page that tests share: loaded once, its decoder running. Each test opens a picture of its own. */
  studio: Studio;
  /** A page of the test's own, not yet visited; the browser's cache is the shared one. */
  fresh: Studio;
  /** A visited page in a browser of its own, where nobody has worked before. */
  alone: Studio;
  /** A page not yet visited in a browser without service workers: all that it loads passes the test's routes. */
  bare: Studio;
}

interface SharedFixtures {
  session: Studio;
}

export const test = base.extend<PageFixtures, SharedFixtures>({
  session: [
    async ({ browser }, use, { project }) => {
      const { baseURL = "", viewport = null } = project.use;
      const context = await browser.newContext({ baseURL, viewport, locale: LOCALE });
      const studio = await Studio.on(await context.newPage(), baseURL);
      await studio.visit();
      await use(studio);
      await context.close();
    },
    { scope: "worker", timeout: 120_000 },
  ],

  studio: async ({ session }, use, info) => {
    await use(session);
    if (info.status !== info.expectedStatus) {
      await info.attach("screenshot", { body: await session.page.screenshot(), contentType: "image/png" });
    }
    session.watch.expectQuiet();
  },

  fresh: async ({ session, baseURL }, use, info) => {
    const page = await session.page.context().newPage();
    const studio = await Studio.on(page, baseURL ?? "");
    await use(studio);
    if (info.status !== info.expectedStatus) {
      await info.attach("screenshot", { body: await page.screenshot(), contentType: "image/png" });
    }
    await page.close();
    studio.watch.expectQuiet();
  },

  alone: async ({ browser }, use, { project }) => {
    const { baseURL = "", viewport = null } = project.use;
    const context = await browser.newContext({ baseURL, viewport, locale: LOCALE });
    const studio = await Studio.on(await context.newPage(), baseURL);
    await studio.visit();
    await use(studio);
    studio.watch.expectQuiet();
    await context.close();
  },

  bare: async ({ browser }, use, { project }) => {
    const { baseURL = "", viewport = null } = project.use;
    const context = await browser.newContext({ baseURL, viewport, locale: LOCALE, serviceWorkers: "block" });
    const studio = await Studio.on(await context.newPage(), baseURL);
    await use(studio);
    await context.close();
    studio.watch.expectQuiet();
  },
});

export { expect } from "@playwright/test";

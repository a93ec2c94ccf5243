import { defineConfig } from "@playwright/test";
import base from "./playwright.config.js";

/** `npm --prefix tests/e2e run screenshots`: the README's picture of the page, and more to look at in build/screenshots/. */
export default defineConfig(base, { testMatch: "screenshots.ts", use: { viewport: { width: 1440, height: 900 } } });

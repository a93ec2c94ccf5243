import { defineConfig } from "@playwright/test";
import base from "./playwright.config.js";

/** `npm --prefix tests/e2e run screenshot` takes the README's picture of the page. */
export default defineConfig(base, { testMatch: "screenshot.ts" });

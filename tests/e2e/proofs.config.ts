import { defineConfig } from "@playwright/test";
import base from "./playwright.config.js";

/** What takes long, or is measured: run by `python -m model_export bench page soak`, which keeps what it finds. */
export default defineConfig(base, { testDir: "proofs", testMatch: "*.ts", timeout: 3_600_000 });

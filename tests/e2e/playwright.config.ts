import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";
import { makeSecondBundle } from "./page/second-bundle.js";

/** `make e2e` sets CHROMIUM; E2E_PORT moves the server where 8799 is taken. */
const port = Number(process.env["E2E_PORT"] ?? 8799);
const root = fileURLToPath(new URL("../..", import.meta.url));
const segserve = process.env["E2E_COMMAND"] ?? `${root}.venv/bin/segserve serve`;

/** The server has two models. Workers read this file too, when the server is already up. */
const bundles = join(tmpdir(), `segserve-e2e-${port}`);
if (process.env["TEST_WORKER_INDEX"] === undefined) makeSecondBundle(bundles);

/** The developer's own settings do not reach the server under test. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    return value !== undefined && !name.startsWith("SEGSERVE_");
  }),
);

export default defineConfig({
  testDir: ".",
  outputDir: "test-results",
  forbidOnly: process.env["CI"] === "true",
  fullyParallel: false,
  workers: 1,
  // CI's machines are busy: one more try, and whoever needed it is named as flaky at the end. Here a test fails at once.
  retries: process.env["CI"] === "true" ? 1 : 0,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      // Chromium's own traffic to its maker stays off: the tests watch every request. lan.test is this machine under a
      // name that browsers do not trust as they do 127.0.0.1.
      args: [
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP lan.test 127.0.0.1",
      ],
    },
  },
  webServer: {
    command: segserve,
    url: `http://127.0.0.1:${port}/readyz`,
    reuseExistingServer: false,
    timeout: 90_000,
    gracefulShutdown: { signal: "SIGTERM", timeout: 10_000 },
    stdout: "ignore",
    stderr: "pipe",
    env: {
      ...environment,
      SEGSERVE_HOST: "127.0.0.1",
      SEGSERVE_PORT: String(port),
      SEGSERVE_LOG_LEVEL: "warning",
      SEGSERVE_BUNDLE_DIR: bundles,
    },
  },
});

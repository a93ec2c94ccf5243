import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const COMMAND = process.env["E2E_COMMAND"] ?? `${ROOT}.venv/bin/segserve serve`;
const START_MS = 60_000;

/** A server of a test's own, at an address of its own, that can be killed in the middle of anything. */
export class OwnServer {
  #process: ChildProcess | null = null;

  private constructor(private readonly port: number) {}

  static async make(): Promise<OwnServer> {
    const server = new OwnServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Anew, with nothing in its memory. */
  async start(): Promise<void> {
    const [program = "", ...rest] = COMMAND.split(" ");
    const settings = { SEGSERVE_HOST: "127.0.0.1", SEGSERVE_PORT: `${this.port}`, SEGSERVE_LOG_LEVEL: "error" };
    this.#process = spawn(program, rest, { env: { ...process.env, ...settings }, stdio: "ignore" });
    for (const end = Date.now() + START_MS; Date.now() < end;) {
      const ready = await fetch(`${this.url}/readyz`).catch(() => null);
      if (ready?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("The server does not start.");
  }

  /** At once, as a power cut would: no answer that was begun is ended. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === null) return;
    this.#process = null;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

import type { Page } from "@playwright/test";
import { expect } from "@playwright/test";

/** Listens to a page: every request over the network, every error of its console. */
export class Watch {
  readonly #requests: string[] = [];
  readonly #errors: string[] = [];
  readonly #foreign: string[] = [];
  #allowed: RegExp[] = [];

  constructor(page: Page, baseURL: string) {
    page.on("request", (request) => {
      const { origin, protocol, pathname } = new URL(request.url());
      if (!/^(https?|wss?):$/.test(protocol)) return;
      this.#requests.push(`${request.method()} ${pathname}`);
      if (origin !== baseURL) this.#foreign.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error") this.#errors.push(message.text());
    });
    page.on("pageerror", (error) => this.#errors.push(error.message));
  }

  /** "METHOD /path" of each request so far. */
  get requests(): readonly string[] {
    return this.#requests;
  }

  get errors(): readonly string[] {
    return this.#errors;
  }

  count(request: string): number {
    return this.#requests.filter((line) => line.startsWith(request)).length;
  }

  /** The browser itself writes an error for each answer that failed; a test that makes some allows them. */
  allowErrors(...patterns: RegExp[]): void {
    this.#allowed = patterns;
  }

  /** After each test: no error but the allowed ones, and no other host was asked. */
  expectQuiet(): void {
    expect(this.#foreign, "requests to another host").toEqual([]);
    const unexpected = this.#errors.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
    expect(unexpected, "errors in the console").toEqual([]);
    this.#errors.length = 0;
    this.#allowed = [];
  }
}

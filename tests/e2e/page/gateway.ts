import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** Changes a text answer on its way; null leaves it as it is. */
export type Change = (path: string, text: string) => string | null;

/** A way to the server that can really be cut: its own address, which then refuses connections. */
export class Gateway {
  readonly #server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));
  #port = 0;
  /** What another version of the page would answer. */
  change: Change = () => null;
  /** Another name of a path, as another version of the page would have it. */
  rename: (path: string) => string = (path) => path;

  constructor(private readonly target: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts, the first time on any port, later on the same one. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const path = this.rename(incoming.url ?? "/");
    const headers = { ...incoming.headers, host: new URL(this.target).host, "accept-encoding": "identity" };
    delete headers["if-none-match"]; // of an answer that may have been changed here
    const onward = request(new URL(path, this.target), { method: incoming.method, headers }, (answer) => {
      const isText = /text|javascript/.test(answer.headers["content-type"] ?? "");
      if (!isText) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString("utf8");
        const kept = { ...answer.headers };
        delete kept["content-length"];
        outgoing.writeHead(answer.statusCode ?? 502, kept).end(this.change(path, text) ?? text);
      });
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  }
}

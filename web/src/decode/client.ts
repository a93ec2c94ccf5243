import type { Rectangle } from "../geometry/mask";
import type { Answers, Call, EngineInfo, Reply, Task } from "./protocol";
import { DecodeError } from "./protocol";
import { DecodeService } from "./service";

/** What the client needs of a worker; a test passes its own. */
export interface Port {
  post(call: Call, transfer: Transferable[]): void;
  listen(reply: (reply: Reply) => void, crashed: (message: string) => void): void;
  close(): void;
}

export function workerPort(): Port {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "segserve-decode" });
  return {
    post: (call, transfer) => worker.postMessage(call, transfer),
    listen: (reply, crashed) => {
      worker.onmessage = (event: MessageEvent<Reply>) => reply(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        crashed(event.message || "The worker could not start.");
      };
      worker.onmessageerror = () => crashed("The worker sent what cannot be read.");
    },
    close: () => worker.terminate(),
  };
}

/** No worker at all: the same brain on the page, for server predict, where it only keeps logits and writes files. */
export function localPort(): Port {
  let reply: (reply: Reply) => void = () => undefined;
  const service = new DecodeService(null, (info) => reply({ kind: "engine", info }));
  return {
    post: (call) => {
      service.handle(call).then(
        (value) => reply({ kind: "answer", ticket: call.ticket, value }),
        (error: unknown) => {
          const code = error instanceof DecodeError ? error.code : "internal";
          reply({ kind: "failure", ticket: call.ticket, code, message: String(error) });
        },
      );
    },
    listen: (listener) => {
      reply = listener;
    },
    close: () => undefined,
  };
}

/** The longest a task may take, once the calls before it are answered, before the worker counts as hung, in milliseconds. */
const PATIENCE: Readonly<Record<Task["kind"], number>> = {
  start: 90_000,
  embedding: 15_000,
  decode: 20_000,
  edit: 30_000,
  click_start: 60_000,
  click: 60_000,
  click_stop: 10_000,
  leave: 10_000,
  restore: 10_000,
  adopt: 10_000,
  forget: 10_000,
  summarise: 60_000,
  mask_png: 120_000,
  cut_out: 120_000,
};

interface Waiting {
  readonly kind: Task["kind"];
  resolve(value: never): void;
  reject(error: DecodeError): void;
}

/** Calls to one worker; it is the oldest's answer that is waited for. A crash or a hang fails every call that waits, and `onCrash` hears of it once. */
export class DecodeClient {
  /** Oldest first. */
  readonly #waiting = new Map<number, Waiting>();
  #oldest: Waiting | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tickets = 0;
  #closed = false;

  constructor(
    private readonly port: Port,
    onEngine: (info: EngineInfo) => void,
    private readonly onCrash: (error: DecodeError) => void,
    onLook: (target: Rectangle) => void = () => undefined,
  ) {
    port.listen(
      (reply) => {
        if (reply.kind === "engine") onEngine(reply.info);
        else if (reply.kind === "look") onLook(reply.target);
        else this.#settle(reply);
      },
      (message) => this.#fail(new DecodeError("crashed", message)),
    );
  }

  call<K extends Task["kind"]>(task: Extract<Task, { kind: K }>, transfer: Transferable[] = []): Promise<Answers[K]> {
    if (this.#closed) return Promise.reject(new DecodeError("crashed", "The worker is gone."));
    const ticket = ++this.#tickets;
    return new Promise<Answers[K]>((resolve, reject) => {
      this.#waiting.set(ticket, { kind: task.kind, resolve, reject });
      this.#watch();
      this.port.post({ ...task, ticket }, transfer);
    });
  }

  close(): void {
    this.#end(new DecodeError("crashed", "The worker was closed."));
  }

  #settle(reply: Exclude<Reply, { kind: "engine" | "look" }>): void {
    const waiting = this.#waiting.get(reply.ticket);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.ticket);
    this.#watch();
    if (reply.kind === "answer") waiting.resolve(reply.value as never);
    else waiting.reject(new DecodeError(reply.code, reply.message));
  }

  /** Those behind the oldest call may wait for it as long as it may take. */
  #watch(): void {
    const [oldest] = this.#waiting.values();
    if (oldest === this.#oldest) return;
    this.#oldest = oldest;
    clearTimeout(this.#timer);
    if (oldest === undefined) return;
    const hung = (): void => this.#fail(new DecodeError("timeout", `The worker did not answer (${oldest.kind}).`));
    this.#timer = setTimeout(hung, PATIENCE[oldest.kind]);
  }

  #fail(error: DecodeError): void {
    if (this.#closed) return;
    this.#end(error);
    this.onCrash(error);
  }

  #end(error: DecodeError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.port.close();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#watch();
  }
}

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { DecodeClient } from "../src/decode/client";
import type { Call, DecodeError, Reply } from "../src/decode/protocol";

let calls: Call[] = [];
let crashes: DecodeError[] = [];
let reply: (reply: Reply) => void = () => undefined;
let client: DecodeClient;

beforeEach(() => {
  vi.useFakeTimers();
  [calls, crashes] = [[], []];
  const port = {
    post: (call: Call) => void calls.push(call),
    listen: (listener: typeof reply) => void (reply = listener),
    close: () => undefined,
  };
  client = new DecodeClient(
    port,
    () => undefined,
    (error) => crashes.push(error),
  );
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
});

/** The oldest call that was made is answered. */
function answer(): void {
  const call = calls.shift();
  if (call !== undefined) reply({ kind: "answer", ticket: call.ticket, value: null });
}
const summarise = (): Promise<string> =>
  client.call<"summarise">({ kind: "summarise", masks: [] }).then(
    () => "answered",
    (error: unknown) => (error as DecodeError).code,
  );
/** Work of a shorter patience: 10 s, where that of summaries is 60 s. */
const restore = (): Promise<string> =>
  client.call<"restore">({ kind: "restore", step: 1 }).then(
    () => "answered",
    (error: unknown) => (error as DecodeError).code,
  );

it("a call behind long work is not hung while that may still be answered", async () => {
  const both = [summarise(), restore()];
  await vi.advanceTimersByTimeAsync(59_000);
  expect(crashes).toEqual([]);
  answer();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(crashes).toEqual([]);
  answer();
  expect(await Promise.all(both)).toEqual(["answered", "answered"]);
  await vi.advanceTimersByTimeAsync(200_000);
  expect(crashes).toEqual([]);
});

it("a worker that answers the oldest call no more is hung, and every call fails", async () => {
  const all = [summarise(), restore(), restore()];
  answer();
  await vi.advanceTimersByTimeAsync(9_999);
  expect(crashes).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(crashes.map(({ code }) => code)).toEqual(["timeout"]);
  expect(await Promise.all(all)).toEqual(["answered", "timeout", "timeout"]);
});

it("a call that younger ones overtake keeps its own time", async () => {
  const waiting = summarise();
  for (let i = 0; i < 7; i++) {
    const young = restore();
    await vi.advanceTimersByTimeAsync(9_000);
    const ticket = calls.at(-1)?.ticket ?? -1;
    reply({ kind: "answer", ticket, value: null });
    if (i < 6) expect([await young, crashes]).toEqual(["answered", []]);
  }
  expect([await waiting, crashes.length]).toEqual(["timeout", 1]);
});

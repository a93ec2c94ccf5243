import { describe, expect, it, vi } from "vitest";

import { ApiProblem, problemFrom, secondsOf, unreachable } from "../src/api/problem";
import { withRetry } from "../src/api/retry";

describe("problems", () => {
  it("are read from problem+json", () => {
    const body = JSON.stringify({ code: "image_expired", title: "Gone", detail: "Upload it again.", status: 410 });
    const problem = problemFrom(410, body, null);
    expect(problem).toMatchObject({ status: 410, code: "image_expired", detail: "Upload it again." });
    expect(problem.isForgotten).toBe(true);
    expect(problem.isTransient).toBe(false);
  });

  it("have a code even when a proxy answered in HTML", () => {
    expect(problemFrom(413, "<html>", null).code).toBe("payload_too_large");
    expect(problemFrom(502, "", null)).toMatchObject({ code: "http_502", isTransient: true });
  });

  it("know how long to wait", () => {
    expect(secondsOf("7")).toBe(7);
    expect(secondsOf(new Date(Date.now() + 5000).toUTCString())).toBeLessThanOrEqual(5);
    expect([secondsOf(null), secondsOf("soon")]).toEqual([null, null]);
  });
});

describe("trying again", () => {
  const busy = (): ApiProblem => new ApiProblem(503, "queue_full", "", "", 2);

  it("waits as long as the server says", async () => {
    vi.useFakeTimers();
    const attempt = vi.fn<() => Promise<string>>().mockRejectedValueOnce(busy()).mockResolvedValue("done");
    const onWait = vi.fn();
    const result = withRetry(attempt, { signal: new AbortController().signal, onWait });
    await vi.advanceTimersByTimeAsync(1900);
    expect(attempt).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await result).toBe("done");
    expect(onWait.mock.calls[0]?.[0]).toBe(2);
    vi.useRealTimers();
  });

  it("does not repeat what cannot be mended so", async () => {
    const attempt = vi
      .fn<() => Promise<string>>()
      .mockRejectedValue(new ApiProblem(413, "payload_too_large", "", "", null));
    await expect(withRetry(attempt, { signal: new AbortController().signal })).rejects.toBeInstanceOf(ApiProblem);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it("gives up after its attempts, and at once when told", async () => {
    vi.useFakeTimers();
    const attempt = vi.fn<() => Promise<string>>().mockImplementation(() => Promise.reject(unreachable()));
    const result = withRetry(attempt, { signal: new AbortController().signal, attempts: 3 });
    const failed = expect(result).rejects.toMatchObject({ code: "unreachable" });
    await vi.advanceTimersByTimeAsync(10_000);
    await failed;
    expect(attempt).toHaveBeenCalledTimes(3);
    const controller = new AbortController();
    const other = withRetry(attempt, { signal: controller.signal });
    const stopped = expect(other).rejects.toMatchObject({ name: "AbortError" });
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    await stopped;
    vi.useRealTimers();
  });
});

import { ApiProblem } from "./problem";

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly attempts?: number;
  /** Told before each wait: how many seconds, and why. */
  readonly onWait?: (seconds: number, problem: ApiProblem) => void;
}

const LONGEST_WAIT = 60;

/** Tries again after transient failures: as long as Retry-After says, otherwise 1, 2, 4, 8 seconds. */
export async function withRetry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const attempts = options.attempts ?? 5;
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiProblem) || !error.isTransient || tried >= attempts || options.signal.aborted)
        throw error;
      const seconds = Math.min(error.retryAfter ?? 2 ** (tried - 1), LONGEST_WAIT);
      options.onWait?.(seconds, error);
      await pause(seconds * 1000, options.signal);
    }
  }
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException("The wait was given up.", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

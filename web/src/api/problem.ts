/** One failure of the API: a problem+json answer, or no answer at all (`code` "unreachable", `status` 0). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Seconds that the server asks us to wait, or null. */
    readonly retryAfter: number | null,
  ) {
    super(`${code}: ${detail || title}`);
  }

  /** Worth another try later without any change. */
  get isTransient(): boolean {
    return (
      this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
    );
  }

  /** The server forgot the picture: sending it again mends that. */
  get isForgotten(): boolean {
    return this.code === "image_expired" || this.code === "image_not_found";
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export const unreachable = (): ApiProblem => new ApiProblem(0, "unreachable", "", "", null);

interface ProblemBody {
  code?: unknown;
  title?: unknown;
  detail?: unknown;
}

export function problemFrom(status: number, body: string, retryAfter: string | null): ApiProblem {
  const parsed = parseOr(body, {});
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const code = text(parsed.code) || (status === 413 ? "payload_too_large" : `http_${status}`);
  return new ApiProblem(status, code, text(parsed.title), text(parsed.detail), secondsOf(retryAfter));
}

/** A proxy may answer with an HTML page, or with nothing at all. */
function parseOr(body: string, otherwise: ProblemBody): ProblemBody {
  try {
    return JSON.parse(body) as ProblemBody;
  } catch {
    return otherwise;
  }
}

/** Retry-After holds seconds or a date. */
export function secondsOf(header: string | null): number | null {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(seconds, 0);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max((date - Date.now()) / 1000, 0);
}

import { ApiProblem, isAbort } from "../../api/problem";
import { DecodeError } from "../../decode/protocol";
import type { NoticeAction } from "../state";
import type { Store } from "../store";

/** Problems that trying again cannot mend: another picture can. */
const PICTURE_IS_AT_FAULT = new Set([
  "payload_too_large",
  "image_too_many_pixels",
  "unsupported_media_type",
  "image_unsupported",
  "image_truncated",
  "image_empty",
  "image_invalid",
  "not_a_picture",
  "picture_lost",
  "picture_too_large_here",
  "size_differs",
]);
const PAGE_IS_OLD = new Set(["revision", "embedding_revision_mismatch", "model_not_found"]);

function remedyFor(code: string): NoticeAction {
  if (PICTURE_IS_AT_FAULT.has(code)) return "open";
  return PAGE_IS_OLD.has(code) ? "reload" : "retry";
}

/** Shows a failure in the person's words, with a way on. */
export function report(store: Store, error: unknown, remedy?: NoticeAction | null): void {
  if (isAbort(error)) return;
  const known = error instanceof ApiProblem || error instanceof DecodeError;
  const code = known ? error.code : "other";
  const detail =
    error instanceof ApiProblem ? error.detail || error.title : error instanceof Error ? error.message : "";
  const action = remedy === undefined ? remedyFor(code) : remedy;
  store.dispatch({ type: "notice/add", notice: { code, detail, tone: "error", action } });
}

/** Names in a notice; of more, only their number is told. */
const MOST_NAMES = 5;

/** "a, b, c, d, e (+ 7)" */
export function someOf(names: readonly string[]): string {
  const some = names.slice(0, MOST_NAMES).join(", ");
  return names.length > MOST_NAMES ? `${some} (+ ${names.length - MOST_NAMES})` : some;
}

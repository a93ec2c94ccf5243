import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import type { Notice } from "../app/state";
import { hasText, t } from "../text";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { JobCard } from "./JobCard";

/** News goes by itself; what went wrong stays until it is dealt with. */
const NEWS_MS = 8000;

/** Failures and news, each in its own words and with a way on. */
export function Notices(): JSX.Element {
  const notices = useSelect((state) => state.notices);
  return (
    <div class="notices" aria-live="polite" data-testid="notices">
      <JobCard />
      {notices.map((notice) => (
        <NoticeCard key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }): JSX.Element {
  const dispatch = useDispatch();
  const dismiss = (): void => dispatch({ type: "notice/dismiss", id: notice.id });
  const { action, tone } = notice;
  useEffect(() => {
    if (tone !== "info") return;
    const timer = setTimeout(dismiss, NEWS_MS);
    return () => clearTimeout(timer);
  }, [notice.id]);
  return (
    <div
      class={`notice panel notice-${tone}`}
      role={tone === "error" ? "alert" : "status"}
      data-testid="notice"
      data-code={notice.code}
    >
      <p>{wordsFor(notice)}</p>
      {action !== null && (
        <button
          type="button"
          class="button button-text"
          data-testid={`recover-${action}`}
          onClick={() => {
            dismiss();
            dispatch({ type: "request/recover", action });
          }}
        >
          {t(`recover.${action}`)}
        </button>
      )}
      <button type="button" class="button" aria-label={t("notice.dismiss")} onClick={dismiss}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Our own words where we have them; the server's sentence where the code is new to this page. */
function wordsFor({ code, detail }: Notice): string {
  const key = `problem.${code}`;
  return hasText(key) ? t(key, { detail }) : t("problem.other", { detail: detail || code });
}

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { draftOf } from "../app/selectors";
import type { EngineState, Picture } from "../app/state";
import { t } from "../text";
import { useSelect } from "./context";

/** What the page is busy with until the picture can be clicked: one line and a bar, and then nothing. */
export function PhaseStatus(): JSX.Element | null {
  const picture = useSelect((state) => state.picture);
  const engine = useSelect((state) => state.engine);
  const clicked = useSelect((state) => draftOf(state).step !== null);
  const seconds = useCountdown(picture?.phase === "waiting" ? picture.waitSeconds : null);
  if (picture === null || picture.phase === "failed") return null;
  const status = statusOf(picture, engine, seconds);
  if (status === null) return null;
  return (
    <div class="phase panel" role="status" data-testid="phase" data-phase={picture.phase}>
      <div class="phase-text">
        <span class="spinner" aria-hidden="true" />
        {status.text}
        {clicked && <em>{t("phase.click")}</em>}
      </div>
      {status.part === null ? (
        <div class="bar bar-unknown">
          <i />
        </div>
      ) : (
        <progress class="bar" max={1} value={status.part} aria-label={status.text} />
      )}
    </div>
  );
}

interface Status {
  readonly text: string;
  /** null: nobody knows how far it is. */
  readonly part: number | null;
}

function statusOf(picture: Picture, engine: EngineState, seconds: number): Status | null {
  const percent = (part: number): number => Math.round(part * 100);
  switch (picture.phase) {
    case "uploading":
      return { text: t("phase.uploading", { percent: percent(picture.progress) }), part: picture.progress };
    case "waiting":
      return { text: t("phase.waiting", { seconds }), part: null };
    case "reading":
    case "encoding":
      return { text: t(`phase.${picture.phase}`), part: null };
    case "fetching":
      if (engine.phase !== "loading") return { text: t("phase.fetching"), part: null };
      if (engine.progress >= 1) return { text: t("phase.decoder.starting"), part: null };
      return { text: t("phase.decoder", { percent: percent(engine.progress) }), part: engine.progress };
    case "ready":
      return engine.phase === "loading" ? { text: t("phase.decoder.starting"), part: null } : null;
    case "failed":
      return null;
  }
}

function useCountdown(from: number | null): number {
  const [left, setLeft] = useState(from ?? 0);
  useEffect(() => {
    if (from === null) return;
    setLeft(from);
    const timer = setInterval(() => setLeft((seconds) => Math.max(seconds - 1, 0)), 1000);
    return () => clearInterval(timer);
  }, [from]);
  return left;
}

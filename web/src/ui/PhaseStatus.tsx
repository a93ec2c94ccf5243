import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { ModelEntry } from "../app/models";
import { chosenEntry, estimatedPart } from "../app/models";
import { draftStep } from "../app/selectors";
import type { EngineState, Picture, PicturePhase } from "../app/state";
import { t } from "../text";
import { percentText } from "../text/numbers";
import { CommandButton, CommandKeys } from "./CommandButton";
import { useSelect } from "./context";
import { bytesText } from "./quantities";

/** Phases that the server's work fills, and of which only the time tells. */
const TIMED: readonly (PicturePhase | undefined)[] = ["loading", "encoding", "waiting"];
const TICK_MS = 200;

/** What the page is busy with until the picture can be clicked: a line, a bar and a way to stop; and then nothing. */
export function PhaseStatus(): JSX.Element | null {
  const picture = useSelect((state) => state.picture);
  const engine = useSelect((state) => state.engine);
  const model = useSelect((state) => chosenEntry(state.models));
  const clicked = useSelect((state) => draftStep(state)?.status === "waiting");
  const elapsed = useElapsed(TIMED.includes(picture?.phase) ? (picture?.since ?? 0) : null);
  if (picture === null || picture.phase === "failed") return null;
  const status = statusOf(picture, engine, model, elapsed);
  if (status === null) return null;
  const resting = picture.phase === "unencoded";
  return (
    <div class="phase panel" data-testid="phase" data-phase={picture.phase}>
      <div class="phase-line">
        <div class="phase-text">
          <span class="phase-what">
            {!resting && <span class="spinner" aria-hidden="true" />}
            <span role="status">{status.text}</span>
          </span>
          {status.time !== "" && <span class="phase-time">{status.time}</span>}
          {clicked && <em>{t("phase.click")}</em>}
        </div>
        <PhaseButton phase={picture.phase} />
      </div>
      {!resting && <PhaseBar part={status.part} label={status.text} />}
    </div>
  );
}

function PhaseButton({ phase }: { readonly phase: PicturePhase }): JSX.Element | null {
  if (phase === "reading" || phase === "ready") return null;
  const id = phase === "unencoded" ? "encode" : "stop";
  return (
    <CommandButton id={id} class={`button-text ${id === "encode" ? "button-primary" : "button-quiet"}`} tip="none">
      {t(`phase.${id}`)}
      {id === "stop" && <CommandKeys id="stop" />}
    </CommandButton>
  );
}

function PhaseBar({ part, label }: { readonly part: number | null; readonly label: string }): JSX.Element {
  if (part !== null) return <progress class="bar" max={1} value={part} aria-label={label} />;
  return (
    <div class="bar bar-unknown">
      <i />
    </div>
  );
}

interface Status {
  readonly text: string;
  /** Shown beside the text, but not read out each second. */
  readonly time: string;
  /** null: nobody knows how far it is. */
  readonly part: number | null;
}

function statusOf(picture: Picture, engine: EngineState, model: ModelEntry | null, elapsed: number): Status | null {
  const title = model?.title ?? "";
  const plain = (text: string): Status => ({ text, time: "", part: null });
  switch (picture.phase) {
    case "uploading": {
      const time = t("phase.uploading.of", { percent: percentText(picture.progress), size: bytesText(picture.bytes) });
      return { text: t("phase.uploading"), time, part: picture.progress };
    }
    case "waiting":
      return plain(t("phase.waiting", { seconds: Math.max(picture.waitSeconds - Math.floor(elapsed / 1000), 0) }));
    case "loading":
      return { text: t("phase.loading", { title }), time: secondsText(elapsed, null), part: null };
    case "encoding": {
      const expected = model?.encodeMs ?? null;
      const part = expected === null ? null : estimatedPart(elapsed, expected);
      return { text: t("phase.encoding"), time: secondsText(elapsed, expected), part };
    }
    case "fetching":
      if (engine.phase !== "loading") return plain(t("phase.fetching"));
      if (engine.progress >= 1) return plain(t("phase.decoder.starting"));
      return { text: t("phase.decoder", { title }), time: percentText(engine.progress), part: engine.progress };
    case "ready":
      return engine.phase === "loading" ? plain(t("phase.decoder.starting")) : null;
    case "reading":
    case "unencoded":
      return plain(t(`phase.${picture.phase}`));
    case "failed":
      return null;
  }
}

/** From one second on; the time expected only while it is not over. */
function secondsText(elapsedMs: number, expectedMs: number | null): string {
  const seconds = Math.floor(elapsedMs / 1000);
  if (seconds < 1) return "";
  if (expectedMs === null) return t("phase.seconds", { seconds });
  const expected = Math.max(1, Math.round(expectedMs / 1000));
  return t(seconds <= expected ? "phase.seconds.of" : "phase.seconds.over", { seconds, expected });
}

/** Milliseconds since then, kept up to date; 0 without a beginning. */
function useElapsed(since: number | null): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (since === null) return;
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [since]);
  return since === null ? 0 : Math.max(now - since, 0);
}

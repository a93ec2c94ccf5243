import type { JSX } from "preact";

import { colourOf } from "../app/palette";
import { docOf, draftColour, draftStep } from "../app/selectors";
import type { Step } from "../app/state";
import { isEmpty } from "../geometry/prompt";
import { t } from "../text";
import { numberText } from "../text/numbers";
import { ClickingSwitch } from "./ClickingSwitch";
import { CommandButton, CommandKeys } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { objectName } from "./object-name";
import { radioKeys } from "./radio-keys";
import { Thumbnail } from "./Thumbnail";

/** The mask being made: what to do next, its candidates, accept and cancel. */
export function DraftCard(): JSX.Element {
  const doc = useSelect(docOf);
  const step = useSelect(draftStep);
  const colour = useSelect(draftColour);
  const { draft, objects } = doc;
  const edited = objects.find((object) => object.id === draft.editing);
  const title = edited === undefined ? t("draft.title") : t("draft.editing", { name: objectName(edited, objects) });
  return (
    <section class="draft panel" data-testid="draft" data-status={step?.status ?? "empty"}>
      <header>
        <span class="swatch" style={{ backgroundColor: colourOf(colour) }} />
        <h2>{title}</h2>
        <DraftScore step={step} candidate={draft.candidate} />
      </header>
      <ClickingSwitch />
      {step !== null && step.candidates.length > 1 ? (
        <Candidates step={step} chosen={draft.candidate} colour={colour} />
      ) : (
        <p class="hint">{t(hintFor(step, isEmpty(draft.prompt)))}</p>
      )}
      <footer>
        <CommandButton id="cancel" class="button-text" tip="none">
          {t("draft.cancel")}
          <CommandKeys id="cancel" />
        </CommandButton>
        <CommandButton id="accept" class="button-text button-primary" tip="none" tour="accept">
          {t(edited === undefined ? "draft.accept" : "draft.save")}
          <CommandKeys id="accept" />
        </CommandButton>
      </footer>
    </section>
  );
}

function hintFor(step: Step | null, empty: boolean): "draft.hint" | "draft.more" | "draft.failed" {
  if (step?.status === "failed") return "draft.failed";
  return empty ? "draft.hint" : "draft.more";
}

function DraftScore({
  step,
  candidate,
}: {
  readonly step: Step | null;
  readonly candidate: number;
}): JSX.Element | null {
  if (step === null || step.status === "failed") return null;
  const iou = step.candidates[candidate]?.iou;
  return (
    <span class="score" data-testid="score">
      {iou === undefined
        ? t("draft.working")
        : iou === null
          ? t("draft.by_hand")
          : t("draft.score", { score: numberText(iou, 2) })}
    </span>
  );
}

const scoreText = (iou: number | null): string => (iou === null ? "" : numberText(iou, 2));
const CANDIDATE_COMMANDS = ["candidate.1", "candidate.2", "candidate.3"] as const;

interface CandidatesProps {
  readonly step: Step;
  readonly chosen: number;
  readonly colour: number;
}

function Candidates({ step, chosen, colour }: CandidatesProps): JSX.Element {
  const dispatch = useDispatch();
  const all = step.candidates.map((_, i) => i);
  const choose = (candidate: number): void => dispatch({ type: "candidate/choose", candidate });
  return (
    <div class="candidates" role="radiogroup" aria-label={t("candidates.title")} onKeyDown={radioKeys(chosen, choose)}>
      <h3>{t("candidates.title")}</h3>
      <div class="candidate-row">
        {step.candidates.map(({ index, iou }, i) => (
          <button
            key={index}
            type="button"
            role="radio"
            class="candidate"
            aria-checked={i === chosen}
            title={t(`candidate.${i === 0 ? 1 : i === 1 ? 2 : 3}.means`)}
            aria-label={t("candidate.label", { n: i + 1, score: scoreText(iou) })}
            data-testid={`candidate-${i + 1}`}
            tabIndex={i === chosen ? 0 : -1}
            onClick={() => choose(i)}
          >
            <Thumbnail step={step.id} candidate={i} framedBy={all} colour={colour} width={80} height={64} />
            <span>
              {CANDIDATE_COMMANDS[i] && <CommandKeys id={CANDIDATE_COMMANDS[i]} />}
              {scoreText(iou)}
            </span>
          </button>
        ))}
      </div>
    </div>
  );
}

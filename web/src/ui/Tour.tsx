import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { TourStep } from "../app/tour";
import { isTourStepDone, TOUR_STEPS } from "../app/tour";
import { t } from "../text";
import { useApp, useDispatch, useSelect } from "./context";
import { keyText, useCommandKey } from "./key-names";
import { placeBeside, placeWithin } from "./tour-place";

/** The element with `data-tour` of this name that a step is about. */
const ANCHORS: Readonly<Record<TourStep, string>> = {
  open: "open",
  click: "picture",
  correct: "picture",
  accept: "accept",
  keep: "download",
};

/** Five steps beside what they are about. The page stays usable: what a step asks for is done for real, and leads on. */
export function Tour(): JSX.Element | null {
  const at = useSelect((state) => state.preferences.tour);
  const step = at === null ? undefined : TOUR_STEPS[at];
  return at === null || step === undefined ? null : <TourCard at={at} step={step} />;
}

function TourCard({ at, step }: { readonly at: number; readonly step: TourStep }): JSX.Element {
  const dispatch = useDispatch();
  const { card, ring } = usePlace(step);
  useProgress(at, step);
  useEscape();
  const accept = keyText(useCommandKey("accept") ?? "");
  const keys = keyText(useCommandKey("keys") ?? "");
  const go = (to: number | null): void => dispatch({ type: "preferences/tour", step: to });
  const isLast = at === TOUR_STEPS.length - 1;
  return (
    <div class="tour">
      <div ref={ring} class="tour-ring" />
      <div ref={card} class="tour-place">
        <section
          class="tour-card panel"
          role="dialog"
          aria-labelledby="tour-title"
          aria-describedby="tour-text"
          data-testid="tour"
          data-step={step}
        >
          <div aria-live="polite">
            <small>{t("tour.of", { n: at + 1, count: TOUR_STEPS.length })}</small>
            <h2 id="tour-title">{t(`tour.${step}`)}</h2>
            <p id="tour-text">{t(`tour.${step}.does`, { accept, keys })}</p>
          </div>
          <footer>
            {!isLast && (
              <button
                type="button"
                class="button button-text button-quiet"
                data-testid="tour-skip"
                onClick={() => go(null)}
              >
                {t("tour.skip")}
              </button>
            )}
            {at > 0 && (
              <button
                type="button"
                class="button button-text button-quiet"
                data-testid="tour-back"
                onClick={() => go(at - 1)}
              >
                {t("tour.back")}
              </button>
            )}
            <button
              type="button"
              class="button button-text button-primary"
              data-testid="tour-next"
              onClick={() => go(isLast ? null : at + 1)}
            >
              {t(isLast ? "tour.done" : "tour.next")}
            </button>
          </footer>
        </section>
      </div>
    </div>
  );
}

/** Goes on when the person does what the step asks for; what was done before it came counts for nothing. */
function useProgress(at: number, step: TourStep): void {
  const { store } = useApp();
  useEffect(
    () =>
      store.listen((state, before) => {
        if (state.preferences.tour !== at || isTourStepDone(step, before) || !isTourStepDone(step, state)) return;
        store.dispatch({ type: "preferences/tour", step: at + 1 });
      }),
    [store, at, step],
  );
}

/** Esc ends the tour and nothing else; menus, dialogs and fields keep it for themselves. */
function useEscape(): void {
  const { store } = useApp();
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { target } = event;
      const isElsewhere = target instanceof Element && target.closest("dialog, [role=menu], input, textarea") !== null;
      const { preferences, view } = store.get(); // the listener may outlive the card by a frame
      if (event.key !== "Escape" || isElsewhere || view.dialog !== null || preferences.tour === null) return;
      event.preventDefault();
      event.stopPropagation();
      store.dispatch({ type: "preferences/tour", step: null });
    };
    window.addEventListener("keydown", press, { capture: true });
    return () => window.removeEventListener("keydown", press, { capture: true });
  }, [store]);
}

/** Keeps the card beside its anchor and the ring about it, whatever moves. */
function usePlace(step: TourStep): {
  card: { current: HTMLDivElement | null };
  ring: { current: HTMLDivElement | null };
} {
  const { store } = useApp();
  const card = useRef<HTMLDivElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let frame = 0;
    const place = (): void => {
      frame = 0;
      if (card.current === null || ring.current === null) return;
      const window = document.documentElement.getBoundingClientRect();
      const own = card.current.getBoundingClientRect();
      const anchor = anchorOf(step);
      const { insets, size } = store.get().view;
      const width = size.width - insets.left - insets.right;
      const free = { left: insets.left, top: insets.top, width, height: size.height - insets.top - insets.bottom };
      const area = anchor?.getBoundingClientRect() ?? free;
      const onPicture = anchor === null || ANCHORS[step] === "picture";
      const { left, top } = onPicture ? placeWithin(free, own, window) : placeBeside(area, own, window);
      card.current.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
      ring.current.hidden = onPicture;
      Object.assign(ring.current.style, {
        transform: `translate(${area.left}px, ${area.top}px)`,
        width: `${area.width}px`,
        height: `${area.height}px`,
      });
    };
    const soon = (): void => void (frame ||= requestAnimationFrame(place));
    place();
    const stop = store.listen(soon);
    window.addEventListener("resize", soon);
    return () => {
      stop();
      window.removeEventListener("resize", soon);
      cancelAnimationFrame(frame);
    };
  }, [store, step]);
  useEffect(() => {
    if (document.activeElement === document.body) card.current?.querySelector<HTMLElement>(".button-primary")?.focus();
  }, []);
  return { card, ring };
}

function anchorOf(step: TourStep): Element | null {
  const all = [...document.querySelectorAll(`[data-tour="${ANCHORS[step]}"]`)];
  return all.find((element) => element.checkVisibility()) ?? null;
}

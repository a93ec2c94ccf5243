import type { JSX } from "preact";

import type { Sample } from "../app/state";
import { hasText, t } from "../text";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { keyText } from "./key-names";
import { OpenWays } from "./OpenMenu";

export function EmptyState(): JSX.Element {
  const dispatch = useDispatch();
  return (
    <section class="empty" data-testid="empty-state">
      <div class="empty-inner">
        <h1>{t("app.tagline")}</h1>
        <div class="drop-zone">
          <span class="drop-art" aria-hidden="true">
            <Icon name="picture" />
          </span>
          <h2>{t("empty.title")}</h2>
          <p>{t("empty.hint", { paste: keyText("mod+v") })}</p>
          <button
            type="button"
            class="button button-text button-primary button-large"
            data-testid="choose-picture"
            data-tour="open"
            onClick={() => dispatch({ type: "request/pick" })}
          >
            <Icon name="open" />
            {t("empty.open")}
          </button>
          <div class="open-ways">
            <OpenWays class="button button-text button-quiet" />
          </div>
        </div>
        <Elsewhere />
        <Samples />
        <p class="quiet">{t("empty.private")}</p>
      </div>
    </section>
  );
}

/** The workspace is open in another tab: it can be had here. */
function Elsewhere(): JSX.Element | null {
  const dispatch = useDispatch();
  const elsewhere = useSelect((state) => state.workspace.place === "elsewhere");
  if (!elsewhere) return null;
  return (
    <p class="elsewhere">
      {t("place.elsewhere")}{" "}
      <button
        type="button"
        class="button button-text button-quiet"
        data-testid="take-over"
        onClick={() => dispatch({ type: "request/take-over" })}
      >
        {t("place.take")}
      </button>
    </p>
  );
}

function Samples(): JSX.Element | null {
  const dispatch = useDispatch();
  const samples = useSelect((state) => state.samples);
  if (samples.length === 0) return null;
  return (
    <div class="samples">
      <h3>{t("empty.samples")}</h3>
      <ul aria-label={t("samples.title")}>
        {samples.map((sample) => (
          <li key={sample.file}>
            <button
              type="button"
              class="sample"
              title={sample.credit}
              data-testid="sample"
              onClick={() => dispatch({ type: "request/sample", file: sample.file })}
            >
              <img
                src={`/samples/${sample.file.replace(/\.jpg$/, ".thumb.jpg")}`}
                alt=""
                width={240}
                height={160}
                loading="lazy"
              />
              <span>{titleOf(sample)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Our own samples are named in each language; others as whoever put them there named them. */
function titleOf({ file, title }: Sample): string {
  const key = `sample.${file.replace(/\.jpg$/, "")}`;
  return hasText(key) ? t(key) : title;
}

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { AppState } from "../app/state";
import type { PictureEntry } from "../app/workspace";
import { showsStrip } from "../app/workspace";
import { t } from "../text";
import { useApp, useDispatch, useSelect } from "./context";
import { Icon } from "./icons";

const historyOf = (state: AppState, id: number): AppState["history"] | undefined =>
  state.picture?.epoch === id ? state.history : state.workspace.parked[id]?.history;

/** What would go with a picture: its objects, or what was begun or undone there; null where there is nothing. */
function questionFor(state: AppState, { id, name }: PictureEntry): string | null {
  const history = historyOf(state, id);
  const count = history?.present.objects.length ?? 0;
  if (count > 0) return t("strip.remove.sure", { name, count });
  const begun = history !== undefined && history.past.length + history.future.length > 0;
  return begun ? t("strip.remove.begun", { name }) : null;
}

/** Every picture of the workspace, small, with how far it has come. */
export function Filmstrip(): JSX.Element | null {
  const dispatch = useDispatch();
  const entries = useSelect((state) => state.workspace.entries);
  const active = useSelect((state) => state.picture?.epoch ?? null);
  const shown = useSelect(showsStrip);
  const list = useRef<HTMLUListElement>(null);
  const at = entries.findIndex(({ id }) => id === active);

  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [active, entries.length]);

  if (!shown) return null;
  return (
    <nav class="strip panel" aria-label={t("strip.label")} data-testid="strip">
      <span class="strip-count">{t("strip.count", { at: at + 1, count: entries.length })}</span>
      <ul ref={list}>
        {entries.map((entry) => (
          <StripEntry key={entry.id} entry={entry} active={entry.id === active} />
        ))}
      </ul>
      <button
        type="button"
        class="button"
        aria-label={t("strip.add")}
        title={t("strip.add")}
        data-testid="strip-add"
        onClick={() => dispatch({ type: "request/pick" })}
      >
        <Icon name="plus" />
      </button>
    </nav>
  );
}

function StripEntry({ entry, active }: { readonly entry: PictureEntry; readonly active: boolean }): JSX.Element {
  const { store } = useApp();
  const { id, name, phase, thumbnail } = entry;
  const count = useSelect((state) => historyOf(state, id)?.present.objects.length ?? 0);
  const label = t("strip.entry", { name, state: t(`strip.${phase}`), count });
  const remove = (): void => {
    const question = questionFor(store.get(), entry);
    if (question === null || window.confirm(question)) store.dispatch({ type: "request/remove", id });
  };
  return (
    <li class={`strip-entry strip-${phase} ${active ? "is-active" : ""}`}>
      <button
        type="button"
        class="strip-main"
        aria-label={label}
        title={label}
        aria-current={active ? "true" : undefined}
        data-testid="strip-entry"
        data-phase={phase}
        onClick={() => store.dispatch({ type: "request/show", id })}
      >
        {thumbnail === null ? (
          <span class="strip-blank">{name}</span>
        ) : (
          <img src={thumbnail} alt="" draggable={false} />
        )}
        <span class="strip-light" aria-hidden="true" />
        {count > 0 && <span class="strip-objects">{count}</span>}
      </button>
      <button
        type="button"
        class="strip-remove"
        aria-label={t("strip.remove", { name })}
        title={t("strip.remove", { name })}
        data-testid="strip-remove"
        onClick={remove}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

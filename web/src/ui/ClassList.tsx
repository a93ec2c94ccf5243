import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { COLOURS, colourOf } from "../app/palette";
import { countsOf } from "../app/reduce-labels";
import { objectsOf } from "../app/selectors";
import type { Label } from "../app/workspace";
import { t } from "../text";
import { useApp, useDispatch, useSelect } from "./context";
import { fieldKeys } from "./field-keys";
import { RowButton } from "./RowButton";

/** Every class with its colour, its name and a way to take it away. What is done here holds in all pictures. */
export function ClassList(): JSX.Element {
  const labels = useSelect((state) => state.workspace.labels);
  const open = useSelect(objectsOf);
  const parked = useSelect((state) => state.workspace.parked);
  const counts = useMemo(() => countsOf(open, parked), [open, parked]);
  if (labels.length === 0) return <p class="hint">{t("classes.none")}</p>;
  return (
    <ul class="class-list" aria-label={t("classes.title")} data-testid="classes">
      {labels.map((label, i) => (
        <ClassRow key={i} label={label} count={counts.get(label.name) ?? 0} />
      ))}
    </ul>
  );
}

interface ClassRowProps {
  readonly label: Label;
  /** Objects in all pictures. */
  readonly count: number;
}

function ClassRow({ label: { name, colour }, count }: ClassRowProps): JSX.Element {
  const { store } = useApp();
  const dispatch = useDispatch();
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (field.current !== null) field.current.value = name;
  }, [name]);
  const rename = (): void => {
    if (field.current === null || field.current.value === name) return;
    const to = field.current.value.trim();
    const { labels } = store.get().workspace;
    const joins = to !== name && labels.some((label) => label.name === to);
    const isSure = to !== "" && to !== name && (!joins || window.confirm(t("classes.join.sure", { name, to })));
    if (isSure) dispatch({ type: "workspace/label-edit", name, to });
    else field.current.value = name;
  };
  const remove = (): void => {
    const isSure = count === 0 || window.confirm(t("classes.remove.sure", { name, count }));
    if (!isSure) return;
    field.current?.focus(); // the row goes, and the next one takes its place
    dispatch({ type: "workspace/label-edit", name, to: null });
  };
  return (
    <li data-testid="class">
      <button
        type="button"
        class="class-colour"
        style={{ backgroundColor: colourOf(colour) }}
        aria-label={t("classes.colour", { name })}
        title={t("classes.colour", { name })}
        data-testid="class-colour"
        onClick={() =>
          dispatch({ type: "workspace/label-edit", name, to: name, colour: (colour + 1) % COLOURS.length })
        }
      />
      <input
        type="text"
        class="label-field"
        maxLength={80}
        defaultValue={name}
        aria-label={t("classes.rename", { name })}
        data-testid="class-name"
        ref={field}
        onBlur={rename}
        onKeyDown={fieldKeys(
          () => field.current?.blur(),
          () => {
            if (field.current !== null) field.current.value = name;
            field.current?.blur();
          },
        )}
      />
      <span class="count" title={t("classes.count", { count })}>
        {count}
      </span>
      <RowButton icon="trash" label={t("classes.remove", { name })} testId="class-remove" act={remove} />
    </li>
  );
}

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { docOf } from "../app/selectors";
import type { SegmentedObject } from "../app/state";
import { t } from "../text";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";
import { objectName } from "./object-name";
import { colourOf } from "./palette";
import { Thumbnail } from "./Thumbnail";

export function ObjectList(): JSX.Element {
  const { objects, draft } = useSelect(docOf);
  const hidden = useSelect((state) => state.hidden);
  return (
    <section class="objects panel" data-testid="objects">
      <header>
        <h2>{t("objects.title")}</h2>
        {objects.length > 0 && <span class="count">{objects.length}</span>}
      </header>
      {objects.length === 0 ? (
        <p class="hint">{t("objects.none")}</p>
      ) : (
        <ul>
          {objects.map((object) => (
            <ObjectRow
              key={object.id}
              object={object}
              name={objectName(object, objects)}
              selected={draft.editing === object.id}
              hidden={hidden.includes(object.id)}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

interface ObjectRowProps {
  readonly object: SegmentedObject;
  readonly name: string;
  readonly selected: boolean;
  readonly hidden: boolean;
}

function ObjectRow({ object, name, selected, hidden }: ObjectRowProps): JSX.Element {
  const dispatch = useDispatch();
  const [renaming, setRenaming] = useState(false);
  const { id } = object;
  return (
    <li class={`object ${selected ? "is-selected" : ""} ${hidden ? "is-hidden" : ""}`} data-testid="object">
      {renaming ? (
        <RenameField object={object} name={name} close={() => setRenaming(false)} />
      ) : (
        <button
          type="button"
          class="object-main"
          aria-pressed={selected}
          aria-label={t("object.select", { name })}
          data-testid="object-select"
          onClick={() => dispatch({ type: "object/select", id: selected ? null : id })}
          onDblClick={() => setRenaming(true)}
        >
          <span class="swatch" style={{ backgroundColor: colourOf(object.colour) }} />
          <Thumbnail
            step={object.step}
            candidate={object.candidate}
            framedBy={[object.candidate]}
            colour={object.colour}
            width={40}
            height={32}
          />
          <span class="object-name">{name}</span>
        </button>
      )}
      <div class="object-actions">
        <button
          type="button"
          class="button button-small"
          aria-label={t("object.rename", { name })}
          data-testid="object-rename"
          onClick={() => setRenaming(true)}
        >
          <Icon name="pencil" />
        </button>
        <button
          type="button"
          class="button button-small"
          aria-label={t(hidden ? "object.show" : "object.hide", { name })}
          aria-pressed={hidden}
          data-testid="object-toggle"
          onClick={() => dispatch({ type: "object/toggle", id })}
        >
          <Icon name={hidden ? "hidden" : "eye"} />
        </button>
        <button
          type="button"
          class="button button-small"
          aria-label={t("object.delete", { name })}
          data-testid="object-delete"
          onClick={() => dispatch({ type: "object/delete", id })}
        >
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

interface RenameFieldProps {
  readonly object: SegmentedObject;
  readonly name: string;
  readonly close: () => void;
}

function RenameField({ object, name, close }: RenameFieldProps): JSX.Element {
  const dispatch = useDispatch();
  const finished = useRef(false); // a field that goes away loses the focus too, and would finish once more
  const leave = (): void => {
    finished.current = true;
    close();
  };
  const finish = (value: string): void => {
    if (finished.current) return;
    const trimmed = value.trim();
    if (trimmed !== object.name) dispatch({ type: "object/rename", id: object.id, name: trimmed });
    leave();
  };
  return (
    <input
      class="object-rename"
      type="text"
      maxLength={120}
      defaultValue={object.name}
      placeholder={name}
      aria-label={t("object.rename", { name })}
      data-testid="object-name-field"
      ref={(input) => input?.focus()}
      onBlur={(event) => finish(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.isComposing) return; // Enter and Escape belong to the input method
        if (event.key === "Enter") finish(event.currentTarget.value);
        else if (event.key === "Escape") leave();
      }}
    />
  );
}

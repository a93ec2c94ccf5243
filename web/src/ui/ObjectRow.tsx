import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { colourOf, objectColour } from "../app/palette";
import type { SegmentedObject } from "../app/state";
import { t } from "../text";
import { useDispatch, useSelect } from "./context";
import { LabelPicker } from "./LabelPicker";
import { NameField } from "./NameField";
import { RowButton } from "./RowButton";
import { Thumbnail } from "./Thumbnail";

interface ObjectRowProps {
  readonly object: SegmentedObject;
  /** Its place in the list. */
  readonly at: number;
  readonly name: string;
  readonly selected: boolean;
  readonly hidden: boolean;
  readonly marked: boolean;
}

export function ObjectRow({ object, at, name, selected, hidden, marked }: ObjectRowProps): JSX.Element {
  const dispatch = useDispatch();
  const colour = useSelect((state) => objectColour(object, state.workspace.labels));
  const all = useSelect((state) => state.marked);
  const [renaming, setRenaming] = useState(false);
  const { id, locked } = object;
  const mark = (): void =>
    dispatch({ type: "object/mark", ids: marked ? all.filter((other) => other !== id) : [...all, id] });
  const classes = ["object", selected && "is-selected", hidden && "is-hidden", marked && "is-marked"];
  return (
    <li
      class={classes.filter(Boolean).join(" ")}
      data-testid="object"
      data-locked={locked}
      draggable={!renaming}
      onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, `${id}`)}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes(DRAGGED)) event.preventDefault();
      }}
      onDrop={(event) => {
        const moved = event.dataTransfer?.getData(DRAGGED);
        if (!moved) return;
        event.preventDefault();
        event.stopPropagation();
        dispatch({ type: "object/move", id: Number(moved), to: at });
      }}
    >
      {renaming ? (
        <NameField
          class="object-rename"
          maxLength={120}
          value={object.name}
          placeholder={name}
          label={t("object.rename", { name })}
          testId="object-name-field"
          finish={(to) => {
            if (to !== object.name) dispatch({ type: "object/rename", id, name: to });
          }}
          close={() => setRenaming(false)}
        />
      ) : (
        <button
          type="button"
          class="object-main"
          aria-pressed={selected}
          aria-label={t("object.select", { name })}
          data-testid="object-select"
          onClick={(event) => {
            if (event.shiftKey || event.ctrlKey || event.metaKey) mark();
            else dispatch({ type: "object/select", id: selected ? null : id });
          }}
          onDblClick={() => setRenaming(!locked)}
          onKeyDown={(event) => {
            const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
            if (by === undefined || !event.altKey) return;
            event.preventDefault();
            dispatch({ type: "object/move", id, to: at + by });
          }}
        >
          <span class="swatch" style={{ backgroundColor: colourOf(colour) }} />
          <Thumbnail
            step={object.step}
            candidate={object.candidate}
            framedBy={[object.candidate]}
            colour={colour}
            width={40}
            height={32}
          />
          <span class="object-name">{name}</span>
        </button>
      )}
      <div class="object-actions">
        <LabelPicker
          value={object.label}
          name={t("object.label", { name })}
          testId="object-label"
          disabled={locked}
          choose={(label) => dispatch({ type: "object/label", ids: [id], label })}
        />
        <RowButton
          icon="pencil"
          label={t("object.rename", { name })}
          testId="object-rename"
          disabled={locked}
          act={() => setRenaming(true)}
        />
        <RowButton
          icon={hidden ? "hidden" : "eye"}
          label={t(hidden ? "object.show" : "object.hide", { name })}
          testId="object-toggle"
          pressed={hidden}
          act={() => dispatch({ type: "object/toggle", id })}
        />
        <RowButton
          icon={locked ? "locked" : "unlocked"}
          label={t(locked ? "object.unlock" : "object.lock", { name })}
          testId="object-lock"
          pressed={locked}
          act={() => dispatch({ type: "object/lock", id })}
        />
        <RowButton icon="mark" label={t("object.mark", { name })} testId="object-mark" pressed={marked} act={mark} />
        <RowButton
          icon="trash"
          label={t("object.delete", { name })}
          testId="object-delete"
          disabled={locked}
          act={() => dispatch({ type: "object/delete", ids: [id] })}
        />
      </div>
    </li>
  );
}

/** What a dragged row carries; no other page's drag has it. */
const DRAGGED = "application/x-segserve-object";

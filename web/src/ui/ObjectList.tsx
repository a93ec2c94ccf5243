import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { docOf } from "../app/selectors";
import { t } from "../text";
import { ClassList } from "./ClassList";
import { CommandButton } from "./CommandButton";
import { useDispatch, useSelect } from "./context";
import { LabelPicker } from "./LabelPicker";
import { objectName } from "./object-name";
import { ObjectRow } from "./ObjectRow";
import { RowButton } from "./RowButton";

export function ObjectList(): JSX.Element {
  const { objects, draft } = useSelect(docOf);
  const hidden = useSelect((state) => state.hidden);
  const marked = useSelect((state) => state.marked);
  const label = useSelect((state) => state.workspace.label);
  const exclusive = useSelect((state) => state.workspace.exclusive);
  const dispatch = useDispatch();
  const [editing, setEditing] = useState(false);
  return (
    <section class="objects panel" data-testid="objects">
      <header>
        <h2>{t("objects.title")}</h2>
        {objects.length > 0 && <span class="count">{objects.length}</span>}
      </header>
      <div class="objects-next">
        <div class="objects-class">
          <LabelPicker
            value={label}
            name={t("label.next")}
            testId="next-label"
            choose={(name) => dispatch({ type: "workspace/label", label: name })}
          />
          <RowButton
            icon="pencil"
            label={t("classes.title")}
            testId="classes-edit"
            expanded={editing}
            act={() => setEditing(!editing)}
          />
        </div>
        {editing && <ClassList />}
        <label class="check">
          <input
            type="checkbox"
            checked={exclusive}
            data-testid="exclusive"
            onChange={(event) => {
              dispatch({ type: "workspace/exclusive", exclusive: event.currentTarget.checked });
              event.currentTarget.blur(); // keys mean the picture again
            }}
          />
          {t("overlap.exclusive")}
        </label>
      </div>
      {objects.length === 0 ? (
        <p class="hint">{t("objects.none")}</p>
      ) : (
        <ul>
          {objects.map((object, i) => (
            <ObjectRow
              key={object.id}
              object={object}
              at={i}
              name={objectName(object, objects)}
              selected={draft.editing === object.id}
              hidden={hidden.includes(object.id)}
              marked={marked.includes(object.id)}
            />
          ))}
        </ul>
      )}
      {marked.length > 0 && (
        <footer class="objects-marked">
          <span class="quiet">{t("objects.marked", { count: marked.length })}</span>
          <CommandButton id="merge" icon="join" tip="above" />
          <CommandButton id="subtract" icon="subtract" tip="above" />
          <CommandButton id="delete" icon="trash" tip="above" />
        </footer>
      )}
    </section>
  );
}

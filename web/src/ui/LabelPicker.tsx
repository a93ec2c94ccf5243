import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { commandById, QUICK_CLASSES } from "../app/commands";
import { keysOf } from "../app/preferences";
import { t } from "../text";
import { useSelect } from "./context";
import { keyText } from "./key-names";
import { NameField } from "./NameField";

const NEW = "\u0000new"; // no class can be called so

interface LabelPickerProps {
  readonly value: string;
  readonly name: string;
  readonly testId: string;
  readonly disabled?: boolean;
  readonly choose: (label: string) => void;
}

const withKey = (name: string, key: string | undefined): string =>
  key === undefined ? name : t("label.with_key", { name, key: keyText(key) });

/** The classes of the workspace, and a way to a new one. */
export function LabelPicker({ value, name, testId, disabled, choose }: LabelPickerProps): JSX.Element {
  const labels = useSelect((state) => state.workspace.labels);
  const overrides = useSelect((state) => state.preferences.keys);
  const keyOf = (i: number): string | undefined => {
    const id = QUICK_CLASSES[i];
    return id === undefined ? undefined : keysOf(commandById(id), overrides)[0];
  };
  const [adding, setAdding] = useState(false);
  if (adding) {
    return (
      <NameField
        class="label-field"
        maxLength={80}
        placeholder={t("label.name")}
        label={t("label.name")}
        testId={`${testId}-field`}
        finish={(text) => {
          if (text !== "") choose(text);
        }}
        close={() => setAdding(false)}
      />
    );
  }
  return (
    <select
      class="label-picker"
      aria-label={name}
      title={name}
      data-testid={testId}
      disabled={disabled}
      value={value}
      onChange={(event) => {
        const { value: chosen } = event.currentTarget;
        event.currentTarget.blur(); // keys mean the picture again
        if (chosen === NEW) setAdding(true);
        else choose(chosen);
      }}
    >
      <option value="">{t("label.none")}</option>
      {labels.map((label, i) => (
        <option key={label.name} value={label.name}>
          {withKey(label.name, keyOf(i))}
        </option>
      ))}
      <option value={NEW}>{t("label.new")}</option>
    </select>
  );
}

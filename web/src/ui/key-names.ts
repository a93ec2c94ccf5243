import type { CommandId } from "../app/commands";
import { commandById } from "../app/commands";
import { keysOf } from "../app/preferences";
import { hasText, t } from "../text";
import { useSelect } from "./context";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** "mod+shift+z" as the words on a keyboard. */
export function keyNames(chord: string): string[] {
  return chord.split(/(?<=.)\+/).map((part) => {
    const key = part === "mod" && isMac ? "key.mod.mac" : `key.${part}`;
    if (hasText(key)) return t(key);
    return part.length === 1 ? part.toUpperCase() : part;
  });
}

/** "Ctrl + Shift + Z" */
export function keyText(chord: string): string {
  return keyNames(chord).join(" + ");
}

/** The first key that runs a command; null where a person took all of them away. */
export function useCommandKey(id: CommandId): string | null {
  return useSelect((state) => keysOf(commandById(id), state.preferences.keys)[0] ?? null);
}

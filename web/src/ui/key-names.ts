import { hasText, t } from "../text";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** "mod+shift+z" as the words on a keyboard. */
export function keyNames(chord: string): string[] {
  return chord.split(/(?<=.)\+/).map((part) => {
    const key = part === "mod" && isMac ? "key.mod.mac" : `key.${part}`;
    if (hasText(key)) return t(key);
    return part.length === 1 ? part.toUpperCase() : part;
  });
}

import type { Command, CommandId } from "./commands";
import { COMMANDS } from "./commands";
import type { KeyOverrides } from "./preferences";
import { keysOf } from "./preferences";

/** Named keys, as KeyboardEvent.key in lower case; the space bar is "space". */
const NAMED =
  /^(?:enter|escape|delete|backspace|insert|home|end|pageup|pagedown|space|tab|arrow(?:up|down|left|right)|f(?:[1-9]|1[0-2]))$/;
const CHORD = /^(?:mod\+)?(?:alt\+)?(?:shift\+)?([^\s\p{C}]|[a-z]+\d*)$/u;
const MOST_KEYS = 4;
const MOST_STORED = 20_000;

/** Keys with a meaning of their own: focus and the crosshair move by them, Esc leaves, the rest is the browser's. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["tab", "space", "arrowup", "arrowdown", "arrowleft", "arrowright"].flatMap((key) => [key, `shift+${key}`]),
  ...["escape", "mod+w", "mod+t", "mod+n", "mod+q", "mod+r", "mod+l", "mod+tab", "mod+v", "alt+f4", "f5", "f6", "f11"],
  ...["mod+shift+w", "mod+shift+t", "mod+shift+n", "mod+shift+r", "mod+shift+tab", "f12"],
]);

/** As chordOf writes it: modifiers in its order, one key in lower case, Shift only where it counts. */
function isChord(value: unknown): value is string {
  if (typeof value !== "string" || value.length > 30) return false;
  const key = CHORD.exec(value)?.[1] ?? "";
  if (key === "" || key !== key.toLowerCase()) return false;
  if (key.length > 1) return NAMED.test(key);
  return !value.includes("shift+") || /^[a-z]$/.test(key);
}

/** Whether a command may have this key at all. What it has by default it may always have. */
export function isAssignable({ keys }: Command, chord: string): boolean {
  return isChord(chord) && (keys.includes(chord) || !RESERVED.has(chord));
}

/** Other commands with this key, those left out that share it by default and are told apart by when they can be used. */
export function holdersOf(chord: string, command: Command, overrides: KeyOverrides): Command[] {
  return COMMANDS.filter(
    (other) =>
      other.id !== command.id &&
      keysOf(other, overrides).includes(chord) &&
      !(other.keys.includes(chord) && command.keys.includes(chord)),
  );
}

/** The key at `index` becomes `chord`, or is added where there is none. Who had it gets the old one, or goes without. */
export function assign(overrides: KeyOverrides, command: Command, index: number, chord: string): KeyOverrides {
  const keys = keysOf(command, overrides);
  const old = keys[index];
  const next = [...keys.slice(0, index), chord, ...keys.slice(index + 1)];
  let changed = withKeys(overrides, command, [...new Set(next)]);
  for (const holder of holdersOf(chord, command, overrides)) {
    const isFree = old !== undefined && isAssignable(holder, old) && holdersOf(old, holder, changed).length === 0;
    const kept = keysOf(holder, changed).flatMap((key) => (key !== chord ? [key] : isFree ? [old] : []));
    changed = withKeys(changed, holder, [...new Set(kept)]);
  }
  return changed;
}

export function removeKey(overrides: KeyOverrides, command: Command, index: number): KeyOverrides {
  return withKeys(
    overrides,
    command,
    keysOf(command, overrides).filter((_, at) => at !== index),
  );
}

/** The default keys again; who has taken one of them loses it. */
export function resetKeys(overrides: KeyOverrides, command: Command): KeyOverrides {
  let changed = withKeys(overrides, command, command.keys);
  for (const chord of command.keys) {
    for (const holder of holdersOf(chord, command, changed)) {
      const kept = keysOf(holder, changed).filter((key) => key !== chord);
      changed = withKeys(changed, holder, kept);
    }
  }
  return changed;
}

export function canAddKey(command: Command, overrides: KeyOverrides): boolean {
  return keysOf(command, overrides).length < MOST_KEYS;
}

/** What an earlier visit stored: unknown commands, keys that are none and keys that two would have count for nothing. */
export function parseOverrides(text: string | null): KeyOverrides {
  let overrides: KeyOverrides = {};
  const stored = parsed(text);
  for (const command of COMMANDS) {
    const keys = Object.hasOwn(stored, command.id) ? stored[command.id] : undefined;
    if (!Array.isArray(keys) || keys.length > MOST_KEYS) continue;
    const own = keys.filter((key): key is string => typeof key === "string" && isAssignable(command, key));
    if (own.length === keys.length) overrides = withKeys(overrides, command, [...new Set(own)]);
  }
  for (;;) {
    const held = overrides;
    const disputed = COMMANDS.filter(
      (command) => command.id in held && keysOf(command, held).some((key) => holdersOf(key, command, held).length > 0),
    );
    if (disputed.length === 0) return overrides;
    for (const command of disputed) overrides = withKeys(overrides, command, command.keys);
  }
}

function parsed(text: string | null): Record<string, unknown> {
  if (text === null || text.length > MOST_STORED) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Only what differs from the defaults is an override. */
function withKeys(overrides: KeyOverrides, command: Command, keys: readonly string[]): KeyOverrides {
  const others = Object.entries(overrides).filter(([id]) => id !== command.id);
  const isDefault = keys.length === command.keys.length && keys.every((key, i) => key === command.keys[i]);
  const own: [CommandId, readonly string[]][] = isDefault ? [] : [[command.id, keys]];
  return Object.fromEntries([...others, ...own]);
}

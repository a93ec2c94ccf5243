const KEY = "segserve.model";
const PARAMETER = "model";
/** As the bundle format has it. */
const IDENTIFIER = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The model asked for by `?model=` or, without one, chosen at an earlier visit; what is no id counts for nothing. */
export function readChoice(): string | null {
  const asked = new URLSearchParams(location.search).get(PARAMETER);
  return [asked, stored()].find((id) => id != null && IDENTIFIER.test(id)) ?? null;
}

/** For the next visit; an address that asks for another model asks for this one from now on. */
export function keepChoice(id: string): void {
  write(() => localStorage.setItem(KEY, id));
  const address = new URL(location.href);
  if (!address.searchParams.has(PARAMETER)) return;
  address.searchParams.set(PARAMETER, id);
  history.replaceState(history.state, "", address);
}

export function forgetChoice(): void {
  write(() => localStorage.removeItem(KEY));
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function write(change: () => void): void {
  try {
    change();
  } catch {
    // A browser that keeps nothing, or has no room left: the choice holds for this visit.
  }
}

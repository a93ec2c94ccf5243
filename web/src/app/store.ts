import type { Action, Dispatch } from "./actions";
import { reduce } from "./reducer";
import type { AppState } from "./state";
import { INITIAL_STATE } from "./state";

/** Told after each action, with the state before and after it. */
export type Listener = (state: AppState, before: AppState, action: Action) => void;

export interface Store {
  readonly get: () => AppState;
  readonly dispatch: Dispatch;
  /** Returns the way to stop listening. */
  readonly listen: (listener: Listener) => () => void;
}

export function createStore(initial: AppState = INITIAL_STATE): Store {
  let state = initial;
  const listeners = new Set<Listener>();
  return {
    get: () => state,
    dispatch: (action) => {
      const before = state;
      state = reduce(state, action);
      const after = state;
      for (const listener of [...listeners]) listener(after, before, action);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

import type { Dispatch } from "../app/actions";
import type { Resources } from "../app/mask-library";
import type { AppState } from "../app/state";
import type { Store } from "../app/store";

export interface AppServices {
  readonly store: Store;
  readonly resources: Resources;
}

export const AppContext = createContext<AppServices | null>(null);

export function useApp(): AppServices {
  const app = useContext(AppContext);
  if (app === null) throw new Error("AppContext is missing.");
  return app;
}

export function useDispatch(): Dispatch {
  return useApp().store.dispatch;
}

/** Part of the state; the component renders again only when that part is another. */
export function useSelect<T>(select: (state: AppState) => T): T {
  const { store } = useApp();
  const [, setSeen] = useState<unknown>(null);
  const value = select(store.get());
  useEffect(() => {
    let last = value;
    const check = (): void => {
      const next = select(store.get());
      if (Object.is(next, last)) return;
      last = next;
      setSeen({});
    };
    check();
    return store.listen(check);
  }, [store, select, value]);
  return value;
}

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../text";
import { useDispatch, useSelect } from "./context";

/** Another tab has the workspace now: nothing can be done here that would be lost. */
export function YieldedDialog(): JSX.Element | null {
  const yielded = useSelect((state) => state.workspace.place === "yielded");
  const dispatch = useDispatch();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (yielded) dialog.current?.showModal();
  }, [yielded]);
  if (!yielded) return null;
  return (
    <dialog
      ref={dialog}
      class="key-sheet panel yielded"
      aria-labelledby="yielded-title"
      data-testid="yielded"
      onCancel={(event) => event.preventDefault()}
    >
      <h2 id="yielded-title">{t("place.yielded")}</h2>
      <p>{t("place.yielded.kept")}</p>
      <button
        type="button"
        class="button button-text button-primary"
        data-testid="take-over"
        onClick={() => dispatch({ type: "request/take-over" })}
      >
        {t("place.back")}
      </button>
    </dialog>
  );
}

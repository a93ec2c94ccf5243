import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t } from "../text";
import { useDispatch, useSelect } from "./context";

/** Another tab has the workspace now: nothing can be done here that would be lost. */
export function YieldedDialog(): JSX.Element | null {
  const yielded = useSelect((state) => state.workspace.place === "yielded");
  const dispatch = useDispatch();
  const kept = useSelect((state) => state.workspace.kept);
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
      onClose={() => dialog.current?.showModal()} // a second Escape cannot be prevented
    >
      <h2 id="yielded-title">{t("place.yielded")}</h2>
      <p>{t(kept ? "place.yielded.kept" : "place.yielded.unkept")}</p>
      {!kept && (
        <button
          type="button"
          class="button button-text button-primary"
          data-testid="yielded-workspace"
          onClick={() => dispatch({ type: "request/workspace" })}
        >
          {t("place.save")}
        </button>
      )}
      <button
        type="button"
        class={`button button-text ${kept ? "button-primary" : "button-quiet"}`}
        data-testid="take-over"
        onClick={() => dispatch({ type: "request/take-over" })}
      >
        {t("place.back")}
      </button>
    </dialog>
  );
}

import type { JSX } from "preact";

import { t } from "../text";
import { percentText } from "../text/numbers";
import { useDispatch, useSelect } from "./context";
import { Icon } from "./icons";

/** Long work that goes on beside the pictures, and the way to stop it. */
export function JobCard(): JSX.Element | null {
  const dispatch = useDispatch();
  const job = useSelect((state) => state.job);
  if (job === null) return null;
  const name = t(`job.${job.kind}`);
  return (
    <div class="notice job panel" data-testid="job">
      <p>
        {name} <span class="job-part">{percentText(job.part)}</span>
        <progress value={job.part} max={1} aria-label={name} />
      </p>
      <button
        type="button"
        class="button"
        aria-label={t("job.stop")}
        title={t("job.stop")}
        data-testid="job-stop"
        onClick={() => dispatch({ type: "request/stop-job" })}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

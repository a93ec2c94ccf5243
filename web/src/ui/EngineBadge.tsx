import type { JSX } from "preact";

import type { EngineState } from "../app/state";
import { t } from "../text";
import { numberText } from "../text/numbers";
import { useSelect } from "./context";

/** Which back end answers clicks, with how many threads, and how long the last click took. */
export function EngineBadge(): JSX.Element {
  const engine = useSelect((state) => state.engine);
  const ms = engine.lastMs === null ? null : numberText(engine.lastMs, engine.lastMs < 10 ? 1 : 0);
  const title = [titleOf(engine), ms === null ? "" : t("engine.title.last", { ms })].join(" ").trim();
  return (
    <div
      class={`badge badge-${engine.phase}`}
      role="img"
      title={title}
      aria-label={title}
      data-testid="engine-badge"
      data-backend={engine.backend ?? ""}
      data-threads={engine.threads}
    >
      <span class="badge-light" />
      <span class="badge-name">{nameOf(engine)}</span>
      {ms !== null && (
        <span class="badge-ms" data-testid="engine-ms">
          {t("engine.ms", { ms })}
        </span>
      )}
    </div>
  );
}

function nameOf(engine: EngineState): string {
  if (engine.phase === "failed") return t("engine.failed");
  switch (engine.backend) {
    case null:
      return t("engine.loading");
    case "webgpu":
      return t("engine.webgpu");
    case "server":
      return t("engine.server");
    case "wasm":
      return engine.threads > 1 ? t("engine.wasm", { threads: engine.threads }) : t("engine.wasm.single");
  }
}

function titleOf(engine: EngineState): string {
  switch (engine.backend) {
    case null:
      return t("engine.title");
    case "webgpu":
      return t("engine.title.webgpu");
    case "server":
      return t("engine.title.server");
    case "wasm":
      return engine.threads > 1 ? t("engine.title.wasm") : t("engine.title.single");
  }
}

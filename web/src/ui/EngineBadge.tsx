import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { clickingOf } from "../app/clicking";
import type { EngineState } from "../app/state";
import { t } from "../text";
import { bytesText, numberText } from "../text/numbers";
import { useSelect } from "./context";
import { useMenu } from "./menu";

/** Which back end answers clicks, and how long the last click took; pressed, all that there is to know about speed. */
export function EngineBadge(): JSX.Element {
  const engine = useSelect((state) => state.engine);
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  useMenu(holder, open, setOpen);
  const ms = msOf(engine);
  const title = [titleOf(engine), ms === null ? "" : t("engine.title.last", { ms })].join(" ").trim();
  return (
    <div class="menu-holder" ref={holder}>
      <button
        type="button"
        class={`badge badge-${engine.phase}`}
        title={title}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={`${nameOf(engine)}. ${title}`}
        data-testid="engine-badge"
        data-backend={engine.backend ?? ""}
        data-threads={engine.threads}
        onClick={() => setOpen(!open)}
      >
        <span class="badge-light" />
        <span class="badge-name">{nameOf(engine)}</span>
        {ms !== null && (
          <span class="badge-ms" data-testid="engine-ms">
            {t("engine.ms", { ms })}
          </span>
        )}
      </button>
      {open && <EnginePanel engine={engine} />}
    </div>
  );
}

function EnginePanel({ engine }: { readonly engine: EngineState }): JSX.Element {
  const embedding = useSelect((state) => state.picture?.embedding ?? null);
  const clicking = useSelect(clickingOf);
  const clicks = useSelect((state) => state.models.clicks);
  const ms = msOf(engine);
  const none = t("engine.panel.none");
  const rows = [
    ["backend", nameOf(engine)],
    ["threads", engine.threads > 0 ? numberText(engine.threads) : none],
    ["model", engine.model || none],
    ...(clicks === null
      ? []
      : ([
          ["clicks", clicks.title],
          ["clicking", t(`clicking.${clicking}`)],
        ] as const)),
    ["decode", ms === null ? none : t("engine.ms", { ms })],
    ["embedding", embedding === null ? none : bytesText(embedding.bytes)],
    ["from", embedding === null ? none : t(`engine.panel.from.${embedding.from}`)],
  ] as const;
  return (
    <div class="menu panel engine-panel" role="dialog" aria-label={t("engine.panel")} data-testid="engine-panel">
      <p class="hint">{titleOf(engine)}</p>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{t(`engine.panel.${name}`)}</dt>
            <dd data-testid={`engine-${name}`}>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

const msOf = ({ lastMs }: EngineState): string | null =>
  lastMs === null ? null : numberText(lastMs, lastMs < 10 ? 1 : 0);

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

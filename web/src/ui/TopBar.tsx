import type { JSX } from "preact";

import { t } from "../text";
import { CommandButton } from "./CommandButton";
import { useSelect } from "./context";
import { DownloadMenu } from "./DownloadMenu";
import { EngineBadge } from "./EngineBadge";
import { Logo } from "./Logo";
import { ModelMenu } from "./ModelMenu";
import { OpenMenu } from "./OpenMenu";
import { SettingsMenu } from "./SettingsMenu";

export function TopBar(): JSX.Element {
  const picture = useSelect((state) => state.picture);
  return (
    <header class="topbar panel">
      <div class="brand">
        <Logo />
        <strong>{t("app.name")}</strong>
      </div>
      {picture?.size && (
        <span class="picture-name" data-testid="picture-name">
          {t("bar.picture", { name: picture.name, width: picture.size.width, height: picture.size.height })}
        </span>
      )}
      <div class="topbar-actions">
        <EngineBadge />
        <ModelMenu />
        {picture !== null && (
          <>
            <OpenMenu />
            <DownloadMenu />
          </>
        )}
        <CommandButton id="keys" icon="keys" tip="below" class="roomy-only" />
        <SettingsMenu />
      </div>
    </header>
  );
}

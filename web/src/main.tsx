import { render } from "preact";

import { startEffects } from "./app/effects";
import { readPreferences, startPreferences } from "./app/effects/preferences";
import { emptyResources } from "./app/mask-library";
import { INITIAL_STATE } from "./app/state";
import { createStore } from "./app/store";
import "./styles/base.css";
import "./styles/canvas.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/empty.css";
import "./styles/models.css";
import "./styles/panels.css";
import "./styles/clicking.css";
import "./styles/strip.css";
import "./styles/workspace.css";
import "./styles/people.css";
import "./styles/settings.css";
import "./styles/large.css";
import { App } from "./ui/App";
import { AppContext } from "./ui/context";

const root = document.getElementById("app");
if (root !== null) {
  const app = { store: createStore({ ...INITIAL_STATE, preferences: readPreferences() }), resources: emptyResources() };
  startPreferences(app.store);
  render(
    <AppContext.Provider value={app}>
      <App />
    </AppContext.Provider>,
    root,
  );
  startEffects(app.store, app.resources);
}

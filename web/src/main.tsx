import { render } from "preact";

import { startEffects } from "./app/effects";
import { emptyResources } from "./app/mask-library";
import { createStore } from "./app/store";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/empty.css";
import "./styles/models.css";
import "./styles/panels.css";
import { App } from "./ui/App";
import { AppContext } from "./ui/context";

const root = document.getElementById("app");
if (root !== null) {
  const app = { store: createStore(), resources: emptyResources() };
  render(
    <AppContext.Provider value={app}>
      <App />
    </AppContext.Provider>,
    root,
  );
  startEffects(app.store, app.resources);
}

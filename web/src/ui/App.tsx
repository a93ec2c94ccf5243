import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { languageOf } from "../app/preferences";
import { Announcer } from "./Announcer";
import { Canvas } from "./Canvas";
import { useApp, useSelect } from "./context";
import { DropVeil } from "./DropVeil";
import { EmptyState } from "./EmptyState";
import { KeySheet } from "./KeySheet";
import { attachKeyboard } from "./keyboard";
import { Notices } from "./Notices";
import { PhaseStatus } from "./PhaseStatus";
import { SidePanel } from "./SidePanel";
import { Tour } from "./Tour";
import { Toolbar } from "./Toolbar";
import { TopBar } from "./TopBar";
import { attachTransfer } from "./transfer";

/** What the file dialog offers: what both browser and server read. */
const ACCEPTED = "image/jpeg,image/png,image/webp,image/bmp,image/gif";

export function App(): JSX.Element {
  const { store } = useApp();
  const hasPicture = useSelect((state) => state.picture !== null);
  useSelect((state) => languageOf(state.preferences)); // another language renders everything anew
  const picker = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const stops = [
      attachKeyboard(store),
      attachTransfer(store),
      store.listen((_state, _before, action) => {
        if (action.type === "request/pick") picker.current?.click();
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [store]);

  return (
    <main class={`app ${hasPicture ? "has-picture" : "is-empty"}`} data-testid="app">
      <Canvas />
      <TopBar />
      {hasPicture ? (
        <>
          <Toolbar />
          <SidePanel />
          <PhaseStatus />
        </>
      ) : (
        <EmptyState />
      )}
      <Notices />
      <KeySheet />
      <DropVeil />
      <Tour />
      <Announcer />
      <input
        ref={picker}
        type="file"
        accept={ACCEPTED}
        class="file-input"
        tabIndex={-1}
        aria-hidden="true"
        data-testid="file-input"
        onChange={(event) => {
          const input = event.currentTarget;
          const [file] = input.files ?? [];
          if (file !== undefined) store.dispatch({ type: "request/open", file });
          input.value = "";
        }}
      />
    </main>
  );
}

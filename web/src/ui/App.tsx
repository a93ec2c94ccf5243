import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { languageOf } from "../app/preferences";
import { showsStrip } from "../app/workspace";
import { Announcer } from "./Announcer";
import { Canvas } from "./Canvas";
import { useApp, useSelect } from "./context";
import { DropVeil } from "./DropVeil";
import { EmptyState } from "./EmptyState";
import { Filmstrip } from "./Filmstrip";
import { KeySheet } from "./KeySheet";
import { attachKeyboard } from "./keyboard";
import { Notices } from "./Notices";
import { PhaseStatus } from "./PhaseStatus";
import { RegionChip } from "./RegionChip";
import { SidePanel } from "./SidePanel";
import { Tour } from "./Tour";
import { Toolbar } from "./Toolbar";
import { TopBar } from "./TopBar";
import { attachTransfer } from "./transfer";
import { YieldedDialog } from "./YieldedDialog";

/** What the file dialog offers: pictures that both browser and server read, TIFFs and ZIPs of such, and annotations. */
const ACCEPTED = "image/jpeg,image/png,image/webp,image/bmp,image/gif,image/tiff,.zip,.json,.txt,.yaml";

/** One input is all three: the browser asks what it is for when it is clicked. */
function pick(input: HTMLInputElement, from: "files" | "folder" | "camera"): void {
  input.webkitdirectory = from === "folder";
  input.accept = from === "camera" ? "image/*" : ACCEPTED;
  if (from === "camera") input.setAttribute("capture", "environment");
  else input.removeAttribute("capture");
  input.click();
}

/** A folder's files are named with their folders, as dropped ones are. */
const withFolder = (file: File): File =>
  file.webkitRelativePath === "" ? file : new File([file], file.webkitRelativePath, { type: file.type });

export function App(): JSX.Element {
  const { store } = useApp();
  const hasPicture = useSelect((state) => state.picture !== null);
  useSelect((state) => languageOf(state.preferences)); // another language renders everything anew
  const hasStrip = useSelect(showsStrip);
  const picker = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const stops = [
      attachKeyboard(store),
      attachTransfer(store),
      store.listen((_state, _before, action) => {
        if (action.type === "request/pick" && picker.current !== null) pick(picker.current, action.from ?? "files");
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [store]);

  return (
    <main class={`app ${hasPicture ? "has-picture" : "is-empty"} ${hasStrip ? "has-strip" : ""}`} data-testid="app">
      <Canvas />
      <TopBar />
      {hasPicture ? (
        <>
          <Toolbar />
          <SidePanel />
          <PhaseStatus />
          <RegionChip />
          <Filmstrip />
        </>
      ) : (
        <EmptyState />
      )}
      <Notices />
      <KeySheet />
      <DropVeil />
      <Tour />
      <Announcer />
      <YieldedDialog />
      <input
        ref={picker}
        type="file"
        class="file-input"
        tabIndex={-1}
        aria-hidden="true"
        accept={ACCEPTED}
        multiple
        data-testid="file-input"
        onChange={(event) => {
          const input = event.currentTarget;
          const files = [...(input.files ?? [])].map(withFolder);
          if (files.length > 0) store.dispatch({ type: "request/open", files });
          input.value = "";
        }}
      />
    </main>
  );
}

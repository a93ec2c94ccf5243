import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { announcementOf, placeText } from "./announcements";
import { useApp } from "./context";

/** The crosshair says where it is once it rests. */
const REST_MS = 500;

/** Says what happened to those who do not see it. What belongs together, a point and its mask, is said together. */
export function Announcer(): JSX.Element {
  const { store, resources } = useApp();
  const [said, setSaid] = useState("");
  useEffect(() => {
    let act = ""; // what was done, until its mask is there
    let timer = 0;
    const stop = store.listen((state, before, action) => {
      if (action.type === "crosshair/move") {
        clearTimeout(timer);
        timer = window.setTimeout(() => setSaid(placeText(store.get())), REST_MS);
        return;
      }
      const text = announcementOf(state, before, action, (step, candidate) => resources.library.get(step, candidate));
      if (text === "") return;
      clearTimeout(timer);
      const isAnswer = action.type === "step/decoded" || action.type === "step/failed";
      setSaid(isAnswer ? `${act} ${text}`.trim() : text);
      act = isAnswer ? "" : text;
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [store, resources]);
  return (
    <p class="unseen" role="status" data-testid="announcer">
      {said}
    </p>
  );
}

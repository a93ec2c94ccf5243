import type { JSX } from "preact";

import { DraftCard } from "./DraftCard";
import { ObjectList } from "./ObjectList";

export function SidePanel(): JSX.Element {
  return (
    <aside class="side">
      <DraftCard />
      <ObjectList />
    </aside>
  );
}

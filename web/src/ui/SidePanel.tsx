import type { JSX } from "preact";

import { DraftCard } from "./DraftCard";
import { MendCard } from "./MendCard";
import { ObjectList } from "./ObjectList";

export function SidePanel(): JSX.Element {
  return (
    <aside class="side">
      <DraftCard />
      <MendCard />
      <ObjectList />
    </aside>
  );
}

import type { JSX } from "preact";

import { crosshairOf } from "../app/crosshair";
import { toView } from "../geometry/camera";
import { useSelect } from "./context";

/** Where the next key would press; painted above the canvas, which knows only pictures, masks and prompts. */
export function Crosshair(): JSX.Element | null {
  const crosshair = useSelect(crosshairOf);
  const camera = useSelect((state) => state.view.camera);
  if (crosshair === null) return null;
  const { x, y } = toView(camera, crosshair.at);
  return (
    <div
      class={`crosshair ${crosshair.held ? "crosshair-held" : ""}`}
      style={{ transform: `translate(${x}px, ${y}px)` }}
      data-testid="crosshair"
    />
  );
}

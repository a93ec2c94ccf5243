import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { showsStrip } from "../app/workspace";
import type { Insets } from "../geometry/camera";
import type { Size } from "../geometry/frames";
import { Stage } from "../canvas/stage";
import { t } from "../text";
import { useApp, useSelect } from "./context";
import { Crosshair } from "./Crosshair";
import { attachCrosshair } from "./crosshair-keys";
import { keyText, useCommandKey } from "./key-names";
import { attachPointer } from "./pointer";
import { sceneOf } from "./scene";

/** As in styles/layout.css: below, the panels lie under the picture; above, everything is larger. */
const NARROW = 760;
/** Below, the tools take two rows. */
const TWO_ROWS = 640;
const LARGE = 2600;
const LARGE_SCALE = 1.3;

/** What the floating panels cover, so that a picture is fitted into what is left. */
function insetsFor({ width, height }: Size, strip: boolean): Insets {
  const rows = width < TWO_ROWS ? 46 : 0;
  if (width < NARROW) return { top: 64, right: 12, bottom: height * 0.36 + 74 + rows + (strip ? 68 : 0), left: 12 };
  const scale = width >= LARGE ? LARGE_SCALE : 1;
  return { top: 76 * scale, right: 328 * scale, bottom: strip ? 108 * scale : 28, left: 84 * scale };
}

/** A window that moves to a sharper screen keeps its CSS size; only its device pixels tell. */
function observeDevicePixels(observer: ResizeObserver, element: Element): void {
  try {
    observer.observe(element, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(element); // not in every browser
  }
}

export function Canvas(): JSX.Element {
  const { store, resources } = useApp();
  const holder = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const hasPicture = useSelect((state) => state.picture !== null);
  const [add, remove] = [useCommandKey("crosshair.add") ?? "", useCommandKey("crosshair.remove") ?? ""];
  const hold = useCommandKey("crosshair.hold") ?? "";
  const keys = { add: keyText(add), remove: keyText(remove), hold: keyText(hold) };
  const cursor = useSelect((state) => (state.view.grabbing ? "grabbing" : state.view.tool));

  useEffect(() => {
    if (holder.current === null || picture.current === null || overlay.current === null) return;
    const stage = Stage.create(picture.current, overlay.current);
    if (stage === null) {
      const notice = { code: "no_webgl", detail: "", tone: "error", action: null } as const;
      store.dispatch({ type: "notice/add", notice });
      return;
    }
    const fitInto = (size: Size): void =>
      store.dispatch({ type: "view/resize", size, insets: insetsFor(size, showsStrip(store.get())) });
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const { width, height } = entry.contentRect;
      const [device] = (entry as Partial<ResizeObserverEntry>).devicePixelContentBoxSize ?? []; // not in every browser
      const ratio = window.devicePixelRatio;
      const columns = device?.inlineSize ?? Math.round(width * ratio);
      const rows = device?.blockSize ?? Math.round(height * ratio);
      fitInto({ width, height });
      stage.resize(columns, rows, columns / width);
    });
    observeDevicePixels(observer, holder.current);
    const stopCrosshair = attachCrosshair(holder.current, store); // first: a mouse takes over from it
    const stopPointer = attachPointer(holder.current, store);
    const stopListening = store.listen((state, before) => {
      if (showsStrip(state) !== showsStrip(before)) fitInto(state.view.size);
      stage.show(sceneOf(store.get(), resources), resources);
    });
    return () => {
      observer.disconnect();
      stopPointer();
      stopCrosshair();
      stopListening();
      stage.close();
    };
  }, [store, resources]);

  return (
    <div
      ref={holder}
      class={`canvas canvas-${cursor}`}
      data-testid="canvas"
      data-tour="picture"
      role="application"
      aria-label={t("canvas.label")}
      aria-description={t("canvas.keys", keys)}
      tabIndex={hasPicture ? 0 : -1}
    >
      <canvas ref={picture} />
      <canvas ref={overlay} />
      <Crosshair />
    </div>
  );
}

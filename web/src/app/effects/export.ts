import { DecodeError } from "../../decode/protocol";
import { t } from "../../text";
import type { ExportFormat } from "../actions";
import { cocoJson } from "../coco";
import type { Resources } from "../mask-library";
import { exportable } from "../selectors";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";

/** Makes the file in the worker and hands it to the browser's downloads. */
export async function exportMasks(
  store: Store,
  resources: Resources,
  engine: EngineKeeper,
  format: ExportFormat,
): Promise<void> {
  const { picture } = store.get();
  const entries = exportable(store.get());
  if (picture?.size == null || entries.length === 0 || resources.file === null) return;
  const { epoch, name, size } = picture;
  const stem = name.replace(/\.[^.]+$/, "") || "picture";
  const masks = entries.map((entry) => entry.ref);
  try {
    if (format === "mask") save(await engine.call<"mask_png">({ kind: "mask_png", epoch, masks }), `${stem}-mask.png`);
    else if (format === "cutout") {
      const source = resources.file;
      save(await engine.call<"cut_out">({ kind: "cut_out", epoch, masks, source }), `${stem}-cutout.png`);
    } else {
      const summaries = await engine.call<"summarise">({ kind: "summarise", epoch, masks });
      const annotated = summaries.map((summary, i) => ({
        ...summary,
        name: entries[i]?.name ?? "",
        iou: entries[i]?.iou ?? 0,
      }));
      const text = cocoJson({ name, ...size }, annotated, t("object.unnamed"), t("coco.description"));
      save(new Blob([text], { type: "application/json" }), `${stem}-coco.json`);
    }
  } catch (error) {
    const code = error instanceof DecodeError && error.code === "empty" ? "empty" : "export_failed";
    const detail = error instanceof Error ? error.message : "";
    store.dispatch({ type: "notice/add", notice: { code, detail, tone: "error", action: null } });
  }
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

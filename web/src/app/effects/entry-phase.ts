import type { Picture, PicturePhase } from "../state";
import type { EntryPhase, PictureEntry } from "../workspace";

const PHASES: Readonly<Record<PicturePhase, EntryPhase>> = {
  reading: "waiting",
  uploading: "encoding",
  loading: "encoding",
  encoding: "encoding",
  fetching: "encoding",
  waiting: "waiting",
  ready: "encoded",
  unencoded: "waiting",
  failed: "failed",
};

/** What the filmstrip learns of a change of the open picture; null: nothing. */
export function entryChange({ size, imageId, phase }: Partial<Picture>): Partial<Omit<PictureEntry, "id">> | null {
  if (size === undefined && imageId === undefined && phase === undefined) return null;
  return {
    ...(size !== undefined && { size }),
    ...(imageId !== undefined && { imageId }),
    ...(phase !== undefined && { phase: PHASES[phase] }),
  };
}

import type { PictureRecord, WorkspaceIndex } from "../../storage/port";
import type { ParkedDocument, PictureEntry, Workspace } from "../workspace";

/** What of the workspace is kept beside its pictures. */
type Extra = Pick<Workspace, "labels" | "label" | "exclusive">;

interface KeptDocument {
  readonly picture: number;
  readonly document: unknown;
}

export function indexOf(
  { entries, labels, label, exclusive }: Workspace,
  active: number | undefined,
  nextId: number,
): WorkspaceIndex {
  const pictures = entries.map(({ id, name, bytes, size, imageId }) => ({
    id,
    name,
    bytes,
    width: size?.width ?? null,
    height: size?.height ?? null,
    imageId,
  }));
  const extra: Extra = { labels, label, exclusive };
  return { pictures, active: active ?? null, nextId, extra };
}

/** The workspace as it was left. What is damaged is left out piece by piece (`damaged`: whose work), and no id is given twice. */
export function workspaceFrom(
  index: WorkspaceIndex | null,
  documents: readonly KeptDocument[],
): { readonly workspace: Partial<Workspace>; readonly nextId: number; readonly damaged: readonly number[] } {
  if (index === null) return { workspace: {}, nextId: 1, damaged: [] };
  const entries = index.pictures.map(entryFrom);
  const parked: Record<number, ParkedDocument> = {};
  const damaged: number[] = [];
  let { nextId } = index;
  for (const { picture, document } of documents) {
    const isKnown = entries.some(({ id }) => id === picture);
    if (!isDocument(document)) {
      if (isKnown) damaged.push(picture);
      continue;
    }
    if (isKnown) parked[picture] = document;
    for (const id of Object.keys(document.steps)) nextId = Math.max(nextId, Number(id) + 1);
  }
  for (const { id } of entries) nextId = Math.max(nextId, id + 1);
  return { workspace: { ...extraFrom(index.extra), entries, parked }, nextId, damaged };
}

export function entryFrom({ id, name, bytes, width, height, imageId }: PictureRecord): PictureEntry {
  const size = width === null || height === null ? null : { width, height };
  return { id, name, bytes, size, imageId, phase: "waiting", thumbnail: null };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

export function isDocument(value: unknown): value is ParkedDocument {
  if (!isObject(value) || !isObject(value.history) || !isObject(value.steps) || !Array.isArray(value.hidden))
    return false;
  const { past, present, future } = value.history;
  return [past, [present], future].every((snapshots) => Array.isArray(snapshots) && snapshots.every(isSnapshot));
}

function isSnapshot(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value.objects) || !isObject(value.draft)) return false;
  const { prompt } = value.draft;
  return isObject(prompt) && Array.isArray(prompt.points);
}

export function extraFrom(value: unknown): Partial<Extra> {
  if (!isObject(value)) return {};
  const { labels, label, exclusive } = value;
  const isLabel = (one: unknown): boolean =>
    isObject(one) && typeof one.name === "string" && typeof one.colour === "number";
  return {
    ...(Array.isArray(labels) && { labels: labels.filter(isLabel) as Workspace["labels"] }),
    ...(typeof label === "string" && { label }),
    ...(typeof exclusive === "boolean" && { exclusive }),
  };
}

import type { PictureRecord, StoredResult, WorkspaceIndex } from "./port";

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSide = (value: unknown): boolean => value === null || isCount(value);

/** What an older, newer or broken page left: records that are none are left out; null when nothing of it can be read. */
export function indexFrom(value: unknown): WorkspaceIndex | null {
  if (!isObject(value) || !Array.isArray(value.pictures) || !isCount(value.nextId)) return null;
  const { nextId, extra } = value;
  const active = isCount(value.active) ? value.active : null;
  return { pictures: value.pictures.filter(isPicture), active, nextId, extra };
}

export function isPicture(value: unknown): value is PictureRecord {
  return (
    isObject(value) &&
    isCount(value.id) &&
    typeof value.name === "string" &&
    isCount(value.bytes) &&
    isSide(value.width) &&
    isSide(value.height) &&
    (value.imageId === null || typeof value.imageId === "string")
  );
}

export function isResult(value: unknown): value is StoredResult {
  return isObject(value) && isCount(value.step) && isCount(value.picture);
}

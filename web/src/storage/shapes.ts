import type { PictureRecord, StoredResult, WorkspaceIndex } from "./port";

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSide = (value: unknown): boolean => value === null || isCount(value);

/** Whatever an older, newer or broken page left that is no such thing counts as nothing. */
export function isIndex(value: unknown): value is WorkspaceIndex {
  return (
    isObject(value) &&
    Array.isArray(value.pictures) &&
    value.pictures.every(isPicture) &&
    (value.active === null || isCount(value.active)) &&
    isCount(value.nextId)
  );
}

function isPicture(value: unknown): value is PictureRecord {
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

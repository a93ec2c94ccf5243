import type { SegmentedObject } from "../app/state";
import { t } from "../text";

/** The person's name for it, or its place in the list. */
export function objectName(object: SegmentedObject, objects: readonly SegmentedObject[]): string {
  return object.name || t("object.default", { n: objects.findIndex((other) => other.id === object.id) + 1 });
}

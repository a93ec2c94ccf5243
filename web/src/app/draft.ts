import { isEmpty } from "../geometry/prompt";
import type { Doc, Draft } from "./state";

/** Nothing is being made or edited. */
export const isIdle = ({ prompt, step, editing }: Draft): boolean =>
  step === null && editing === null && isEmpty(prompt);

/** Colours are numbered; the interface decides how a number looks. */
export function nextColour(doc: Doc): number {
  return doc.objects.reduce((highest, object) => Math.max(highest, object.colour), -1) + 1;
}

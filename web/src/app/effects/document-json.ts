import type { Doc, SegmentedObject } from "../state";
import type { ParkedDocument } from "../workspace";

type Utf8 = Uint8Array<ArrayBuffer>;

/** Bytes of what stands between the snapshots' lists. */
const BETWEEN = 64;

/**
 * A document as JSON of at most `most` bytes: the oldest undo, then the farthest redo is left out where it is more (`cut`: so
 * many snapshots), and nothing else.
 */
export function documentJson(
  { history, ...rest }: ParkedDocument,
  most: number,
): { readonly json: readonly Utf8[]; readonly cut: number } {
  const encoder = new TextEncoder();
  const utf8 = (text: string): Utf8 => encoder.encode(text);
  const texts = new Map<SegmentedObject, string>(); // snapshots share their objects
  const textOf = (object: SegmentedObject): string => {
    const text = texts.get(object) ?? JSON.stringify(object);
    texts.set(object, text);
    return text;
  };
  const snapshot = ({ objects, ...others }: Doc): Utf8 =>
    utf8(`{"objects":[${objects.map(textOf).join()}],${JSON.stringify(others).slice(1)}`);

  const present = snapshot(history.present);
  const end = utf8(`]},${JSON.stringify(rest).slice(1)}`);
  let room = most - present.length - end.length - BETWEEN;
  const fitting = (nearestFirst: readonly Doc[]): Utf8[] => {
    const kept: Utf8[] = [];
    for (const doc of nearestFirst) {
      const bytes = snapshot(doc);
      room -= bytes.length + 1;
      if (room < 0) break;
      kept.push(bytes);
    }
    return kept;
  };
  const future = fitting(history.future);
  const past = fitting(history.past.toReversed()).reverse();
  const listed = (snapshots: readonly Utf8[]): Utf8[] =>
    snapshots.flatMap((bytes, i) => (i === 0 ? [bytes] : [utf8(","), bytes]));
  const before = [utf8('{"history":{"past":['), ...listed(past), utf8('],"present":'), present];
  return {
    json: [...before, utf8(',"future":['), ...listed(future), end],
    cut: history.past.length + history.future.length - past.length - future.length,
  };
}

import type { History } from "./history";
import type { AppState, Doc, SegmentedObject } from "./state";
import type { Label } from "./workspace";

/** A class gets another name or colour; `to` null takes it away, a name that is there already joins the two. */
export interface LabelEdit {
  readonly name: string;
  readonly to: string | null;
  readonly colour?: number;
}

/**
 * In every picture and at every step of undo: a class is the workspace's, and an undo must not bring back the name of one
 * that is gone.
 */
export function editLabel(state: AppState, { name, to, colour }: LabelEdit): AppState {
  const { workspace } = state;
  const known = workspace.labels.find((label) => label.name === name);
  if (known === undefined || to === "") return state;
  const joins = to !== name && workspace.labels.some((label) => label.name === to);
  const renamed = (label: Label): Label[] =>
    label !== known ? [label] : to === null || joins ? [] : [{ name: to, colour: colour ?? label.colour }];
  const labels = workspace.labels.flatMap(renamed);
  const label = workspace.label === name ? (to ?? "") : workspace.label;
  if (to === name) return { ...state, workspace: { ...workspace, labels } };
  const relabel = relabelling(name, to ?? "");
  const parked = Object.fromEntries(
    Object.entries(workspace.parked).map(([id, document]) => {
      const history = through(document.history, relabel);
      return [id, history === document.history ? document : { ...document, history }];
    }),
  );
  return { ...state, history: through(state.history, relabel), workspace: { ...workspace, labels, label, parked } };
}

/** How many objects of all pictures have each class; `open`: the open picture's, `parked`: the others' documents. */
export function countsOf(
  open: readonly SegmentedObject[],
  parked: AppState["workspace"]["parked"],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const objects of [open, ...Object.values(parked).map(({ history }) => history.present.objects)]) {
    for (const { label } of objects) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

/** What snapshots share they share afterwards too: lists and objects are made anew once each. */
function relabelling(from: string, to: string): (doc: Doc) => Doc {
  const lists = new Map<Doc["objects"], Doc["objects"]>();
  const made = new Map<SegmentedObject, SegmentedObject>();
  const relabelled = (object: SegmentedObject): SegmentedObject => {
    if (object.label !== from) return object;
    const next = made.get(object) ?? { ...object, label: to };
    made.set(object, next);
    return next;
  };
  return (doc) => {
    if (doc.objects.every(({ label }) => label !== from)) return doc;
    const objects = lists.get(doc.objects) ?? doc.objects.map(relabelled);
    lists.set(doc.objects, objects);
    return { ...doc, objects };
  };
}

/** The same history where nothing in it changes. */
function through(history: History<Doc>, change: (doc: Doc) => Doc): History<Doc> {
  const [past, present, future] = [history.past.map(change), change(history.present), history.future.map(change)];
  const same = present === history.present && isSame(past, history.past) && isSame(future, history.future);
  return same ? history : { past, present, future };
}

const isSame = (one: readonly Doc[], other: readonly Doc[]): boolean => one.every((doc, i) => doc === other[i]);

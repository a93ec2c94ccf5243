import type { DocumentAction } from "./actions";
import { redo, undo } from "./history";
import { reduceDraft } from "./reduce-draft";
import { reduceObjects } from "./reduce-objects";
import type { AppState } from "./state";

export function reduceDocument(state: AppState, action: DocumentAction): AppState {
  switch (action.type) {
    case "history/undo":
      return { ...state, history: undo(state.history), hoverShown: false };
    case "history/redo":
      return { ...state, history: redo(state.history), hoverShown: false };
    case "object/select":
    case "object/rename":
    case "object/label":
    case "object/lock":
    case "object/move":
    case "object/duplicate":
    case "object/delete":
    case "object/merge":
    case "object/subtract":
    case "object/import":
    case "object/toggle":
    case "object/mark":
      return reduceObjects(state, action);
    default:
      return reduceDraft(state, action);
  }
}

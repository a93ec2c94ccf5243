import { fit, isFitted, keepInSight, pan, zoomAt, zoomLimits } from "../geometry/camera";
import { viewPoint } from "../geometry/frames";
import type { Action, DocumentAction, ReportAction, ViewAction } from "./actions";
import { withoutClicks } from "./clicking";
import type { CrosshairAction } from "./crosshair";
import { reduceCrosshair } from "./crosshair";
import { importInto } from "./documents";
import type { PreferencesAction } from "./preferences";
import { reducePreferences } from "./preferences";
import { reduceDocument } from "./reduce-document";
import { addPictures, reduceWorkspace, showPicture } from "./reduce-workspace";
import type { AppState, Step, ViewState } from "./state";
import type { WorkspaceAction } from "./workspace";

/** In ImagePx. */
const SMALLEST_BRUSH = 0.5;
const LARGEST_BRUSH = 1000;

export function reduce(state: AppState, action: Action): AppState {
  const [area] = action.type.split("/");
  switch (area) {
    case "workspace":
      return workspaceAction(state, action as WorkspaceAction);
    case "point":
    case "scribble":
    case "box":
    case "lasso":
    case "mask":
    case "candidate":
    case "draft":
    case "object":
    case "history":
      // Another tab has the workspace: what would be done here would be lost.
      return state.workspace.place === "yielded" ? state : reduceDocument(state, action as DocumentAction);
    case "view":
    case "camera":
    case "tool":
    case "label":
    case "pointer":
    case "band":
    case "stroke":
    case "brush":
    case "outline":
    case "looking":
    case "grab":
    case "gesture":
    case "dialog":
    case "drop":
      return { ...state, view: reduceView(state, action as ViewAction) };
    case "crosshair":
      return reduceCrosshair(state, action as CrosshairAction);
    case "preferences":
      return { ...state, preferences: reducePreferences(state.preferences, action as PreferencesAction) };
    case "request":
      return state;
    default:
      return reduceReport(state, action as ReportAction);
  }
}

function workspaceAction(state: AppState, action: WorkspaceAction): AppState {
  return action.type === "workspace/import"
    ? importInto(state, action.id, action.objects)
    : reduceWorkspace(state, action);
}

function reduceView(state: AppState, action: ViewAction): ViewState {
  const { view } = state;
  const image = state.picture?.size ?? null;
  switch (action.type) {
    case "view/resize": {
      const next = { ...view, size: action.size, insets: action.insets };
      if (image === null) return next;
      const untouched = isFitted(view.camera, image, view.size, view.insets);
      const camera = untouched ? fit(image, action.size, action.insets) : keepInSight(view.camera, image, action.size);
      return { ...next, camera };
    }
    case "camera/zoom": {
      if (image === null) return view;
      const at = action.at ?? viewPoint(view.size.width / 2, view.size.height / 2);
      const camera = zoomAt(view.camera, at, action.factor, zoomLimits(image, view.size));
      return { ...view, camera: keepInSight(camera, image, view.size) };
    }
    case "camera/pan":
      if (image === null) return view;
      return { ...view, camera: keepInSight(pan(view.camera, action.dx, action.dy), image, view.size) };
    case "camera/fit":
      return image === null ? view : { ...view, camera: fit(image, view.size, view.insets) };
    case "tool/choose":
      return { ...view, tool: action.tool, band: null, stroke: null, outline: null };
    case "label/choose":
      return { ...view, label: action.label };
    case "pointer/move":
      return { ...view, pointer: action.at };
    case "band/set":
      return { ...view, band: action.box, moving: null };
    case "stroke/draw":
      return { ...view, stroke: action.stroke };
    case "brush/size":
      return { ...view, brush: Math.min(Math.max(action.radius, SMALLEST_BRUSH), LARGEST_BRUSH) };
    case "outline/show":
      return { ...view, outline: action.rings };
    case "looking/show":
      return { ...view, looking: action.target };
    case "grab/set":
      return { ...view, grabbing: action.grabbing };
    case "gesture/hold":
      return { ...view, held: action.held };
    case "gesture/drop":
      return { ...view, held: false };
    case "dialog/show":
      return { ...view, dialog: action.dialog };
    case "drop/hover":
      return { ...view, dropping: action.over };
  }
}

function reduceReport(state: AppState, action: ReportAction): AppState {
  switch (action.type) {
    case "models/update":
      return { ...state, models: { ...state.models, ...action.change } };
    case "picture/open":
      return showPicture(addPictures(state, [action]), state.nextId);
    case "picture/update": {
      if (state.picture?.epoch !== action.epoch) return state;
      const picture = { ...state.picture, ...action.change };
      const measured = state.picture.size === null ? picture.size : null;
      const camera = measured === null ? state.view.camera : fit(measured, state.view.size, state.view.insets);
      return { ...state, picture, view: { ...state.view, camera } };
    }
    case "step/decoded": {
      const step = state.steps[action.step];
      if (step === undefined) return state;
      const { candidates, fedBack, revision } = action;
      const done = { ...step, candidates, fedBack, revision, status: "done" as const };
      const steps = { ...state.steps, [step.id]: done };
      return { ...state, steps, engine: { ...state.engine, lastMs: action.ms ?? state.engine.lastMs } };
    }
    case "step/failed": {
      const step = state.steps[action.step];
      if (step === undefined) return state;
      return { ...state, steps: { ...state.steps, [step.id]: { ...step, status: "failed" } } };
    }
    case "step/lost": {
      const step = state.steps[action.step];
      if (step === undefined) return state;
      const again: Step = { ...step, candidates: [], fedBack: null, revision: null, status: "waiting" };
      return { ...state, steps: { ...state.steps, [step.id]: again } };
    }
    case "steps/retry": {
      const failed = Object.values(state.steps).filter((step) => step.status === "failed");
      if (failed.length === 0) return state;
      const steps: Record<number, Step> = { ...state.steps };
      for (const step of failed) steps[step.id] = { ...step, status: "waiting" };
      return { ...state, steps };
    }
    case "steps/promptable":
      return withoutClicks(state);
    case "engine/update":
      return { ...state, engine: { ...state.engine, ...action.change } };
    case "picture/sharpened":
    case "masks/changed":
      return { ...state, masksVersion: state.masksVersion + 1 };
    case "hover/shown":
      return { ...state, hoverShown: action.shown, masksVersion: state.masksVersion + 1 };
    case "job/update":
      return { ...state, job: action.job };
    case "samples/listed":
      return { ...state, samples: action.samples };
    case "notice/add": {
      const others = state.notices.filter((notice) => notice.code !== action.notice.code);
      return { ...state, notices: [...others, { ...action.notice, id: state.nextId }], nextId: state.nextId + 1 };
    }
    case "notice/dismiss":
      return { ...state, notices: state.notices.filter((notice) => notice.id !== action.id) };
    case "notice/clear": {
      const notices = state.notices.filter((notice) => notice.code !== action.code);
      return notices.length === state.notices.length ? state : { ...state, notices };
    }
  }
}

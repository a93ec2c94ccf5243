import { expect, it, vi } from "vitest";

import type { Action } from "../src/app/actions";
import type { ClickModel } from "../src/app/effects/click-model";
import { Decoding, handWorkIn } from "../src/app/effects/decode";
import type { EngineKeeper } from "../src/app/effects/engine";
import type { ServerDecoder } from "../src/app/effects/server-decoder";
import { StepMaker } from "../src/app/effects/step-maker";
import { emptyResources } from "../src/app/mask-library";
import { docOf, draftStep } from "../src/app/selectors";
import type { MaskRef, Step } from "../src/app/state";
import { handMade } from "../src/app/steps";
import { createStore } from "../src/app/store";
import type { Store } from "../src/app/store";
import type { StepResult, Task } from "../src/decode/protocol";
import { DecodeError } from "../src/decode/protocol";
import { DecodeService } from "../src/decode/service";
import { imagePoint } from "../src/geometry/frames";
import { EMPTY_PROMPT } from "../src/geometry/prompt";
import { emptyRaster, rasterToRle } from "../src/geometry/raster";
import { opened, point } from "./document";

const SIZE = { width: 4, height: 4 };

const paint = (x: number): Action => ({
  type: "mask/edit",
  edit: { kind: "paint", stroke: { path: [imagePoint(x, 20)], radius: 4 }, erase: false },
});

interface Bench {
  readonly store: Store;
  readonly engine: EngineKeeper;
  /** A worker starts; the one before is gone with all that it held. */
  readonly start: () => void;
  readonly crash: () => void;
}

/** A picture that is not encoded, and no worker yet. */
function bench(): Bench {
  const store = createStore(opened());
  let service: DecodeService | null = null;
  const call = (task: Task): Promise<unknown> =>
    service?.handle(task) ?? Promise.reject(new DecodeError("crashed", "No worker is running."));
  const engine = { call, usesServer: false, model: null } as unknown as EngineKeeper;
  const kept = new Map<number, StepResult>();
  const shelf = {
    keep: (_: number, step: number, result: StepResult) => void kept.set(step, result),
    recall: (_: number, step: number) => Promise.resolve(kept.get(step) ?? null),
    settled: () => Promise.resolve(true),
    forget: () => undefined,
  };
  const maker = new StepMaker(store, engine, null as unknown as ServerDecoder, shelf, null as unknown as ClickModel);
  new Decoding(store, emptyResources(), engine, maker);
  const crash = (): void => {
    service = null;
    engine.onLost(true);
  };
  const start = (): void => {
    service = new DecodeService(null, () => undefined);
    engine.onStarted();
  };
  return { store, engine, start, crash };
}

const done = async (of: () => Step | null | undefined): Promise<void> =>
  vi.waitFor(() => expect(of()?.status).toBe("done"));

it("work by hand waits for no click that waits for an encode", async () => {
  const { store, start } = bench();
  start();
  store.dispatch(point(10, 10));
  store.dispatch({ type: "draft/accept" });
  for (const x of [20, 24]) {
    store.dispatch(paint(x));
    await done(() => draftStep(store.get()));
    store.dispatch({ type: "draft/accept" });
  }
  const [asked, painted, other] = docOf(store.get()).objects;
  store.dispatch({ type: "object/subtract", ids: [painted?.id ?? -1, other?.id ?? -1] });
  const cut = docOf(store.get()).objects[1]?.step ?? -1;
  expect(cut).not.toBe(painted?.step);
  await done(() => store.get().steps[cut]);
  expect(store.get().steps[asked?.step ?? -1]?.status).toBe("waiting");
});

it("what waits by hand is found without a look at every way through the others", () => {
  let looks = 0;
  const named = (id: number): MaskRef[] => Array.from({ length: id - 1 }, (_, i) => ({ step: i + 1, candidate: 0 }));
  const stepOf = (id: number): Step => {
    const step = handMade(id, EMPTY_PROMPT, { kind: "set", rle: rasterToRle(emptyRaster(SIZE)) }, null, named(id));
    return Object.defineProperty({ ...step }, "edit", { get: () => (looks++, step.edit) });
  };
  const steps = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [i + 1, stepOf(i + 1)]));
  const isByHand = handWorkIn(steps);
  expect(Object.keys(steps).every((id) => isByHand(Number(id)))).toBe(true);
  expect(looks).toBeLessThan(200);
});

it("a stroke painted before the worker is up is done when it is, and again after a crash, without an encode", async () => {
  const { store, start, crash } = bench();
  store.dispatch(paint(20));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(draftStep(store.get())?.status).toBe("waiting");
  start();
  await done(() => draftStep(store.get()));
  crash();
  store.dispatch(paint(40));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(draftStep(store.get())?.status).toBe("waiting");
  start();
  await done(() => draftStep(store.get()));
});

import { ClickService } from "./click-service";
import { createLauncher } from "./launch";
import type { Answers, Call, Reply, StepResult, Task } from "./protocol";
import { DecodeError } from "./protocol";
import { DecodeService } from "./service";

const scope = self as unknown as {
  postMessage(message: Reply, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<Call>) => void) | null;
};

const launcher = createLauncher({
  wasm: async (threads) => (await import("./runtime-wasm")).wasmRuntime(threads),
  webgpu: async () => (await import("./runtime-webgpu")).webgpuRuntime(),
});

const clicks = new ClickService(launcher, (target) => scope.postMessage({ kind: "look", target }, []));
const service = new DecodeService(launcher, (info) => scope.postMessage({ kind: "engine", info }, []), clicks);

scope.onmessage = (event) => {
  const { ticket } = event.data;
  service.handle(event.data).then(
    (value) => send(ticket, event.data.kind, value),
    (error: unknown) => {
      const code = error instanceof DecodeError ? error.code : "internal";
      scope.postMessage({ kind: "failure", ticket, code, message: String(error) }, []);
    },
  );
};

/** Masks stay here: what leaves is a copy, and the copy is transferred. */
function send(ticket: number, kind: Task["kind"], value: Answers[Task["kind"]]): void {
  if (value === null || !["decode", "edit", "click", "restore"].includes(kind)) {
    scope.postMessage({ kind: "answer", ticket, value }, []);
    return;
  }
  const result = value as StepResult;
  if ("raster" in result) {
    const data = result.raster.data.slice();
    scope.postMessage({ kind: "answer", ticket, value: { ...result, raster: { ...result.raster, data } } }, [
      data.buffer,
    ]);
    return;
  }
  const masks = result.masks.map((mask) => mask.slice());
  const transfer = masks.map((mask) => mask.buffer);
  scope.postMessage({ kind: "answer", ticket, value: { ...result, masks } }, transfer);
}

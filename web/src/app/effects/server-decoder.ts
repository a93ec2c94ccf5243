import { predictLogits } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { withRetry } from "../../api/retry";
import type { PredictRequest } from "../../api/types";
import { fitted } from "../../decode/feedback";
import { floatToHalf, halvesToFloats } from "../../decode/half";
import type { DecodeRequest, DecodeResult, MaskRef } from "../../decode/protocol";
import { DecodeError, logitsOf } from "../../decode/protocol";
import { place } from "../../geometry/resize";
import type { Store } from "../store";
import type { EngineKeeper } from "./engine";
import type { LoadedModel } from "./model";
import type { PictureOpener } from "./picture";

/** A mask's logits on the decoder's grid. */
interface FedBack {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The last resort: each click is answered by `POST /v1/predict`; its logits are kept as if they were the worker's. */
export class ServerDecoder {
  constructor(
    private readonly store: Store,
    private readonly engine: EngineKeeper,
    private readonly opener: PictureOpener,
  ) {}

  async decode(epoch: number, request: DecodeRequest): Promise<DecodeResult> {
    const started = performance.now();
    const { model } = this.engine;
    const { size } = this.store.get().picture ?? {};
    if (model === null || size == null) throw new DecodeError("stale", "No picture is open.");
    const { fedBack, logits } = await this.#feedback(model, request.feedback);
    const answer = await this.#ask(epoch, model, request, logits);
    if (model !== this.engine.model) throw new DecodeError("stale", "Another model was loaded.");
    if (answer.revision !== model.revision) throw new DecodeError("revision", "The server's model was replaced.");
    const masks = answer.results[0]?.masks ?? [];
    const [height, width] = masks[0]?.segmentation.shape.slice(-2) ?? [];
    const result: DecodeResult = {
      revision: model.revision,
      placement: place(size, model.inputSize, model.resize),
      threshold: model.threshold,
      candidates: masks.map((mask) => ({ index: mask.index, iou: mask.predicted_iou })),
      masks: masks.map((mask) => halvesToFloats(new Uint16Array(bytesOf(mask.segmentation.data)))),
      width: width ?? 0,
      height: height ?? 0,
      ms: performance.now() - started,
      fedBack,
    };
    if (request.step !== null) await this.engine.call<"adopt">({ kind: "adopt", step: request.step, result });
    return result;
  }

  async #ask(
    epoch: number,
    model: LoadedModel,
    request: DecodeRequest,
    logits: FedBack | null,
  ): ReturnType<typeof predictLogits> {
    const { signal } = this.opener; // a picture that is left answers no more clicks
    for (let again = false; ; again = true) {
      const body = bodyOf(this.#imageId(epoch), model.id, request, logits);
      try {
        return await withRetry(() => predictLogits(body, signal), { signal });
      } catch (error) {
        if (again || !(error instanceof ApiProblem) || !error.isForgotten) throw error;
        await this.opener.sendAgain(epoch);
        const notice = { code: "image_again", detail: "", tone: "info", action: null } as const;
        this.store.dispatch({ type: "notice/add", notice });
      }
    }
  }

  #imageId(epoch: number): string {
    const { picture } = this.store.get();
    if (picture?.epoch !== epoch || picture.imageId === null)
      throw new DecodeError("stale", "Another picture is open.");
    return picture.imageId;
  }

  /** Another model's logits mean nothing to this one. */
  async #feedback(
    model: LoadedModel,
    refs: readonly MaskRef[],
  ): Promise<{ fedBack: MaskRef | null; logits: FedBack | null }> {
    const { picture } = this.store.get();
    for (const ref of refs) {
      const held = await this.engine.call<"restore">({ kind: "restore", step: ref.step });
      const mask = held === null ? null : logitsOf(held, ref.candidate);
      if (held === null || mask === null || picture?.size == null) continue;
      if (!("raster" in held) && held.revision !== model.revision) continue;
      const { maskWidth: width, maskHeight: height } = model.spec;
      const grid = { width, height };
      const data = fitted(mask, place(picture.size, model.inputSize, model.resize), grid);
      return { fedBack: ref, logits: { ...grid, data } };
    }
    return { fedBack: null, logits: null };
  }
}

function bodyOf(
  id: string,
  model: string,
  request: DecodeRequest,
  logits: FedBack | null,
): Omit<PredictRequest, "format"> {
  const { points, box } = request.prompt;
  return {
    image: { id },
    model,
    prompts: [
      {
        ...(points.length > 0 && {
          point_coords: points.map(({ at }): [number, number] => [at.x, at.y]),
          point_labels: points.map(({ label }) => label),
        }),
        ...(box !== null && { box: [box.x1, box.y1, box.x2, box.y2] as [number, number, number, number] }),
        ...(logits !== null && {
          mask_input: { logits: base64Of(logits.data), shape: [logits.height, logits.width] as [number, number] },
        }),
      },
    ],
    multimask_output: request.multimask,
  };
}

function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}

function base64Of(values: Float32Array): string {
  const bytes = new Uint8Array(Uint16Array.from(values, floatToHalf).buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

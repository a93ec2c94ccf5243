import type { APIRequestContext } from "@playwright/test";
import { expect } from "@playwright/test";
import type { Rle } from "./masks";

export interface Prompt {
  readonly point_coords?: readonly (readonly [number, number])[];
  readonly point_labels?: readonly number[];
  readonly box?: readonly [number, number, number, number];
  readonly mask_input?: { readonly logits: string; readonly shape: readonly number[] };
}

interface PredictedMask<Segmentation> {
  readonly index: number;
  readonly segmentation: Segmentation;
  readonly predicted_iou: number;
}

interface Answer<Segmentation> {
  readonly results: readonly { readonly masks: readonly PredictedMask<Segmentation>[] }[];
}

/** `POST /v1/predict` as a program calls it. Masks come best first. */
export class Server {
  constructor(
    private readonly http: APIRequestContext,
    private readonly imageId: string,
    private readonly model?: string,
  ) {}

  masks(prompt: Prompt, multimask: boolean): Promise<readonly PredictedMask<Rle>[]> {
    return this.#predict<Rle>(prompt, multimask, "coco_rle");
  }

  /** The logits of one candidate, in the shape in which `mask_input` takes them back. */
  async logits(prompt: Prompt, multimask: boolean, candidate = 0): Promise<NonNullable<Prompt["mask_input"]>> {
    interface Logits {
      readonly shape: readonly number[];
      readonly data: string;
    }
    const masks = await this.#predict<Logits>(prompt, multimask, "logits");
    const { data, shape } = masks[candidate]?.segmentation ?? { data: "", shape: [] };
    return { logits: data, shape: shape.slice(-2) };
  }

  async #predict<S>(prompt: Prompt, multimask: boolean, format: string): Promise<readonly PredictedMask<S>[]> {
    const image = { id: this.imageId };
    const data = { image, model: this.model, prompts: [prompt], multimask_output: multimask, format };
    const response = await this.http.post("/v1/predict", { data });
    expect(response.status(), await response.text()).toBe(200);
    const answer = (await response.json()) as Answer<S>;
    return answer.results[0]?.masks ?? [];
  }
}

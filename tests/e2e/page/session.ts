import type { APIRequestContext } from "@playwright/test";
import { expect } from "@playwright/test";
import type { Rle } from "./masks";
import type { Point } from "./studio";

interface Answer {
  readonly id: string;
  readonly lease: string;
  readonly mask: { readonly segmentation: Rle };
}

/** `POST /v1/sessions` as a program clicks through it, with the server's interactive model. */
export class Session {
  private constructor(
    private readonly http: APIRequestContext,
    private readonly opened: Answer,
  ) {}

  static async open(http: APIRequestContext, imageId: string, flip = false): Promise<Session> {
    return new Session(http, await ask(http, "/v1/sessions", { image: { id: imageId }, flip }));
  }

  async click(point: Point, positive: boolean): Promise<Rle> {
    return this.#change("clicks", { point_coords: [point], point_labels: [positive ? 1 : 0] });
  }

  undo(): Promise<Rle> {
    return this.#change("undo", {});
  }

  async #change(what: string, data: object): Promise<Rle> {
    const { id, lease } = this.opened;
    return (await ask(this.http, `/v1/sessions/${id}/${what}`, { ...data, lease })).mask.segmentation;
  }
}

async function ask(http: APIRequestContext, path: string, data: object): Promise<Answer> {
  const response = await http.post(path, { data });
  expect(response.ok(), await response.text()).toBe(true);
  return (await response.json()) as Answer;
}

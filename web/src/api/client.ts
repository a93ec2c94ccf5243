import { ApiProblem, isAbort, problemFrom, unreachable } from "./problem";
import type { ModelList, PredictedLogits, PredictRequest, UploadedImage } from "./types";

/** Bytes so far, and how many there will be (null: unknown). */
export type Progress = (loaded: number, total: number | null) => void;

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
  if (response.ok) return response;
  const body = await response.text().catch(() => "");
  throw problemFrom(response.status, body, response.headers.get("Retry-After"));
}

/** An answer that breaks off, or that is a proxy's page, is as good as none. */
async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
}

export async function listModels(signal: AbortSignal): Promise<ModelList> {
  return readJson<ModelList>(await send("/v1/models", { signal }));
}

/** The masks as logits; other formats are for programs. */
export async function predictLogits(
  request: Omit<PredictRequest, "format">,
  signal: AbortSignal,
): Promise<PredictedLogits> {
  const headers = { "Content-Type": "application/json" };
  const response = await send("/v1/predict", {
    method: "POST",
    headers,
    body: JSON.stringify({ ...request, format: "logits" }),
    signal,
  });
  return readJson<PredictedLogits>(response);
}

/** A file as bytes, with progress. */
export async function download(path: string, signal: AbortSignal, progress?: Progress): Promise<ArrayBuffer> {
  const response = await send(path, { signal });
  if (response.body === null || progress === undefined) return readAll(response);
  const total = Number(response.headers.get("Content-Length")) || null; // compression hides it
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      loaded += chunk.length;
      progress(loaded, total);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw unreachable();
  }
  const whole = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole.buffer;
}

async function readAll(response: Response): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw isAbort(error) ? error : unreachable();
  }
}

/**
 * A picture's embedding. With the revision in its address it is kept by the browser for a year, and the server refuses
 * (409) to answer with another model's.
 */
export function downloadEmbedding(image: UploadedImage, revision: string, signal: AbortSignal): Promise<ArrayBuffer> {
  const url = image.embedding_url;
  if (url === null) return Promise.reject(new ApiProblem(422, "model_kind_mismatch", "", "", null));
  const mark = url.includes("?") ? "&" : "?";
  return download(`${url}${mark}revision=${encodeURIComponent(revision)}`, signal);
}

/** Uploads for a model with progress (which fetch cannot tell). `onSent` is called when the last byte has left. */
export function uploadImage(
  file: Blob,
  name: string,
  model: string,
  signal: AbortSignal,
  progress: Progress,
  onSent: () => void,
): Promise<UploadedImage> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, name);
    request.open("POST", `/v1/images?model=${encodeURIComponent(model)}`);
    request.upload.onprogress = (event) => progress(event.loaded, event.lengthComputable ? event.total : null);
    request.upload.onload = onSent;
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 200 || status >= 300) {
        reject(problemFrom(status, responseText, request.getResponseHeader("Retry-After")));
        return;
      }
      try {
        resolve(JSON.parse(responseText) as UploadedImage);
      } catch {
        reject(unreachable());
      }
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("The upload was given up.", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

export interface SampleEntry {
  file: string;
  title: string;
  credit: string;
  width: number;
  height: number;
}

export async function listSamples(signal: AbortSignal): Promise<SampleEntry[]> {
  return readJson<SampleEntry[]>(await send("/samples/index.json", { signal }));
}

/** Whether the server answers at all. */
export async function isAlive(signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch("/healthz", { signal, cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Weights that came half or changed on the way are refused. Without a secure context there is nothing to hash with. */
export async function matchesSha256(bytes: ArrayBuffer, sha256: string): Promise<boolean> {
  if (!globalThis.isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

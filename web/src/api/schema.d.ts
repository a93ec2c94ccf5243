// Made from tests/contract/openapi.json by `npm run types`. Do not edit.

export interface paths {
  "/healthz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The process answers */
    get: operations["healthz_healthz_get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/metrics": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Prometheus metrics */
    get: operations["metrics_metrics_get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/readyz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The default model is loaded and the store answers */
    get: operations["readyz_readyz_get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/images": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Upload a picture and encode it */
    post: operations["upload_v1_images_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/images/{image_id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What is known of a picture */
    get: operations["look_up_v1_images__image_id__get"];
    put?: never;
    post?: never;
    /** Forget a picture, its file and its embeddings */
    delete: operations["delete_v1_images__image_id__delete"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/images/{image_id}/embedding": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The stored embedding, safetensors bytes as they lie */
    get: operations["embedding_v1_images__image_id__embedding_get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/models": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The models that are served */
    get: operations["models_v1_models_get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/models/{model_id}/{revision}/{file_name}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** A file of a bundle: content never changes under its address; byte ranges */
    get: operations["file_v1_models__model_id___revision___file_name__get"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/predict": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Masks of a picture for points, boxes and earlier masks */
    post: operations["predict_v1_predict_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Open a session on a picture, from nothing or from a mask */
    post: operations["create_v1_sessions_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions/{session_id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The mask as it stands */
    get: operations["result_v1_sessions__session_id__get"];
    put?: never;
    post?: never;
    /** End a session */
    delete: operations["delete_v1_sessions__session_id__delete"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions/{session_id}/clicks": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Click */
    post: operations["click_v1_sessions__session_id__clicks_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions/{session_id}/lease": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Take the session: when nobody holds it, or over from whoever does */
    post: operations["lease_v1_sessions__session_id__lease_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions/{session_id}/redo": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Make the click again that was taken back */
    post: operations["redo_v1_sessions__session_id__redo_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/sessions/{session_id}/undo": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Take the last click back: the mask before it, exactly */
    post: operations["undo_v1_sessions__session_id__undo_post"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /** HealthAnswer */
    HealthAnswer: {
      /** Status */
      status: string;
    };
    /** ImageAnswer */
    ImageAnswer: {
      /** Created At */
      created_at: string;
      /** Expires At */
      expires_at: string;
      /** Height */
      height: number;
      /**
       * Id
       * @description SHA-256 over the upright picture's size and pixels.
       */
      id: string;
      /**
       * Models
       * @description Models whose embedding of this picture is stored now.
       */
      models: components["schemas"]["ImageModel"][];
      /** Width */
      width: number;
    };
    /** ImageModel */
    ImageModel: {
      /** Embedding Url */
      embedding_url: string;
      /** Id */
      id: string;
      /** Revision */
      revision: string;
    };
    /**
     * ImageReference
     * @description Exactly one of `id` and `base64`.
     */
    ImageReference: {
      /**
       * Base64
       * @description The image file's bytes in base64.
       * @default null
       */
      base64?: string | null;
      /**
       * Id
       * @description Id of an uploaded picture.
       * @default null
       */
      id?: string | null;
    };
    /** ImageSize */
    ImageSize: {
      /** Height */
      height: number;
      /**
       * Id
       * @description SHA-256 over the upright picture's size and pixels.
       */
      id: string;
      /** Width */
      width: number;
    };
    /** MaskAnswer */
    MaskAnswer: {
      /**
       * Area
       * @description Pixels.
       */
      area: number;
      /**
       * Bbox
       * @description [x, y, width, height] in pixels.
       */
      bbox: number[];
      /**
       * Index
       * @description The decoder's output that this mask is.
       */
      index: number;
      /**
       * Logits Ref
       * @description Pass it back as mask_input to refine; kept for a while. An interactive model has none, nor has a mask whose logits were one too many to keep.
       */
      logits_ref?: string | null;
      /** Predicted Iou */
      predicted_iou: number;
      /**
       * Segmentation
       * @description In the format asked for; docs/api.md describes each.
       */
      segmentation: unknown;
      /** Stability Score */
      stability_score: number;
    };
    /**
     * MaskInput
     * @description Logits of the decoder's grid: by reference, or as base64 of little-endian float16 with their shape.
     */
    MaskInput: {
      /**
       * Logits
       * @description base64 of float16 values, row by row.
       * @default null
       */
      logits?: string | null;
      /**
       * Ref
       * @description A `logits_ref` of an earlier answer.
       * @default null
       */
      ref?: string | null;
      /**
       * Shape
       * @description [height, width] of `logits`.
       * @default null
       */
      shape?: [number, number] | null;
    };
    /** ModelAnswer */
    ModelAnswer: {
      /** Accuracy */
      accuracy: {
        [key: string]: unknown;
      };
      /**
       * Calibration
       * @description null: an interactive model has none.
       */
      calibration: {
        [key: string]: unknown;
      } | null;
      /**
       * Decoder
       * @description null: an interactive model has none.
       */
      decoder: {
        [key: string]: unknown;
      } | null;
      /** Description */
      description: string;
      /** Embedding */
      embedding: {
        [key: string]: unknown;
      }[];
      /**
       * Encode Ms
       * @description Median milliseconds of a picture here, lately; null before one.
       */
      encode_ms: number | null;
      /** Files */
      files: {
        [key: string]: components["schemas"]["ModelFile"];
      };
      /** Id */
      id: string;
      /**
       * Interactive
       * @description How the loop runs an interactive model; else null.
       */
      interactive: {
        [key: string]: unknown;
      } | null;
      /** Kind */
      kind: string;
      /** License */
      license: string;
      /** Mask Threshold */
      mask_threshold: number;
      /**
       * Memory Bytes
       * @description Estimate of what it takes in memory.
       */
      memory_bytes: number;
      /** Preprocessing */
      preprocessing: {
        [key: string]: unknown;
      };
      /** Revision */
      revision: string;
      /** Source */
      source: string;
      /**
       * Speed
       * @description Milliseconds of an encode and of a click's decode where the bundle was made.
       */
      speed: {
        [key: string]: unknown;
      } | null;
      /**
       * State
       * @description Whether it is in this server's memory now.
       * @enum {string}
       */
      state: "idle" | "loading" | "ready";
      /** Title */
      title: string;
    };
    /** ModelFile */
    ModelFile: {
      /** Bytes */
      bytes: number;
      /** Role */
      role: string;
      /** Sha256 */
      sha256: string;
      /** Url */
      url: string;
    };
    /** ModelsAnswer */
    ModelsAnswer: {
      /** Default */
      default: string;
      /** Models */
      models: components["schemas"]["ModelAnswer"][];
    };
    /** PredictAnswer */
    PredictAnswer: {
      image: components["schemas"]["ImageSize"];
      /** Model */
      model: string;
      /**
       * Results
       * @description In the order of the prompts.
       */
      results: components["schemas"]["PromptAnswer"][];
      /** Revision */
      revision: string;
    };
    /**
     * PredictOptions
     * @description The part `request` of a multipart call; a JSON call adds `image`.
     */
    PredictOptions: {
      /**
       * Flip
       * @description Of an interactive model: average with the mirrored picture. Twice the time.
       * @default false
       */
      flip?: boolean;
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      /**
       * Model
       * @description Default: the server's default model.
       * @default null
       */
      model?: string | null;
      /**
       * Multimask Output
       * @description true: the three candidates, best first. false: one mask.
       * @default true
       */
      multimask_output?: boolean;
      /**
       * Prompts
       * @description One or more; all of them run as one batch.
       */
      prompts: components["schemas"]["PromptRequest"][];
    };
    /** PredictRequest */
    PredictRequest: {
      /**
       * Flip
       * @description Of an interactive model: average with the mirrored picture. Twice the time.
       * @default false
       */
      flip?: boolean;
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      image: components["schemas"]["ImageReference"];
      /**
       * Model
       * @description Default: the server's default model.
       * @default null
       */
      model?: string | null;
      /**
       * Multimask Output
       * @description true: the three candidates, best first. false: one mask.
       * @default true
       */
      multimask_output?: boolean;
      /**
       * Prompts
       * @description One or more; all of them run as one batch.
       */
      prompts: components["schemas"]["PromptRequest"][];
    };
    /**
     * ProblemAnswer
     * @description RFC 9457. Further members give details for programs.
     */
    ProblemAnswer: {
      /** Code */
      code: string;
      /** Detail */
      detail: string;
      /** Instance */
      instance: string;
      /** Request Id */
      request_id: string;
      /** Status */
      status: number;
      /** Title */
      title: string;
      /** Type */
      type: string;
    } & {
      [key: string]: unknown;
    };
    /** PromptAnswer */
    PromptAnswer: {
      /**
       * Masks
       * @description Best first by predicted_iou.
       */
      masks: components["schemas"]["MaskAnswer"][];
      /**
       * Superseded Clicks
       * @description Of an interactive model: clicks that counted for nothing, a later one being on their pixel.
       */
      superseded_clicks?: number[] | null;
    };
    /**
     * PromptRequest
     * @description Points, a box and a mask in any combination; at least one of them. Absolute pixels of the upright picture.
     */
    PromptRequest: {
      /**
       * Box
       * @description [x1, y1, x2, y2] with x1 < x2 and y1 < y2.
       * @default null
       * @example [
       *       12,
       *       30,
       *       400,
       *       390
       *     ]
       */
      box?: number[] | null;
      /**
       * Mask
       * @description Of an interactive model: the mask so far, of the picture's size, as any answer's `segmentation`: RLE, polygon, GeoJSON, PNG or logits; or {logits, shape} of your own, over the whole picture.
       * @default null
       */
      mask?:
        | null
        | {
            [key: string]: unknown;
          }
        | string
        | unknown[];
      /**
       * Mask Accepted
       * @description Whether somebody accepted `mask`, so that only what the last click is about may change.
       * @default true
       */
      mask_accepted?: boolean;
      /** @default null */
      mask_input?: components["schemas"]["MaskInput"] | null;
      /**
       * Point Coords
       * @description [[x, y], …]
       * @default null
       * @example [
       *       [
       *         310.5,
       *         201
       *       ]
       *     ]
       */
      point_coords?: number[][] | null;
      /**
       * Point Labels
       * @description 1 foreground, 0 background; one per point.
       * @default null
       * @example [
       *       1
       *     ]
       */
      point_labels?: number[] | null;
    };
    /** ReadyAnswer */
    ReadyAnswer: {
      /** Backend */
      backend: string;
      /** Model */
      model: string;
      /** Revision */
      revision: string;
      /**
       * Status
       * @description ready, or degraded while Redis is configured and memory serves.
       */
      status: string;
      store: components["schemas"]["StoreAnswer"];
    };
    /** SessionAnswer */
    SessionAnswer: {
      /** Can Redo */
      can_redo: boolean;
      /** Can Undo */
      can_undo: boolean;
      /**
       * Expires At
       * @description When the session ends if nothing changes. UTC, RFC 3339.
       */
      expires_at: string;
      /** Id */
      id: string;
      image: components["schemas"]["ImageSize"];
      /**
       * Lease
       * @description Send it with each change. null to whoever only reads.
       */
      lease: string | null;
      /**
       * Lease Expires At
       * @description Until then nobody else gets the lease unasked. UTC, RFC 3339.
       */
      lease_expires_at: string;
      mask: components["schemas"]["MaskAnswer"];
      /** Model */
      model: string;
      /**
       * Point Coords
       * @description The clicks in force, in their order.
       */
      point_coords: number[][];
      /** Point Labels */
      point_labels: number[];
      /** Revision */
      revision: string;
      /**
       * Superseded Clicks
       * @description Those that count for nothing: a later one is on their pixel.
       */
      superseded_clicks: number[];
      /**
       * Version
       * @description Rises with each change.
       */
      version: number;
    };
    /** SessionChange */
    SessionChange: {
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      /**
       * Lease
       * @default null
       */
      lease?: string | null;
      /**
       * Version
       * @default null
       */
      version?: number | null;
    };
    /** SessionClicks */
    SessionClicks: {
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      /**
       * Lease
       * @default null
       */
      lease?: string | null;
      /**
       * Point Coords
       * @description [[x, y], …]: the new clicks, each a step of its own.
       */
      point_coords: number[][];
      /**
       * Point Labels
       * @description 1 foreground, 0 background; one per point.
       */
      point_labels: number[];
      /**
       * Version
       * @default null
       */
      version?: number | null;
    };
    /** SessionLease */
    SessionLease: {
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      /**
       * Take Over
       * @description Take it from whoever holds it now.
       * @default false
       */
      take_over?: boolean;
    };
    /** SessionRequest */
    SessionRequest: {
      /**
       * Flip
       * @description Average with the mirrored picture. Twice the time.
       * @default false
       */
      flip?: boolean;
      /**
       * Format
       * @description Mask encoding: coco_rle, rle_uncompressed, polygon, png, geojson, logits.
       * @default coco_rle
       * @enum {string}
       */
      format?: "coco_rle" | "rle_uncompressed" | "polygon" | "png" | "geojson" | "logits";
      image: components["schemas"]["ImageReference"];
      /**
       * Mask
       * @description Of an interactive model: the mask so far, of the picture's size, as any answer's `segmentation`: RLE, polygon, GeoJSON, PNG or logits; or {logits, shape} of your own, over the whole picture.
       * @default null
       */
      mask?:
        | null
        | {
            [key: string]: unknown;
          }
        | string
        | unknown[];
      /**
       * Mask Accepted
       * @description Whether somebody accepted `mask`, so that only what the last click is about may change.
       * @default true
       */
      mask_accepted?: boolean;
      /**
       * Model
       * @description Default: the interactive model of this server.
       * @default null
       */
      model?: string | null;
    };
    /** StoreAnswer */
    StoreAnswer: {
      /** Backend */
      backend: string;
      /** Bytes Used */
      bytes_used: number;
      /** Degraded */
      degraded: boolean;
      /** Detail */
      detail: string;
      /** Entries */
      entries: number;
    };
    /** UploadAnswer */
    UploadAnswer: {
      /**
       * Cached
       * @description true: it was there already, nothing was encoded.
       */
      cached: boolean;
      /**
       * Embedding Url
       * @description null: an interactive model has no embeddings.
       */
      embedding_url: string | null;
      /**
       * Expires At
       * @description UTC, RFC 3339.
       */
      expires_at: string;
      /** Height */
      height: number;
      /**
       * Id
       * @description SHA-256 over the upright picture's size and pixels.
       */
      id: string;
      /** Model */
      model: string;
      /** Revision */
      revision: string;
      /** Width */
      width: number;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  healthz_healthz_get: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["HealthAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  metrics_metrics_get: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  readyz_readyz_get: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ReadyAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: not_ready, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  upload_v1_images_post: {
    parameters: {
      query?: {
        /** @description Model id. Default: the server's default model. */
        model?: string | null;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        "image/*": string;
        "multipart/form-data": {
          /** Format: binary */
          file: string;
          model?: string;
        };
      };
    };
    responses: {
      /** @description The picture and its embedding were known. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["UploadAnswer"];
        };
      };
      /** @description Successful Response */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["UploadAnswer"];
        };
      };
      /** @description Problem: invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: model_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_too_many_pixels, payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_unsupported, unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_empty, image_required, image_truncated */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  look_up_v1_images__image_id__get: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        image_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ImageAnswer"];
        };
      };
      /** @description Problem: image_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_id_invalid */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  delete_v1_images__image_id__delete: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        image_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: image_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_id_invalid */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  embedding_v1_images__image_id__embedding_get: {
    parameters: {
      query?: {
        /** @description Model id. Default: the server's default model. */
        model?: string | null;
        /** @description Refuse an embedding of any other revision of the model. */
        revision?: string | null;
      };
      header?: never;
      path: {
        image_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description docs/bundle-format.md describes the container. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/vnd.segserve.embedding+safetensors": unknown;
        };
      };
      /** @description The caller's copy is the same. */
      304: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: image_not_found, model_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: embedding_revision_mismatch */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_id_invalid, model_kind_mismatch */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  models_v1_models_get: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ModelsAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  file_v1_models__model_id___revision___file_name__get: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        model_id: string;
        revision: string;
        file_name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The file. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/octet-stream": unknown;
        };
      };
      /** @description The range asked for. */
      206: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/octet-stream": unknown;
        };
      };
      /** @description The caller's copy is the same. */
      304: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: file_not_found, model_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: range_not_satisfiable */
      416: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: invalid_request */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  predict_v1_predict_post: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["PredictRequest"];
        "multipart/form-data": {
          /** Format: binary */
          file: string;
          request: components["schemas"]["PredictOptions"];
        };
      };
    };
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PredictAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_not_found, model_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_expired, logits_ref_not_found */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_too_many_pixels, payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_unsupported, unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: box_invalid, box_unsupported, clicks_required, format_unsupported, image_empty, image_id_invalid, image_invalid, image_required, image_truncated, invalid_request, mask_input_invalid, mask_invalid, mask_size_mismatch, model_kind_mismatch, number_not_finite, outline_too_long, point_label_invalid, point_labels_mismatch, point_outside_image, prompt_empty, prompts_required, too_many_points, too_many_prompts */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  create_v1_sessions_post: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["SessionRequest"];
      };
    };
    responses: {
      /** @description Successful Response */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_not_found, model_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_full */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_too_many_pixels, payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_unsupported, unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: clicks_required, format_unsupported, image_empty, image_id_invalid, image_invalid, image_required, image_truncated, invalid_request, mask_invalid, mask_size_mismatch, model_kind_mismatch, number_not_finite, outline_too_long, point_label_invalid, point_labels_mismatch, point_outside_image, too_many_points */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  result_v1_sessions__session_id__get: {
    parameters: {
      query?: {
        /** @description Mask encoding, as in predict. */
        format?: string;
      };
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: format_unsupported, outline_too_long */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  delete_v1_sessions__session_id__delete: {
    parameters: {
      query?: {
        /** @description The lease; needed while the session is held. */
        lease?: string | null;
      };
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Successful Response */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Problem: model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_conflict, session_lease_lost, session_leased */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: format_unsupported, outline_too_long */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  click_v1_sessions__session_id__clicks_post: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["SessionClicks"];
      };
    };
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_not_found, model_not_found, model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_conflict, session_full, session_lease_lost, session_leased */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_expired, session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_too_many_pixels, payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: image_unsupported, unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: clicks_required, format_unsupported, format_unsupported, image_empty, image_id_invalid, image_invalid, image_required, image_truncated, invalid_request, mask_invalid, mask_size_mismatch, model_kind_mismatch, number_not_finite, outline_too_long, outline_too_long, point_label_invalid, point_labels_mismatch, point_outside_image, too_many_points, too_many_prompts */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  lease_v1_sessions__session_id__lease_post: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["SessionLease"];
      };
    };
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_conflict, session_lease_lost, session_leased */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: format_unsupported, invalid_request, outline_too_long */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  redo_v1_sessions__session_id__redo_post: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["SessionChange"];
      };
    };
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: nothing_to_redo, session_conflict, session_lease_lost, session_leased */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: format_unsupported, invalid_request, outline_too_long */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
  undo_v1_sessions__session_id__undo_post: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        session_id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["SessionChange"];
      };
    };
    responses: {
      /** @description Successful Response */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["SessionAnswer"];
        };
      };
      /** @description Problem: invalid_json, invalid_multipart */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: model_not_found, session_not_found */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: nothing_to_undo, session_conflict, session_lease_lost, session_leased */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: session_expired */
      410: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: payload_too_large */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: unsupported_media_type */
      415: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: format_unsupported, invalid_request, outline_too_long */
      422: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: internal_error */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
      /** @description Problem: backend_unavailable, model_too_large, models_busy, queue_full, shutting_down, timeout */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["ProblemAnswer"];
        };
      };
    };
  };
}

"""Wire types. Requests are parsed by pydantic straight from the bytes; the values of prompts are checked in the domain,
against the picture. Answers with masks are written as JSON in a worker thread; their types here are the schema's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from server.domain.limits import HARD_MAX_POINTS, HARD_MAX_PROMPTS
from server.services.encodings import MASK_FORMATS

ImageId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over the upright picture's size and pixels.")
]
ModelId = Annotated[str, Field(min_length=1, max_length=64)]
ModelQuery = Annotated[str | None, Query(max_length=64, description="Model id. Default: the server's default model.")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
_LONGEST_NUMBERS = 64  # what a point or a box really takes is checked with the picture at hand


MASK_SHAPES: list[Any] = [
    {"type": "null"},
    {
        "type": "object",
        "description": "Run-length encoding, a GeoJSON Feature or geometry, or logits.",
        "additionalProperties": True,
    },
    {"type": "string", "description": "A PNG in base64."},
    {"type": "array", "items": {}, "description": "Polygons: parts of rings of [x, y]; or COCO's flat lists."},
]


GivenMask = Annotated[
    Any,
    Field(
        description="Of an interactive model: the mask so far, of the picture's size, as any answer's `segmentation`: "
        "RLE, polygon, GeoJSON, PNG or logits; or {logits, shape} of your own, over the whole picture.",
        json_schema_extra={"anyOf": MASK_SHAPES},
    ),
]
MaskAccepted = Annotated[
    bool,
    Field(description="Whether somebody accepted `mask`, so that only what the last click is about may change."),
]
MaskFormat = Annotated[
    str,
    Field(
        description=f"Mask encoding: {', '.join(MASK_FORMATS)}.",
        json_schema_extra={"enum": list(MASK_FORMATS)},
    ),
]
# A list ends at its first mistake: a body may hold millions of them.
Numbers = Annotated[list[Finite], Field(max_length=_LONGEST_NUMBERS, fail_fast=True)]
PointCoords = Annotated[list[Numbers], Field(max_length=HARD_MAX_POINTS, fail_fast=True)]
PointLabels = Annotated[list[Finite], Field(max_length=HARD_MAX_POINTS, fail_fast=True)]


class StrictRequest(BaseModel):
    """Strict: a number in quotes or a true among coordinates is a mistake of the caller's, not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ImageReference(StrictRequest):
    """Exactly one of `id` and `base64`."""

    id: str | None = Field(None, max_length=256, description="Id of an uploaded picture.")
    base64: str | None = Field(None, description="The image file's bytes in base64.")

    @model_validator(mode="after")
    def _one_of(self) -> ImageReference:
        if (self.id is None) == (self.base64 is None):
            raise PydanticCustomError("image_required", 'Give the picture as {"id": …} or as {"base64": …}, not both.')
        return self


class MaskInput(StrictRequest):
    """Logits of the decoder's grid: by reference, or as base64 of little-endian float16 with their shape."""

    ref: str | None = Field(None, max_length=128, description="A `logits_ref` of an earlier answer.")
    logits: str | None = Field(None, max_length=4_000_000, description="base64 of float16 values, row by row.")
    shape: tuple[Annotated[int, Field(ge=1, le=1024)], Annotated[int, Field(ge=1, le=1024)]] | None = Field(
        None, description="[height, width] of `logits`."
    )

    @model_validator(mode="after")
    def _one_of(self) -> MaskInput:
        inline = self.logits is not None and self.shape is not None and self.ref is None
        referred = self.ref is not None and self.logits is None and self.shape is None
        if not (inline or referred):
            raise PydanticCustomError(
                "mask_input_invalid", 'Give mask_input as {"ref": …} or as {"logits": …, "shape": [h, w]}.'
            )
        return self


class PromptRequest(StrictRequest):
    """Points, a box and a mask in any combination; at least one of them. Absolute pixels of the upright picture."""

    point_coords: PointCoords | None = Field(None, description="[[x, y], …]", examples=[[[310.5, 201]]])
    point_labels: PointLabels | None = Field(
        None, description="1 foreground, 0 background; one per point.", examples=[[1]]
    )
    box: Numbers | None = Field(
        None, description="[x1, y1, x2, y2] with x1 < x2 and y1 < y2.", examples=[[12, 30, 400, 390]]
    )
    mask_input: MaskInput | None = None
    mask: GivenMask = None
    mask_accepted: MaskAccepted = True


class PredictOptions(StrictRequest):
    """The part `request` of a multipart call; a JSON call adds `image`."""

    model: ModelId | None = Field(None, description="Default: the server's default model.")
    prompts: list[PromptRequest] = Field(
        max_length=HARD_MAX_PROMPTS, description="One or more; all of them run as one batch."
    )
    multimask_output: bool = Field(True, description="true: the three candidates, best first. false: one mask.")
    format: MaskFormat = "coco_rle"
    flip: bool = Field(False, description="Of an interactive model: average with the mirrored picture. Twice the time.")


class PredictRequest(PredictOptions):
    image: ImageReference


class UploadAnswer(BaseModel):
    id: ImageId
    width: int
    height: int
    model: str
    revision: str
    cached: bool = Field(description="true: it was there already, nothing was encoded.")
    embedding_url: str | None = Field(description="null: an interactive model has no embeddings.")
    expires_at: str = Field(description="UTC, RFC 3339.")


class ImageModel(BaseModel):
    id: str
    revision: str
    embedding_url: str


class ImageAnswer(BaseModel):
    id: ImageId
    width: int
    height: int
    created_at: str
    expires_at: str
    models: list[ImageModel] = Field(description="Models whose embedding of this picture is stored now.")


class ImageSize(BaseModel):
    id: ImageId
    width: int
    height: int


class MaskAnswer(BaseModel):
    index: int = Field(description="The decoder's output that this mask is.")
    segmentation: Any = Field(description="In the format asked for; docs/api.md describes each.")
    predicted_iou: float
    stability_score: float
    area: int = Field(description="Pixels.")
    bbox: list[int] = Field(description="[x, y, width, height] in pixels.", min_length=4, max_length=4)
    logits_ref: str | None = Field(
        None,
        description="Pass it back as mask_input to refine; kept for a while. An interactive model has none, nor has a "
        "mask whose logits were one too many to keep.",
    )


class PromptAnswer(BaseModel):
    masks: list[MaskAnswer] = Field(description="Best first by predicted_iou.")
    superseded_clicks: list[int] | None = Field(
        None,
        description="Of an interactive model: clicks that counted for nothing, a later one being on their pixel.",
    )


class PredictAnswer(BaseModel):
    image: ImageSize
    model: str
    revision: str
    results: list[PromptAnswer] = Field(description="In the order of the prompts.")


class ModelFile(BaseModel):
    url: str
    bytes: int
    sha256: str
    role: str


class ModelAnswer(BaseModel):
    id: str
    revision: str
    kind: str
    title: str
    license: str
    source: str
    description: str
    preprocessing: dict[str, Any]
    embedding: list[dict[str, Any]]
    decoder: dict[str, Any] | None = Field(description="null: an interactive model has none.")
    interactive: dict[str, Any] | None = Field(description="How the loop runs an interactive model; else null.")
    mask_threshold: float
    calibration: dict[str, Any] | None = Field(description="null: an interactive model has none.")
    accuracy: dict[str, Any]
    speed: dict[str, Any] | None = Field(
        description="Milliseconds of an encode and of a click's decode where the bundle was made."
    )
    files: dict[str, ModelFile]
    state: Literal["idle", "loading", "ready"] = Field(description="Whether it is in this server's memory now.")
    encode_ms: float | None = Field(description="Median milliseconds of a picture here, lately; null before one.")
    memory_bytes: int = Field(description="Estimate of what it takes in memory.")


class ModelsAnswer(BaseModel):
    default: str
    models: list[ModelAnswer]


class HealthAnswer(BaseModel):
    status: str


class StoreAnswer(BaseModel):
    backend: str
    degraded: bool
    detail: str
    bytes_used: int
    entries: int


class ReadyAnswer(BaseModel):
    status: str = Field(description="ready, or degraded while Redis is configured and memory serves.")
    model: str
    revision: str
    backend: str
    store: StoreAnswer


class ProblemAnswer(BaseModel):
    """RFC 9457. Further members give details for programs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    request_id: str

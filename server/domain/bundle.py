"""The manifest of a model bundle, `bundle.json`, and the names inside it.

A bundle is a directory `<id>/<revision>/` (or `<id>/`) whose files are all named here with their SHA-256.
`docs/bundle-format.md` describes each field.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.domain.geometry import ResizeRule
from server.errors import BundleError

Part = TypeVar("Part")

FORMAT_VERSION = 3
MANIFEST_NAME = "bundle.json"
REVISION_LENGTH = 16

FileRole = Literal[
    "encoder",
    "encoder_int8",
    "encoder_torch",
    "decoder",
    "decoder_fp16",
    "coarse",
    "refine",
    "weights",
    "golden",
    "card",
    "parity",
    "other",
]
WireDtype = Literal["int8", "float16", "float32"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preprocessing(_Part):
    """How a picture becomes `pixels` uint8 [1, size, size, 3].

    `longest_side`: resize so that the longest side is `size` (`new = int(old * size / longest + 0.5)`, at least 1),
    then pad bottom right. `square` (format 2): stretch both
    sides to `size`, nothing is padded. Normalisation is in the graph; mean and std (of 0..255 RGB) are stated for the
    record."""

    version: int = 1
    resize: ResizeRule = "longest_side"
    size: int = Field(ge=32, le=4096)
    padding: Literal["bottom_right"] = "bottom_right"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


class EmbeddingTensor(_Part):
    """One encoder output, float32 [1, *shape]; `wire_dtype` is how it is stored and sent (int8: symmetric, one scale
    per channel, axis 1)."""

    name: Identifier
    shape: tuple[int, ...]
    wire_dtype: WireDtype = "float32"


class TensorSpec(_Part):
    """A graph input or output; a dimension is a number or the name of a dynamic one (B prompts, N points)."""

    name: str
    shape: tuple[int | str, ...]
    dtype: Literal["float32", "float16", "int64", "uint8"]


class Decoder(_Part):
    """`single_mask_index` answers multimask_output=false, `multi_mask_indices` answers true.
    `padding_is_neutral`: points with label -1 change nothing, so prompts of different lengths share a batch."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    mask_height: int
    mask_width: int
    single_mask_index: int = 0
    multi_mask_indices: tuple[int, ...] = (1, 2, 3)
    padding_is_neutral: bool = False


class Calibration(_Part):
    """Thresholds of everything mode for this bundle's IoU head; `stability_offset` is in logits."""

    pred_iou_thresh: float
    stability_score_thresh: float
    stability_offset: float = 1.0


class Interactive(_Part):
    """How the loop runs the graphs of a bundle of kind `interactive` (format 3; server/runtime/click_loop.py). Lengths
    in pixels of the input, but for `smallest_*` in pixels of the picture. The logits of the coarse graph are
    `coarse_height` x `coarse_width`, those of the refinement `refine_height` x `refine_width`, 0 where there is none.
    `features`: further outputs of the coarse graph, inputs of the refinement."""

    disk_radius: float = Field(default=5.0, gt=0, le=64)
    expansion: float = Field(default=1.4, ge=1, le=4)
    smallest_target: int = Field(default=128, ge=1, le=4096)
    smallest_focus: int = Field(default=64, ge=1, le=4096)
    merge_from: int = Field(default=10, ge=1)
    look_twice: bool = False
    score_slope: float = 1.0
    score_offset: float = 0.0
    coarse_height: int = Field(ge=1, le=4096)
    coarse_width: int = Field(ge=1, le=4096)
    refine_height: int = Field(default=0, ge=0, le=4096)
    refine_width: int = Field(default=0, ge=0, le=4096)
    features: tuple[EmbeddingTensor, ...] = ()


class Speed(_Part):
    """Milliseconds of one encode and of one click's decode by ONNX Runtime with `threads` threads, as measured on
    `machine` when the bundle was made (format 2)."""

    encode_ms: float = Field(gt=0)
    decode_ms: float = Field(gt=0)
    threads: int = Field(ge=1)
    machine: str


class BundleFile(_Part):
    sha256: Sha256
    bytes: int = Field(ge=0)
    role: FileRole


class BundleManifest(_Part):
    """A promptable bundle has an embedding, a decoder and a calibration; an interactive one has `interactive` instead.
    Asking a bundle for the part of another kind raises BundleError `bundle_kind_mismatch`."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    format_version: int
    id: Identifier
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    kind: Literal["promptable", "interactive", "grounding"]
    title: str
    description: str = ""
    license: str
    source: str
    preprocessing: Preprocessing
    embedding: tuple[EmbeddingTensor, ...] = ()
    decoder_part: Decoder | None = Field(default=None, alias="decoder")
    interactive_part: Interactive | None = Field(default=None, alias="interactive")
    mask_threshold: float = 0.0
    calibration_part: Calibration | None = Field(default=None, alias="calibration")
    files: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")], BundleFile]
    parity: dict[str, Any] = Field(default_factory=dict)
    accuracy: dict[str, Any] = Field(default_factory=dict)
    speed: Speed | None = None

    @model_validator(mode="after")
    def _has_the_parts_of_its_kind(self) -> BundleManifest:
        if self.kind == "promptable" and not (self.embedding and self.decoder_part and self.calibration_part):
            raise ValueError("a bundle of kind promptable needs an embedding, a decoder and a calibration")
        if self.kind == "interactive" and not self.interactive_part:
            raise ValueError("a bundle of kind interactive needs its part `interactive`")
        return self

    @property
    def decoder(self) -> Decoder:
        return self._part(self.decoder_part, "decoder")

    @property
    def calibration(self) -> Calibration:
        return self._part(self.calibration_part, "calibration")

    @property
    def interactive(self) -> Interactive:
        return self._part(self.interactive_part, "part `interactive`")

    def _part(self, part: Part | None, name: str) -> Part:
        if part is None:
            message = f"{self.id} is of kind {self.kind} and has no {name}."
            raise BundleError(message, code="bundle_kind_mismatch", model=self.id, kind=self.kind)
        return part

    def file_for(self, role: FileRole) -> str | None:
        """Name of the first file with this role, or None."""
        return next((name for name, entry in self.files.items() if entry.role == role), None)


def revision_of(files: dict[str, BundleFile]) -> str:
    """Revision: the first 16 hex digits of the SHA-256 over the lines `<name> <sha256>\\n`, sorted by name."""
    lines = "".join(f"{name} {files[name].sha256}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:REVISION_LENGTH]

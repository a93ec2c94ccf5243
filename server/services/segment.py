"""Segment: prompts on an embedded picture → one decoder batch → masks, ranked and encoded, their logits kept."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from server.domain.bundle import BundleManifest
from server.domain.geometry import InputFrame
from server.domain.masks import stability_score
from server.domain.ports import Decoder, Float32, Tensors
from server.domain.prompts import Prompt, assemble, most_together, parse_prompt, share_batches
from server.errors import NotFoundError, PromptError, RequestError
from server.services.embed import EmbedService
from server.services.encodings import check_format, encode_mask
from server.services.served import ServedModel
from server.services.timing import add_span, span
from server.services.workers import Workers
from server.storage.images import ImageRecord, ImageStore


class SegmentObserver(Protocol):
    """Hears about masks, for metrics. Called on the event loop."""

    def masks_answered(self, model: str, count: int) -> None: ...

    def decoded(self, model: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class MaskInput:
    """Either `ref`, or `logits` (base64 of little-endian float16) with `shape` (height, width)."""

    ref: str | None = None
    logits: str | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class RawPrompt:
    """A prompt as it came, not checked yet. Coordinates in ImagePx. `mask`, parsed JSON, and `mask_accepted` are for
    interactive models."""

    point_coords: Sequence[Sequence[float]] | None = None
    point_labels: Sequence[float] | None = None
    box: Sequence[float] | None = None
    mask_input: MaskInput | None = None
    mask: Any = None
    mask_accepted: bool = True


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    max_prompts: int
    max_points: int
    max_mask_pixels: int


@dataclass(frozen=True, slots=True)
class _Mask:
    """`json`: the mask's object without its end; `logits` float32 [h, w]."""

    json: bytes
    logits: Float32


@dataclass(frozen=True, slots=True)
class _Job:
    """All that the worker thread needs."""

    manifest: BundleManifest
    decoder: Decoder
    tensors: Tensors
    frame: InputFrame
    prompts: Sequence[RawPrompt]
    mask_inputs: Sequence[Float32 | None]
    mask_format: str
    multimask: bool
    max_points: int


class SegmentService:
    def __init__(
        self,
        *,
        embed: EmbedService,
        images: ImageStore,
        workers: Workers,
        observer: SegmentObserver,
        limits: SegmentLimits,
    ) -> None:
        self._embed = embed
        self._images = images
        self._workers = workers
        self._observer = observer
        self._limits = limits

    def check(self, prompts: Sequence[RawPrompt], mask_format: str) -> None:
        """What can be refused before a picture is read."""
        check_format(mask_format)
        if not prompts:
            raise PromptError("The list of prompts is empty. Give at least one prompt.", code="prompts_required")
        if len(prompts) > self._limits.max_prompts:
            raise PromptError(
                f"The call has {len(prompts)} prompts; at most {self._limits.max_prompts} are allowed. Split it.",
                code="too_many_prompts",
                limit=self._limits.max_prompts,
            )

    async def predict(
        self,
        record: ImageRecord,
        model: ServedModel,
        prompts: Sequence[RawPrompt],
        *,
        mask_format: str,
        multimask: bool,
        container: bytes | None = None,
    ) -> list[list[bytes]]:
        """For each prompt its masks, best first, each a JSON object. `container`: the embedding, where at hand."""
        self.check(prompts, mask_format)
        manifest = model.manifest
        if any(prompt.mask is not None for prompt in prompts):
            raise RequestError(
                f"{manifest.id} is a promptable model and takes mask_input, logits of its own. Send a mask to an "
                "interactive one.",
                code="model_kind_mismatch",
                model=manifest.id,
                kind=manifest.kind,
            )
        self._check_mask_pixels(record, manifest, len(prompts), multimask)
        preprocessing = manifest.preprocessing
        frame = InputFrame.of(record.width, record.height, preprocessing.resize, preprocessing.size)
        job = _Job(
            manifest=manifest,
            decoder=model.decoder,
            tensors=await self._embed.tensors(record, model, container),
            frame=frame,
            prompts=prompts,
            mask_inputs=[await self._mask_input(prompt, record, manifest, k) for k, prompt in enumerate(prompts)],
            mask_format=mask_format,
            multimask=multimask,
            max_points=self._limits.max_points,
        )
        with span("predict"):
            results, decode_seconds = await self._workers.run(_segment, job)
        add_span("decoder", decode_seconds)
        self._observer.decoded(manifest.id, decode_seconds)
        # The best of each prompt first: should there not be room for all, the others have no reference.
        ranked = sorted((rank, place) for place, masks in enumerate(results) for rank in range(len(masks)))
        with span("cache"):
            refs = await self._images.put_logits(
                [results[place][rank].logits for rank, place in ranked],
                image_id=record.id,
                revision=manifest.revision,
            )
        self._observer.masks_answered(manifest.id, len(ranked))
        named = dict(zip(ranked, refs, strict=True))
        return [
            [_with_ref(mask.json, named[rank, place]) for rank, mask in enumerate(masks)]
            for place, masks in enumerate(results)
        ]

    def _check_mask_pixels(self, record: ImageRecord, manifest: BundleManifest, prompts: int, multimask: bool) -> None:
        masks = len(manifest.decoder.multi_mask_indices) if multimask else 1
        pixels = prompts * masks * record.width * record.height
        if pixels > self._limits.max_mask_pixels:
            fitting = self._limits.max_mask_pixels // (masks * record.width * record.height)
            raise PromptError(
                f"{prompts} prompts with {masks} masks of {record.width} x {record.height} pixels are too much for one "
                f"call. {f'Send at most {fitting} prompts at once' if fitting else 'Scale the picture down'}"
                + (", or ask for one mask each with multimask_output false." if multimask else "."),
                code="too_many_prompts",
                limit=fitting,
            )

    async def _mask_input(
        self, prompt: RawPrompt, record: ImageRecord, manifest: BundleManifest, index: int
    ) -> Float32 | None:
        given = prompt.mask_input
        if given is None:
            return None
        if given.ref is None:
            return _inline_logits(given, index)
        logits = await self._images.get_logits(given.ref, image_id=record.id, revision=manifest.revision)
        if logits is None:
            raise NotFoundError(
                "These logits are not kept here for this picture and model. Predict again without mask_input, or send "
                "the logits themselves.",
                code="logits_ref_not_found",
                prompt=index,
            )
        return logits


def _with_ref(json: bytes, ref: str | None) -> bytes:
    return b"%b}" % json if ref is None else b'%b,"logits_ref":"%b"}' % (json, ref.encode())


def _inline_logits(given: MaskInput, index: int) -> Float32:
    assert given.logits is not None
    assert given.shape is not None
    height, width = given.shape
    try:
        data = base64.b64decode(given.logits, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "mask_input.logits is not base64. Send little-endian float16 values in base64."
        raise PromptError(message, code="mask_input_invalid", prompt=index) from error
    if len(data) != 2 * height * width:
        raise PromptError(
            f"mask_input.logits has {len(data)} bytes; {height} x {width} float16 values are {2 * height * width}.",
            code="mask_input_invalid",
            prompt=index,
        )
    return np.frombuffer(data, "<f2").reshape(height, width).astype(np.float32)


def _segment(job: _Job) -> tuple[list[list[_Mask]], float]:
    """Blocking. -> for each prompt its masks, best first; seconds in the decoder."""
    shape = (job.manifest.decoder.mask_height, job.manifest.decoder.mask_width)
    prompts = [
        parse_prompt(
            job.frame,
            shape,
            point_coords=raw.point_coords,
            point_labels=raw.point_labels,
            box=raw.box,
            mask_input=mask_input,
            max_points=job.max_points,
            index=index,
        )
        for index, (raw, mask_input) in enumerate(zip(job.prompts, job.mask_inputs, strict=True))
    ]
    results: list[list[_Mask]] = [[] for _ in prompts]
    seconds = 0.0
    for batch in share_batches(prompts, job.manifest.decoder.padding_is_neutral, most_together(shape)):
        seconds += _decode_batch(job, [prompts[index] for index in batch], batch, shape, results)
    return results, seconds


def _decode_batch(
    job: _Job, prompts: list[Prompt], places: list[int], shape: tuple[int, int], results: list[list[_Mask]]
) -> float:
    decoder = job.manifest.decoder
    began = time.perf_counter()
    inputs = assemble(prompts, job.frame, shape, padding_is_neutral=decoder.padding_is_neutral)
    outputs = job.decoder.decode(job.tensors, inputs)
    seconds = time.perf_counter() - began
    wanted = list(decoder.multi_mask_indices) if job.multimask else [decoder.single_mask_index]
    threshold = job.manifest.mask_threshold
    stability = stability_score(
        outputs.low_res_masks[:, wanted],
        job.frame,
        threshold=threshold,
        offset=job.manifest.calibration.stability_offset,
    )
    for row, place in enumerate(places):
        scores = outputs.iou_predictions[row, wanted]
        for rank in np.argsort(-scores, kind="stable"):
            logits = outputs.low_res_masks[row, wanted[rank]]
            encoded = encode_mask(
                logits,
                job.frame,
                threshold=threshold,
                mask_format=job.mask_format,
                index=wanted[rank],
                iou=float(scores[rank]),
                stability=float(stability[row, rank]),
            )
            results[place].append(_Mask(encoded, logits))
    return seconds

"""Clicks on a picture with an interactive model: prompts -> the loop in a worker thread -> one mask each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pydantic_core import to_json

from server.domain.bundle import BundleManifest
from server.domain.click_maps import Click, superseded
from server.domain.click_state import ClickState
from server.domain.crops import Crop, Pyramid, sample_mask
from server.domain.geometry import InputFrame
from server.domain.prompts import parse_prompt
from server.domain.rle import Rle
from server.errors import PromptError, UnavailableError
from server.runtime.click_loop import ClickLoop
from server.services.embed import EmbedService
from server.services.encodings import MaskSource, mask_fields
from server.services.given_masks import read_mask
from server.services.segment import RawPrompt, SegmentLimits, SegmentObserver
from server.services.served import ServedModel
from server.services.timing import add_span, span
from server.services.workers import Result, Workers
from server.storage.images import ImageRecord

Job = TypeVar("Job")

_EDGE = 8.0  # logits that stand for a mask: this far above the threshold inside it, as far below outside
_NO_GRID = (0, 0)  # interactive models take no mask_input
_PASSES_PER_MASK = 8


def loop_of(model: ServedModel, *, flip: bool) -> ClickLoop:
    manifest = model.manifest
    return ClickLoop(
        model.stages, manifest.interactive, manifest.preprocessing.size, manifest.mask_threshold, flip=flip
    )


def parse_clicks(
    record: ImageRecord, coords: Any, labels: Any, *, max_points: int, index: int | None = None
) -> tuple[Click, ...]:
    """Raises as `parse_prompt`; `clicks_required` where there is none."""
    frame = InputFrame.square(record.width, record.height, 1)
    where: Mapping[str, Any] = {} if index is None else {"prompt": index}
    if not coords and not labels:
        message = "An interactive model needs at least one click: give point_coords with point_labels."
        raise PromptError(message, code="clicks_required", **where)
    try:
        prompt = parse_prompt(
            frame, _NO_GRID, point_coords=coords, point_labels=labels, max_points=max_points, index=index
        )
    except PromptError as error:
        if error.code != "too_many_points":
            raise
        message = f"{error.message} Go on from the mask of the first ones, given as mask, or click in a session."
        raise PromptError(message, code=error.code, **error.details) from None
    return tuple(
        Click(float(x), float(y), bool(label))
        for (x, y), label in zip(prompt.point_coords, prompt.point_labels, strict=True)
    )


def answer_fields(state: ClickState, manifest: BundleManifest, mask_format: str) -> dict[str, Any]:
    """The object of a state's one mask. Its logits are the mask itself on the input's grid over the whole picture."""
    size, (height, width) = manifest.preprocessing.size, state.mask.shape
    if mask_format == "logits":
        share = sample_mask(state.mask, Crop.whole(width, height), size)
        logits = (share - np.float32(0.5)) * np.float32(2 * _EDGE) + np.float32(manifest.mask_threshold)
    else:
        logits = np.zeros((1, 1), np.float32)
    frame = InputFrame.square(width, height, size)
    source = MaskSource(logits, frame, manifest.mask_threshold, state.mask, Rle.from_mask(state.mask))
    return mask_fields(source, mask_format, index=0, iou=state.predicted_iou, stability=state.stability)


class Leaving:
    """Set when the caller has gone: a worker cannot be stopped, but it looks here between two clicks."""

    def __init__(self) -> None:
        self._gone = threading.Event()

    def leave(self) -> None:
        self._gone.set()

    def check(self) -> None:
        if self._gone.is_set():
            raise UnavailableError("The caller has gone.", code="timeout")


@dataclass(frozen=True, slots=True)
class _Job:
    """All that the worker thread needs."""

    record: ImageRecord
    picture: Pyramid
    manifest: BundleManifest
    loop: ClickLoop
    prompts: Sequence[RawPrompt]
    clicks: Sequence[tuple[Click, ...]]
    mask_format: str


class ClickService:
    def __init__(
        self, *, embed: EmbedService, workers: Workers, observer: SegmentObserver, limits: SegmentLimits
    ) -> None:
        self._embed = embed
        self._workers = workers
        self._observer = observer
        self.limits = limits

    async def predict(
        self, record: ImageRecord, model: ServedModel, prompts: Sequence[RawPrompt], *, mask_format: str, flip: bool
    ) -> list[bytes]:
        """For each prompt its result, a JSON object. Without `mask` the clicks are made one after the other; with it
        the last one is new and the mask answers the others."""
        clicks = [self._checked(record, prompt, index) for index, prompt in enumerate(prompts)]
        self._check_work(record, prompts, clicks)
        picture = await self._embed.picture(record)
        job = _Job(record, picture, model.manifest, loop_of(model, flip=flip), prompts, clicks, mask_format)
        with span("predict"):
            results, seconds = await self.run(_click, job)
        add_span("decoder", seconds)
        self._observer.decoded(model.manifest.id, seconds)
        self._observer.masks_answered(model.manifest.id, len(results))
        return results

    async def run(self, job: Callable[[Job, Leaving], Result], given: Job) -> Result:
        """`job(given, leaving)` in a worker thread."""
        leaving = Leaving()
        try:
            return await self._workers.run(job, given, leaving)
        finally:
            leaving.leave()

    def _checked(self, record: ImageRecord, prompt: RawPrompt, index: int) -> tuple[Click, ...]:
        if prompt.box is not None:
            message = "An interactive model takes no box. Send the mask of a promptable one as `mask`."
            raise PromptError(message, code="box_unsupported", prompt=index)
        if prompt.mask_input is not None:
            message = "mask_input is for promptable models. Send an interactive model the mask itself, as `mask`."
            raise PromptError(message, code="model_kind_mismatch", prompt=index)
        if prompt.mask is None and not prompt.point_coords and not prompt.point_labels:
            message = "Empty prompt: give point_coords with point_labels, and a mask if there is one."
            raise PromptError(message, code="prompt_empty", prompt=index)
        return parse_clicks(
            record, prompt.point_coords, prompt.point_labels, max_points=self.limits.max_points, index=index
        )

    def _check_work(
        self, record: ImageRecord, prompts: Sequence[RawPrompt], clicks: Sequence[tuple[Click, ...]]
    ) -> None:
        passes = sum(1 if prompt.mask is not None else len(made) for prompt, made in zip(prompts, clicks, strict=True))
        self.check_passes(record, passes, "Send the last answer as `mask` with the clicks, or open a session.")

    def check_passes(self, record: ImageRecord, passes: int, advice: str) -> None:
        """Each pass of the loop writes the picture's mask anew: a hundred clicks on a large picture are many pixels.
        One is always allowed. Raises PromptError `too_many_prompts`."""
        fitting = max(1, self.limits.max_mask_pixels * _PASSES_PER_MASK // (record.width * record.height))
        if passes > fitting:
            raise PromptError(
                f"{passes} clicks on {record.width} x {record.height} pixels are too much for one call; {fitting} are "
                f"allowed. {advice}",
                code="too_many_prompts",
                limit=fitting,
            )


def _click(job: _Job, leaving: Leaving) -> tuple[list[bytes], float]:
    """Blocking. -> each prompt's result, and seconds in the loop."""
    results, seconds = [], 0.0
    width, height = job.record.width, job.record.height
    for index, (prompt, clicks) in enumerate(zip(job.prompts, job.clicks, strict=True)):
        state = ClickState.empty(width, height)
        todo = clicks
        if prompt.mask is not None:
            mask = read_mask(prompt.mask, width, height, job.loop.threshold, {"prompt": index})
            # An empty mask is nothing that could have been accepted.
            state = ClickState(mask, clicks[:-1], given=prompt.mask_accepted and bool(mask.any()))
            todo = clicks[-1:]
        began = time.perf_counter()
        for click in todo:
            leaving.check()
            state = job.loop.click(job.picture, state, click).state
        seconds += time.perf_counter() - began
        fields = {
            "masks": [answer_fields(state, job.manifest, job.mask_format)],
            "superseded_clicks": superseded(clicks),
        }
        results.append(to_json(fields))
    return results, seconds

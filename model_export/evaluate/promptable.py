"""Bundles of kind `promptable` in ONNX Runtime: the shipped graphs, the embedding quantised as it is served."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.evaluate.predictor import Box, Click, Mask, Previous
from model_export.export.wire import through_wire
from server.domain.geometry import InputFrame
from server.domain.masks import stability_score, upsample_logits, upsample_mask
from server.domain.ports import Decoder, Float32, LoadedBundle, Tensors, UInt8
from server.domain.prompts import Prompt, assemble
from server.runtime.images import prepare_pixels
from server.runtime.onnx import OnnxBackend

LEAST = 1e-3  # of a cell covered by a mask, and of one left free: logits stay within 6.9


@dataclass(frozen=True)
class GridAnswer:
    """`low_res_masks` float32 [M, h, w] logits on the decoder's grid, `iou_predictions` float32 [M]."""

    low_res_masks: Float32
    iou_predictions: Float32
    shown: int
    candidates: tuple[int, ...]
    frame: InputFrame
    threshold: float
    stability_offset: float

    def mask(self, index: int) -> Mask:
        return upsample_mask(self.low_res_masks[index], self.frame, self.threshold)

    def logits(self, index: int) -> Float32:
        return upsample_logits(self.low_res_masks[index], self.frame)

    def score(self, index: int) -> float:
        return float(self.iou_predictions[index])

    def stability(self, index: int) -> float:
        grid = self.low_res_masks[index]
        return float(stability_score(grid, self.frame, threshold=self.threshold, offset=self.stability_offset))

    def showing(self, index: int) -> GridAnswer:
        return replace(self, shown=index)


@dataclass(frozen=True)
class PromptablePicture:
    bundle: LoadedBundle
    decoder: Decoder
    embedding: Tensors
    frame: InputFrame

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Previous | None = None) -> GridAnswer:
        """A first click alone gets the candidates, the best scored one shown; every other prompt the single mask."""
        manifest = self.bundle.manifest
        spec = manifest.decoder
        grid = (spec.mask_height, spec.mask_width)
        coords = np.array([(click.x, click.y) for click in clicks], np.float64).reshape(-1, 2)
        labels = np.array([click.positive for click in clicks], np.float32)
        prompt = Prompt(coords, labels, box=box, mask_input=self._feedback(previous, grid))
        answer = self.decoder.decode(self.embedding, assemble([prompt], self.frame, grid))
        masks, scores = answer.low_res_masks[0], answer.iou_predictions[0]
        ambiguous = len(clicks) == 1 and box is None and previous is None
        candidates = spec.multi_mask_indices if ambiguous else (spec.single_mask_index,)
        shown = candidates[int(scores[list(candidates)].argmax())]
        return GridAnswer(
            masks, scores, shown, tuple(candidates), self.frame, manifest.mask_threshold,
            manifest.calibration.stability_offset,
        )  # fmt: skip

    def _feedback(self, previous: Previous | None, grid: tuple[int, int]) -> Float32 | None:
        if previous is None:
            return None
        if isinstance(previous, GridAnswer):
            own: Float32 = previous.low_res_masks[previous.shown]
            return own
        if not isinstance(previous, np.ndarray):
            return to_grid(previous.logits(previous.shown), self.frame, grid)
        if previous.dtype == np.bool_:
            return mask_to_grid(previous.astype(np.bool_, copy=False), self.frame, grid)
        return to_grid(previous.astype(np.float32, copy=False), self.frame, grid)


def to_grid(logits: Float32, frame: InputFrame, grid: tuple[int, int]) -> Float32:
    """logits float32 [height, width] of the picture -> float32 [h, w] of the decoder's grid: bilinear at the centre of
    each cell; cells in the padding repeat the picture's border. The reverse of `upsample_logits` for smooth logits."""

    def places(cells: int, length: int, input_length: int) -> NDArray[np.float32]:
        centre = (np.arange(cells) + 0.5) * frame.size / cells * length / input_length - 0.5
        return np.clip(centre, 0, length - 1).astype(np.float32)

    x, y = np.meshgrid(
        places(grid[1], frame.width, frame.input_width), places(grid[0], frame.height, frame.input_height)
    )
    sampled = cv2.remap(np.ascontiguousarray(logits, np.float32), x, y, cv2.INTER_LINEAR)
    return np.asarray(sampled, np.float32)


def mask_to_grid(mask: Mask, frame: InputFrame, grid: tuple[int, int]) -> Float32:
    """mask bool [height, width] of the picture -> logits float32 [h, w] of the decoder's grid: log(c / (1 - c)) of the
    part c of each cell that the mask covers, c kept LEAST off 0 and 1 (micro-sam's `_compute_logits_from_mask`; the
    page does the same in web/src/geometry/mask-logits.ts)."""

    def shares(cells: int, length: int, input_length: int) -> Float32:
        """[cells, length]: the part of a cell that each pixel is, by the cell that holds its centre; where cells are
        smaller than pixels, the pixel that holds the cell's centre."""
        scale = cells * input_length / (frame.size * length)
        taps = np.zeros((cells, length), np.float32)
        if scale <= 1:
            pixels = np.arange(length)
            taps[np.minimum(((pixels + 0.5) * scale).astype(np.intp), cells - 1), pixels] = scale
        else:
            inside = np.arange(min(cells, math.ceil(length * scale - 0.5)))
            taps[inside, np.minimum(((inside + 0.5) / scale).astype(np.intp), length - 1)] = 1
        return taps

    rows = shares(grid[0], frame.height, frame.input_height)
    columns = shares(grid[1], frame.width, frame.input_width)
    covered = np.clip(rows @ mask.astype(np.float32) @ columns.T, LEAST, 1 - LEAST)
    return np.asarray(np.log(covered / (1 - covered)), np.float32)


class PromptablePredictor:
    """`threads`: those of one run in ONNX Runtime."""

    takes_boxes = True

    def __init__(self, bundle: LoadedBundle, threads: int = 1) -> None:
        backend = OnnxBackend(threads)
        self._bundle = bundle
        self._encoder, self._decoder = backend.load_encoder(bundle), backend.load_decoder(bundle)

    def open(self, rgb: UInt8) -> PromptablePicture:
        height, width = rgb.shape[:2]
        preprocessing = self._bundle.manifest.preprocessing
        pixels, valid = prepare_pixels(rgb, preprocessing)
        embedding = self._encoder.encode(pixels[None], np.array([valid], np.int64))[0]
        frame = InputFrame.of(width, height, preprocessing.resize, preprocessing.size)
        return PromptablePicture(self._bundle, self._decoder, through_wire(self._bundle, embedding), frame)

"""Where batches and simulated prompts come from: one interface, two implementations.

`PictureSource` (here) draws with numpy and OpenCV on the CPU; `DeviceSource` (device_source.py) holds the whole data
set on the device and does the same with torch there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from model_export.train.prompts import first_prompts, next_clicks
from model_export.train.sampler import PictureSampler


@dataclass(frozen=True)
class Batch:
    """B pictures with K prompts each, P = B K, prompts of one picture side by side; all on the run's device.

    pixels uint8 [B, S, S, 3] RGB; valid int64 [B, 2] (height, width) of the part that is picture; masks float32
    [P, S/4, S/4] in 0..1 (area share); boxes float32 [P, 4] x1 y1 x2 y2 in ModelPx; counts float32 [P, S/4, S/4], 1
    where a pixel counts and 0 where it is to be ignored. Masks have at least one pixel >= 0.5 that counts."""

    pixels: Tensor
    valid: Tensor
    masks: Tensor
    boxes: Tensor
    counts: Tensor

    @property
    def size(self) -> int:
        return self.pixels.shape[1]

    @property
    def clickable(self) -> Tensor:
        """The masks without what is to be ignored."""
        return torch.where(self.counts >= 0.5, self.masks, torch.zeros_like(self.masks))

    def without_ignored_errors(self, logits: Tensor) -> Tensor:
        """logits [P, h, w], right wherever a pixel is to be ignored, so that no click is drawn there."""
        return torch.where(self.counts >= 0.5, logits, self.masks - 0.5 + 1e-3)


class Source(Protocol):
    """Everything random in a step comes from the source's own generators, which `state` holds."""

    def batch(self, size: int) -> Batch:
        """The next batch, of input size `size` x `size`."""

    def first_prompts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """-> coords [P, N, 2] ModelPx, labels [P, N]: a point, a box or both; unused places are padding."""

    def next_clicks(self, batch: Batch, logits: Tensor, new_point: float, count: int) -> tuple[Tensor, Tensor]:
        """One to `count` clicks a prompt from the error of logits [P, h, w] > 0, or, with chance 1 - new_point or
        without error, padding -> coords [P, count, 2] ModelPx, labels [P, count]."""

    def state(self) -> dict[str, Any]:
        """The generators' state, fit for torch.save."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on exactly as the source that gave `state` would."""

    def reseed(self, seed: Sequence[int]) -> None:
        """Go on with other random draws."""


class PictureSource:
    """Batches of `pictures` pictures with `masks` prompts each from a sampler."""

    def __init__(self, sampler: PictureSampler, pictures: int, masks: int, device: torch.device) -> None:
        self.sampler, self.pictures, self.masks, self.device = sampler, pictures, masks, device

    def batch(self, size: int) -> Batch:
        samples = [self.sampler.draw(size, self.masks) for _ in range(self.pictures)]
        counts = np.repeat(np.stack([1 - s.ignore for s in samples]), self.masks, axis=0)
        return Batch(
            torch.from_numpy(np.stack([s.pixels for s in samples])).to(self.device),
            torch.tensor([s.valid for s in samples], device=self.device),
            torch.from_numpy(np.concatenate([s.masks for s in samples])).to(self.device),
            torch.from_numpy(np.concatenate([s.boxes for s in samples])).to(self.device),
            torch.from_numpy(counts).to(self.device),
        )

    def first_prompts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        masks, boxes = batch.clickable.cpu().numpy(), batch.boxes.cpu().numpy()
        coords, labels = first_prompts(self.sampler.rng, masks, boxes, batch.size)
        return coords.to(self.device), labels.to(self.device)

    def next_clicks(self, batch: Batch, logits: Tensor, new_point: float, count: int) -> tuple[Tensor, Tensor]:
        masks = batch.masks.cpu().numpy()
        shown = batch.without_ignored_errors(logits).cpu().numpy()
        coords, labels = next_clicks(self.sampler.rng, shown, masks, new_point, count)
        return coords.to(self.device), labels.to(self.device)

    def state(self) -> dict[str, Any]:
        return {"numpy": json.dumps(self.sampler.rng.bit_generator.state)}

    def load_state(self, state: dict[str, Any]) -> None:
        self.sampler.rng.bit_generator.state = json.loads(state["numpy"])

    def reseed(self, seed: Sequence[int]) -> None:
        self.sampler.rng = np.random.default_rng(list(seed))

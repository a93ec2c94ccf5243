"""Batches for click models; drawn on the CPU whatever the device."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from model_export.train.click_samples import ClickSample, click_sample
from model_export.train.sampler import NO_MASK, TRIES, PictureSampler

CANVAS = 512  # side on which pictures are placed and mixed before a target crop is cut


class ClickSource:
    """`pictures` objects a batch, each of a picture of its own. Everything random in a step comes from the sampler's
    generator."""

    def __init__(self, sampler: PictureSampler, pictures: int, device: torch.device) -> None:
        self.sampler, self.pictures, self.device = sampler, pictures, device

    def batch(self, size: int) -> list[ClickSample]:
        """For the input size S = `size`. Raises ValueError when pictures have no usable object."""
        return [self._draw(size) for _ in range(self.pictures)]

    def _draw(self, size: int) -> ClickSample:
        for _ in range(TRIES):
            drawn = self.sampler.canvas(CANVAS)
            sample = drawn and click_sample(self.sampler.rng, *drawn, size)
            if sample:
                return sample
        raise ValueError(NO_MASK)

    def state(self) -> dict[str, Any]:
        return {"numpy": json.dumps(self.sampler.rng.bit_generator.state)}

    def load_state(self, state: dict[str, Any]) -> None:
        self.sampler.rng.bit_generator.state = json.loads(state["numpy"])

    def reseed(self, seed: Sequence[int]) -> None:
        self.sampler.rng = np.random.default_rng(list(seed))

"""Batches for click models; drawn on the CPU whatever the device."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from model_export.train.click_loop import Drafts, Looped
from model_export.train.click_samples import ClickSample, Scene, click_sample, click_scene
from model_export.train.clicked import Clicked
from model_export.train.sampler import NO_MASK, TRIES, PictureSampler

CANVAS = 512  # side on which pictures are placed and mixed before a target crop is cut
LOOPED = 0.5  # chance that an object is clicked as in use


class ClickSource:
    """`pictures` objects a batch, each of a picture of its own. Everything random in a step comes from the sampler's
    generator. `drafts`: who answers the first click of some, if anybody."""

    def __init__(
        self, sampler: PictureSampler, pictures: int, device: torch.device, drafts: Drafts | None = None
    ) -> None:
        self.sampler, self.pictures, self.device, self.drafts = sampler, pictures, device, drafts

    def batch(self, size: int) -> list[Clicked]:
        """For the input size S = `size`. Raises ValueError when pictures have no usable object."""
        return [self._begun(*self._draw(size), size) for _ in range(self.pictures)]

    def samples(self, size: int) -> list[ClickSample]:
        """A batch before anything is clicked."""
        return [self._draw(size)[1] for _ in range(self.pictures)]

    def _begun(self, scene: Scene, sample: ClickSample, size: int) -> Clicked:
        rng = self.sampler.rng
        return Looped(rng, scene, size, self.drafts) if rng.random() < LOOPED else Clicked.begun(rng, sample, size)

    def _draw(self, size: int) -> tuple[Scene, ClickSample]:
        rng = self.sampler.rng
        for _ in range(TRIES):
            drawn = self.sampler.canvas(CANVAS)
            scene = drawn and click_scene(rng, *drawn)
            sample = scene and click_sample(rng, scene, size)
            if scene and sample:
                return scene, sample
        raise ValueError(NO_MASK)

    def state(self) -> dict[str, Any]:
        return {"numpy": json.dumps(self.sampler.rng.bit_generator.state)}

    def load_state(self, state: dict[str, Any]) -> None:
        self.sampler.rng.bit_generator.state = json.loads(state["numpy"])

    def reseed(self, seed: Sequence[int]) -> None:
        self.sampler.rng = np.random.default_rng(list(seed))

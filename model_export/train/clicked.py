"""One object of a batch, and what was clicked on it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from model_export.data.faulty_masks import faulty_mask
from model_export.train.click_prompts import Bitmap, Click, click_on_error, earlier_clicks, focus_box
from model_export.train.click_samples import ClickSample

GIVEN = 0.25  # chance that an object begins with a faulty mask, as an imported one or a promptable model's
SOONER = 0.3  # chance of clicks from before that no mask goes with
TAKEN_OVER = 0.3  # chance that the click learnt from is the first on a mask from elsewhere, half of them the very first


def small(image: NDArray[np.uint8], size: int) -> Bitmap:
    """uint8 [h, w] 0..255 -> bool [size, size]."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)) > 127


class Clicked:
    """In a crop that stays. Masks bool [S, S] on the coarse input; nothing is clicked yet and no mask is there."""

    def __init__(self, sample: ClickSample, size: int) -> None:
        self.see(sample, size)
        self.mask: Bitmap = np.zeros_like(self.truth)
        self.clicks: list[Click] = []

    @classmethod
    def begun(cls, rng: np.random.Generator, sample: ClickSample, size: int) -> Clicked:
        """Perhaps with a faulty mask, or with clicks."""
        one = cls(sample, size)
        kind = rng.random()
        if kind < GIVEN:
            one.mask = faulty_mask(rng, one.truth, low=0.6, high=0.9, pixels=one.pixels)
        elif kind < GIVEN + SOONER:
            one.clicks = earlier_clicks(rng, one.truth, one.counts)
        return one

    def see(self, sample: ClickSample, size: int) -> None:
        self.sample = sample
        self.pixels = np.asarray(cv2.resize(sample.pixels, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        self.truth, self.counts = small(sample.truth, size), small(sample.counts, size)

    def click(self, rng: np.random.Generator) -> None:
        found = click_on_error(rng, self.truth, self.mask, self.counts)
        if found is not None:
            self.clicks.append(found)

    def taken_over(self, rng: np.random.Generator) -> None:
        """Perhaps: the mask becomes one that the network did not make, with or without the clicks so far. Without such
        rounds a lone background click on somebody's mask gets an empty answer. Always where there is nothing yet: in
        use the first click is on the whole picture (`Looped`)."""
        if rng.random() < TAKEN_OVER or not (self.clicks or self.mask.any()):
            self.mask = faulty_mask(rng, self.truth, low=0.4, high=0.95, pixels=self.pixels)
            if rng.random() < 0.5:
                self.clicks = []

    def answered(self, logits: NDArray[np.float32]) -> None:
        self.mask = np.asarray(cv2.resize(logits, self.truth.shape, interpolation=cv2.INTER_LINEAR)) > 0

    def focus(self, rng: np.random.Generator, after: Bitmap) -> tuple[int, int, int, int]:
        return focus_box(rng, self.mask, after, self.clicks[-1] if self.clicks else (0, 0, True))

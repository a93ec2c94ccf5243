"""Which pictures a training run sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.train.augment import Sample, finish, lay_out, paste

MAX_PASTED = 3


class PictureSampler:
    """Draws training samples; decoded pictures are kept (5,200 pictures of 512 px are 2.3 GB).

    `weights`: sampling weight of one picture by its set, 1 where none is given. `paste_chance` of the samples get one
    to three objects from pictures of the sets in `donors`.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        weights: Mapping[str, float],
        seed: int,
        paste_chance: float = 0.0,
        donors: Sequence[str] = (),
    ) -> None:
        if not pictures:
            raise ValueError("no pictures to train on")
        self.pictures = pictures
        chances = np.array([weights.get(picture.source, 1.0) for picture in pictures])
        self.chances = chances / chances.sum()
        self.donors = np.array([k for k, picture in enumerate(pictures) if picture.source in donors], np.intp)
        self.paste_chance = paste_chance if len(self.donors) else 0.0
        self.rng = np.random.default_rng(seed)
        self.kept: dict[int, NDArray[np.uint8]] = {}

    def draw(self, size: int, count: int) -> Sample:
        """One sample of `size` x `size` with `count` masks. Raises ValueError when pictures have no usable mask."""
        for _ in range(100):
            index = int(self.rng.choice(len(self.pictures), p=self.chances))
            canvas = lay_out(self.rng, self.pictures[index], self._pixels(index), size, count)
            if self.rng.random() < self.paste_chance:
                for donor in self.rng.choice(self.donors, int(self.rng.integers(1, MAX_PASTED + 1))):
                    paste(self.rng, canvas, self.pictures[int(donor)], self._pixels(int(donor)))
            sample = finish(self.rng, canvas, count)
            if sample is not None:
                return sample
        raise ValueError("100 pictures in a row had no usable mask; check the masks' sizes")

    def _pixels(self, index: int) -> NDArray[np.uint8]:
        if index not in self.kept:
            self.kept[index] = self.pictures[index].pixels()
        return self.kept[index]

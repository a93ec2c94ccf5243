"""Which pictures a training run sees, and what is done to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_export.data.hierarchy import further_regions
from model_export.data.picture import Picture
from model_export.data.rle import RLE
from model_export.train.augment import Canvas, Sample, finish, place
from model_export.train.occlusion import cut_out, textured_shape
from model_export.train.picture_cache import PictureCache
from model_export.train.placement import random_placement
from server.domain.geometry import ResizeRule

MAX_PASTED = 3
FURTHER_REGIONS = 2
TRIES = 100
NO_MASK = f"{TRIES} pictures in a row had no usable mask, or were broken; check the masks' sizes"
SMOOTH = 0.5  # chance that a shrunk picture is averaged as in serving; else it is sharper and quicker


@dataclass(frozen=True)
class Mixing:
    """Chances of a sample: one to three objects of pictures of the sets `donors` pasted in; a textured shape laid over;
    groups and remainders among its masks (`model_export.data.hierarchy`)."""

    paste: float = 0.0
    donors: tuple[str, ...] = ()
    occlude: float = 0.0
    regions: float = 0.0


def sampling_weights(pictures: Sequence[Picture], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """float64 [N]: of each picture by its set, 1 where none is given. Raises ValueError when nothing could be drawn."""
    if not pictures:
        raise ValueError("no pictures to train on")
    each = np.array([weights.get(picture.source, 1.0) for picture in pictures], np.float64)
    if (each < 0).any() or not each.sum() > 0:
        sets = ", ".join(f"{name} {weights.get(name, 1.0):g}" for name in sorted({p.source for p in pictures}))
        raise ValueError(f"weights of the sets are {sets}; none may be below 0 and one must be above")
    return each


def weighted_pictures(pictures: Sequence[Picture], weights: Mapping[str, float]) -> list[Picture]:
    """Without those of sets of weight 0, of which nothing is to be seen: no donors and no textures either. Raises
    ValueError as `sampling_weights`."""
    return [picture for picture, each in zip(pictures, sampling_weights(pictures, weights), strict=True) if each > 0]


class PictureSampler:
    """Draws training samples; decoded pictures are kept (5,200 pictures of 512 px are 2.3 GB), as far as
    `PictureCache` allows.

    `weights`: sampling weight of one picture by its set, 1 where none is given. `resize`: of `random_placement`.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        weights: Mapping[str, float],
        seed: int,
        mixing: Mixing,
        resize: ResizeRule = "longest_side",
    ) -> None:
        self.cumulative = np.cumsum(sampling_weights(pictures, weights))
        self.donors = np.array([k for k, picture in enumerate(pictures) if picture.source in mixing.donors], np.intp)
        self.mixing, self.resize = mixing, resize
        self.rng = np.random.default_rng(seed)
        self.cache = PictureCache(pictures)

    def draw(self, size: int, count: int) -> Sample:
        """One sample of `size` x `size` with `count` masks. Raises ValueError when pictures have no usable mask."""
        for _ in range(TRIES):
            drawn = self.canvas(size)
            sample = drawn and finish(self.rng, *drawn, count)
            if sample:
                return sample
        raise ValueError(NO_MASK)

    def canvas(self, size: int) -> tuple[Canvas, Sequence[RLE], RLE | None] | None:
        """A picture placed in `size` x `size` with what lies over it, its masks and what counts for nothing, both in
        the picture's pixels; None where the picture is broken."""
        index = int(np.searchsorted(self.cumulative, self.rng.random() * self.cumulative[-1], "right"))
        opened = self.cache.open(index)
        if opened is None:
            return None
        picture, pixels = opened
        placement = random_placement(self.rng, picture.width, picture.height, size, self.resize)
        canvas = place(picture, pixels, placement, bool(self.rng.random() < SMOOTH))
        self._mix(canvas)
        rles = picture.rles
        if self.rng.random() < self.mixing.regions:
            rles += further_regions(rles, self.rng, FURTHER_REGIONS)
        return canvas, rles, picture.ignore

    def _mix(self, canvas: Canvas) -> None:
        placement, rng = canvas.placement, self.rng
        extent = (placement.height, placement.width, placement.size)
        if len(self.donors) and rng.random() < self.mixing.paste:
            for donor in rng.choice(self.donors, int(rng.integers(1, MAX_PASTED + 1))):
                opened = self.cache.open(int(donor))
                layer = cut_out(rng, *opened, *extent) if opened else None
                if layer is not None:
                    canvas.lay_over(layer, is_object=True)
        if rng.random() < self.mixing.occlude:
            texture = self.cache.open(int(rng.integers(len(self.cache.pictures))))
            if texture:
                canvas.lay_over(textured_shape(rng, texture.pixels, *extent), is_object=False)

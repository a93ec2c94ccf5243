"""A whole data set as tensors on one device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_export.data.hierarchy import further_regions
from model_export.data.picture import Picture
from model_export.data.rle import area, to_bitmap
from model_export.train.occlusion import DONOR_AREA
from model_export.train.picture_cache import PictureCache
from model_export.train.sampler import FURTHER_REGIONS, Mixing, sampling_weights

SIDE = 512  # T: pictures are stored with their longest side at most this
MOST_MASKS = 24  # of one picture, drawn once where it has more


@dataclass(frozen=True)
class DeviceStore:
    """N pictures in the top left corners of T x T squares, M masks at half that size; mask 0 is empty.

    pixels uint8 [N, 3, T, T] RGB; extents float32 [N, 2] (height, width) in stored pixels; masks uint8 [M, T/2, T/2]
    0..255; table int64 [N, W] masks of each picture, 0 where there are no more; chances float32 [N, W]; ignored int64
    [N] the mask of what counts for nothing; weights float32 [N] of sampling; donors int64 [D, 2] (picture, mask) that
    may be pasted, their boxes float32 [D, 4] x1 y1 x2 y2 in stored pixels."""

    pixels: Tensor
    extents: Tensor
    masks: Tensor
    table: Tensor
    chances: Tensor
    ignored: Tensor
    weights: Tensor
    donors: Tensor
    donor_boxes: Tensor


def load_store(
    pictures: Sequence[Picture], weights: Mapping[str, float], mixing: Mixing, device: torch.device, side: int = SIDE
) -> DeviceStore:
    """Reads every picture once. Groups and remainders are drawn here, with a seed of their own, and are offered to
    every sample of their picture with `mixing.regions` as a factor of their chance."""
    rng = np.random.default_rng(0)
    shares = sampling_weights(pictures, weights)
    cache = PictureCache(pictures, longest=4 * side, most_bytes=0)
    pixels = np.zeros((len(pictures), 3, side, side), np.uint8)
    extents = np.ones((len(pictures), 2), np.float32)
    masks: list[NDArray[np.uint8]] = [np.zeros((side // 2, side // 2), np.uint8)]
    table = np.zeros((len(pictures), MOST_MASKS), np.int64)
    chances = np.zeros((len(pictures), MOST_MASKS), np.float32)
    ignored = np.zeros(len(pictures), np.int64)
    donors: list[tuple[int, int]] = []
    boxes: list[tuple[float, float, float, float]] = []
    for n in range(len(pictures)):
        opened = cache.open(n)
        if opened is None:
            shares[n] = 0
            continue
        picture = opened.picture
        scale = min(1.0, side / max(picture.width, picture.height))
        width, height = max(2, round(picture.width * scale)), max(2, round(picture.height * scale))
        image = cv2.resize(opened.pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels[n, :, :height, :width] = image.transpose(2, 0, 1)
        extents[n] = height, width
        further = further_regions(picture.rles, rng, FURTHER_REGIONS) if mixing.regions else ()
        own = [picture.rles[k] for k in rng.permutation(len(picture.rles))[: MOST_MASKS - len(further)]]
        for k, rle in enumerate((*own, *further)):
            table[n, k] = len(masks)
            chances[n, k] = max(area(rle), 1) ** 0.25 * (1.0 if k < len(own) else mixing.regions)
            masks.append(_stored(to_bitmap(rle), scale, side))
            share = area(rle) / (picture.width * picture.height)
            if picture.source in mixing.donors and k < len(own) and DONOR_AREA[0] < share < DONOR_AREA[1]:
                x, y, w, h = cv2.boundingRect(masks[-1])
                donors.append((n, len(masks) - 1))
                boxes.append((2 * x, 2 * y, 2 * (x + w), 2 * (y + h)))
        if picture.ignore is not None:
            ignored[n] = len(masks)
            masks.append(_stored(to_bitmap(picture.ignore), scale, side))
    if not shares.sum() > 0:
        raise ValueError("none of the pictures to train on can be decoded")
    arrays = {
        "pixels": pixels, "extents": extents, "masks": np.stack(masks), "table": table, "chances": chances,
        "ignored": ignored, "weights": shares.astype(np.float32),
        "donors": np.array(donors, np.int64).reshape(-1, 2), "donor_boxes": np.array(boxes, np.float32).reshape(-1, 4),
    }  # fmt: skip
    return DeviceStore(**{name: torch.from_numpy(array).to(device) for name, array in arrays.items()})


def _stored(bitmap: NDArray[np.uint8], scale: float, side: int) -> NDArray[np.uint8]:
    """uint8 [height, width] 0 and 1 of the original -> uint8 [side/2, side/2] 0..255, area share."""
    height, width = (max(1, round(length * scale / 2)) for length in bitmap.shape)
    placed = np.zeros((side // 2, side // 2), np.uint8)
    placed[:height, :width] = cv2.resize(bitmap * 255, (width, height), interpolation=cv2.INTER_AREA)
    return placed

"""The piece of a change that a click is about."""

from __future__ import annotations

import numpy as np

from server.domain.click_maps import nearest_pixel
from server.domain.masks import Mask


def component_at(region: Mask, column: int, row: int) -> Mask | None:
    """The 8-connected component of `region` bool [h, w] that holds the pixel, or, where that is none of it, the one
    with the nearest pixel; None where the region is empty."""
    seed = nearest_pixel(region, column, row)
    if seed is None:
        return None
    if region.flags.f_contiguous or region.strides[0] < region.strides[1]:
        return _filled(region.T, seed[1], seed[0]).T  # along the lines as they lie in memory
    return _filled(region, *seed)


def _filled(region: Mask, column: int, row: int) -> Mask:
    import cv2

    height, width = region.shape
    filled = np.zeros((height + 2, width + 2), np.uint8)
    image = np.ascontiguousarray(region).view(np.uint8)
    cv2.floodFill(image, filled, (column, row), 0, 0, 0, 8 | cv2.FLOODFILL_MASK_ONLY | 1 << 8)
    return filled[1:-1, 1:-1].view(np.bool_)

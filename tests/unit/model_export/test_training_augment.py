"""Augmentation: pixels and masks stay together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model_export.data.picture import Picture
from model_export.data.readers import read_sets
from model_export.data.rle import from_bitmap
from model_export.train.augment import Canvas, finish, place, to_grid
from model_export.train.colour import colour_matrix, jitter_colour, recompressed
from model_export.train.occlusion import cut_out, textured_shape
from model_export.train.placement import Placement, random_placement
from model_export.train.sampler import Mixing, PictureSampler
from model_export.train.source import PictureSource
from tests.unit.model_export.drawn_set import draw_set

SIZE = 64


def disk(height: int, width: int, x: int, y: int, radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.circle(np.zeros((height, width), np.uint8), (x, y), radius, 1, -1), np.uint8)


def white_disk(path: Path, *, ignore: bool = False) -> Picture:
    """White disk on black, 96 x 128; with `ignore` its left half counts for nothing."""
    mask = disk(96, 128, 70, 40, 25)
    cv2.imwrite(str(path), np.repeat(mask[..., None] * 255, 3, -1))
    left = mask.copy()
    left[:, 70:] = 0
    return Picture("disk", path, 128, 96, (from_bitmap(mask),), ignore=from_bitmap(left) if ignore else None)


def test_pixels_and_masks_stay_together(tmp_path: Path) -> None:
    """The mask of a white disk on black is where the picture is bright, whatever is done to it."""
    picture = white_disk(tmp_path / "disk.png")
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(60):
        placement = random_placement(rng, 128, 96, SIZE)
        canvas = place(picture, picture.pixels(), placement, smooth=bool(rng.random() < 0.5))
        sample = finish(rng, canvas, picture.rles, None, 1)
        if sample is None:
            continue
        seen += 1
        height, width = sample.valid
        assert not sample.pixels[height:].any()
        assert not sample.pixels[:, width:].any()
        bright = to_grid(np.asarray(sample.pixels.mean(-1) > 128, np.uint8) * 255)
        assert np.abs(bright - sample.masks[0]).mean() < 0.02
        x1, y1, x2, y2 = sample.boxes[0].astype(int)
        outside = np.kron(sample.masks[0] > 0.99, np.ones((4, 4)))
        outside[y1:y2, x1:x2] = 0
        assert not outside.any()
    assert seen > 40


def test_placement_shows_the_part_that_it_names() -> None:
    image = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
    part = Placement(5, 2, 15, 12, 10, 10, 16, flipped=False)
    assert (part.apply(image)[:10, :10] == image[2:12, 5:15]).all()
    assert not part.apply(image)[10:].any()
    assert (replace(part, flipped=True).apply(image)[:10, :10] == image[2:12, 5:15][:, ::-1]).all()


def test_random_placement_stays_in_the_picture_and_covers_its_scales() -> None:
    rng = np.random.default_rng(0)
    scales, flips = [], set()
    for _ in range(300):
        p = random_placement(rng, 90, 60, SIZE)
        assert 0 <= p.left < p.right <= 90
        assert 0 <= p.top < p.bottom <= 60
        assert 0 < p.width <= SIZE
        assert 0 < p.height <= SIZE
        scales.append(p.width / (p.right - p.left) / (SIZE / 90))
        flips.add(p.flipped)
    assert 0.5 < min(scales) < 0.7
    assert 1.7 < max(scales) < 2.4
    assert flips == {True, False}
    assert 0.28 < np.mean(np.isclose(scales, 1.0)) < 0.5


def test_a_placement_for_stretched_input_is_about_the_stretch() -> None:
    rng = np.random.default_rng(0)
    placements = [random_placement(rng, 90, 60, SIZE, "square") for _ in range(300)]
    aspects = [(p.height / (p.bottom - p.top)) / (p.width / (p.right - p.left)) for p in placements]
    assert np.median(aspects) == pytest.approx(90 / 60, rel=0.03)
    served = [(p.left, p.top, p.right, p.bottom, p.width, p.height) == (0, 0, 90, 60, SIZE, SIZE) for p in placements]
    assert 0.25 < np.mean(served) < 0.42


def test_what_is_laid_over_hides_what_lies_below(tmp_path: Path) -> None:
    pictures = read_sets(draw_set(tmp_path), "train")
    rng = np.random.default_rng(2)
    pasted = 0
    for _ in range(20):
        canvas = place(pictures[0], pictures[0].pixels(), random_placement(rng, 96, 128, SIZE), smooth=False)
        before = canvas.pixels.copy()
        extent = (canvas.placement.height, canvas.placement.width, SIZE)
        layer = cut_out(rng, pictures[1], pictures[1].pixels(), *extent)
        if layer is None:
            continue
        pasted += 1
        canvas.lay_over(layer, is_object=True)
        solid, untouched = layer[0] == 255, layer[0] == 0
        assert not solid[canvas.placement.height :].any()
        assert not solid[:, canvas.placement.width :].any()
        assert (canvas.pixels[untouched] == before[untouched]).all()
        assert (np.abs(canvas.pixels[solid].astype(int) - layer[1][solid]) <= 1).all()
        masks = list(canvas.masks(rng, pictures[0].rles))
        assert len(masks) == len(pictures[0].rles) + 1
        own = [mask for mask in masks if (mask == layer[0]).all()]
        assert len(own) == 1
        assert not any(mask[solid].any() for mask in masks if mask is not own[0])
    assert pasted > 10


def test_shapes_hide_but_are_not_asked_for(tmp_path: Path) -> None:
    picture = white_disk(tmp_path / "disk.png")
    rng = np.random.default_rng(3)
    whole = Placement(0, 0, 128, 96, SIZE, 48, SIZE, flipped=False)
    shares = []
    for _ in range(30):
        canvas = place(picture, picture.pixels(), whole, smooth=False)
        layer = textured_shape(rng, picture.pixels(), 48, SIZE, SIZE)
        canvas.lay_over(layer, is_object=False)
        (mask,) = canvas.masks(rng, picture.rles)
        assert not mask[layer[0] == 255].any()
        assert not layer[0][48:].any()
        shares.append(float((layer[0] > 0).mean()))
    assert max(shares) > 0.05
    assert min(shares) < 0.03


def test_a_layer_hides_the_layers_below() -> None:
    flat = np.zeros((SIZE, SIZE, 3), np.uint8)
    canvas = Canvas(flat, Placement(0, 0, SIZE, SIZE, SIZE, SIZE, SIZE, flipped=False))
    low, high = disk(SIZE, SIZE, 20, 32, 12) * 255, disk(SIZE, SIZE, 32, 32, 12) * 255
    canvas.lay_over((low, flat), is_object=True)
    canvas.lay_over((high, flat), is_object=True)
    masks = {mask.tobytes() for mask in canvas.masks(np.random.default_rng(0), ())}
    assert masks == {high.tobytes(), np.where(high > 0, 0, low).astype(np.uint8).tobytes()}


def test_colour_matrix_keeps_grey_grey_without_gain() -> None:
    matrix = colour_matrix(np.random.default_rng(4))
    grey = matrix @ np.array([90.0, 90.0, 90.0, 1.0])
    gains = matrix[:, 3] / matrix[:, 3].mean()
    assert np.ptp(grey / gains) < 1e-9


def test_colour_stays_near_the_picture() -> None:
    rng = np.random.default_rng(5)
    ramp = np.repeat(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (SIZE, 1))[..., None], 3, -1)
    for _ in range(40):
        changed = jitter_colour(rng, ramp)
        assert changed.shape == ramp.shape
        assert np.corrcoef(changed.ravel(), ramp.ravel())[0, 1] > 0.85
    noisy = rng.integers(0, 256, ramp.shape, dtype=np.uint8)
    errors = [float(np.abs(recompressed(noisy, q).astype(int) - noisy).mean()) for q in (20, 90)]
    assert errors[0] > errors[1] > 1


def test_ignored_pixels_count_for_nothing_and_get_no_click(tmp_path: Path) -> None:
    picture = white_disk(tmp_path / "disk.png", ignore=True)
    source = PictureSource(PictureSampler([picture], {}, 0, Mixing()), 8, 1, torch.device("cpu"))
    batch = source.batch(SIZE)
    ignored = batch.counts < 0.5
    assert ignored.any((1, 2)).any()
    assert (batch.masks[ignored & (batch.counts == 0)] > 0.4).all()
    for _ in range(20):
        for coords, labels in (
            source.first_prompts(batch),
            source.next_clicks(batch, torch.full_like(batch.masks, -1.0), 1.0, 2),
        ):
            for k, n in torch.nonzero(labels == 1).tolist():
                x, y = (coords[k, n] / 4).int().tolist()
                assert not ignored[k, y, x]
                assert batch.masks[k, y, x] >= 0.5


def test_a_picture_without_usable_masks_is_an_error(tmp_path: Path) -> None:
    picture = white_disk(tmp_path / "disk.png")
    speck = from_bitmap(disk(96, 128, 50, 50, 0))
    with pytest.raises(ValueError, match="no usable mask"):
        PictureSampler([replace(picture, rles=(speck,))], {}, 0, Mixing()).draw(SIZE, 1)

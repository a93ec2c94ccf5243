"""What the values of a mask's pixels mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model_export.data.errors import AnnotationError
from model_export.data.mask_images import MaskImage, read_mask_image
from model_export.data.rle import to_bitmap
from tests.unit.model_export.drawn_formats import palette_image


def read(path: Path, image: Image.Image) -> MaskImage:
    image.save(path)
    return read_mask_image(path)


def grey(rows: list[list[int]]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def bitmaps(mask: MaskImage) -> list[list[list[int]]]:
    return [to_bitmap(rle).tolist() for rle in mask.objects]


@pytest.mark.parametrize("value", [1, 38, 128, 255])
def test_one_value_beside_0_is_one_object(tmp_path: Path, value: int) -> None:
    rows = [[0, value, 0], [0, value, value]]
    for image in (grey(rows), palette_image(np.array(rows, np.uint8)), grey(rows).convert("RGB")):
        mask = read(tmp_path / "a.png", image)
        assert (mask.width, mask.height) == (3, 2)
        assert bitmaps(mask) == [[[0, 1, 0], [0, 1, 1]]]
        assert mask.ignore is None
    assert bitmaps(read(tmp_path / "a.png", grey([[255, 255]]).convert("1"))) == [[[1, 1]]]
    assert bitmaps(read(tmp_path / "a.png", grey([[0, 0]]))) == []


def test_grabcut_ignores_the_middle(tmp_path: Path) -> None:
    mask = read(tmp_path / "a.png", grey([[0, 128, 255, 255, 128]]))
    assert bitmaps(mask) == [[[0, 0, 1, 1, 0]]]
    assert mask.ignore is not None
    assert to_bitmap(mask.ignore).tolist() == [[0, 1, 0, 0, 1]]


@pytest.mark.parametrize("indexed", [True, False])
def test_labels_are_objects_and_255_is_ignored(tmp_path: Path, indexed: bool) -> None:
    rows = [[0, 1, 1, 255, 5], [2, 0, 1, 255, 5]]
    mask = read(tmp_path / "a.png", palette_image(np.array(rows, np.uint8)) if indexed else grey(rows))
    assert bitmaps(mask) == [[[int(v == label) for v in row] for row in rows] for label in (1, 2, 5)]
    assert mask.ignore is not None
    assert to_bitmap(mask.ignore).tolist() == [[0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]


def test_sixteen_bits_hold_more_than_255_objects(tmp_path: Path) -> None:
    labels = np.arange(301, dtype=np.uint16).reshape(7, 43)
    mask = read(tmp_path / "a.png", Image.fromarray(labels))
    assert [to_bitmap(rle).argmax() for rle in mask.objects] == list(range(1, 301))
    assert mask.ignore is None


def test_whole_floating_point_values_are_labels(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 300], [300, 0, 7]], np.float32)
    mask = read(tmp_path / "a.tif", Image.fromarray(labels))
    assert bitmaps(mask) == [(labels == label).astype(int).tolist() for label in (1, 7, 300)]
    assert mask.ignore is None


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf, 2.0**25])
def test_floating_point_values_that_are_no_labels_are_a_broken_mask(tmp_path: Path, value: float) -> None:
    with pytest.raises(AnnotationError, match="broken mask: floating-point values that are not whole"):
        read(tmp_path / "a.tif", Image.fromarray(np.array([[0, 1, value]], np.float32)))


def test_each_colour_is_an_object_and_vocs_border_is_ignored(tmp_path: Path) -> None:
    colours = np.array([[[0, 0, 0], [0, 0, 255], [255, 0, 0], [224, 224, 192]]], np.uint8)
    mask = read(tmp_path / "a.png", Image.fromarray(colours))
    assert bitmaps(mask) == [[[0, 1, 0, 0]], [[0, 0, 1, 0]]]
    assert mask.ignore is not None
    assert to_bitmap(mask.ignore).tolist() == [[0, 0, 0, 1]]


def test_transparent_pixels_are_background(tmp_path: Path) -> None:
    cut_out = np.full((1, 3, 4), 255, np.uint8)
    cut_out[0, 0, 3] = 0
    assert bitmaps(read(tmp_path / "a.png", Image.fromarray(cut_out))) == [[[0, 1, 1]]]


def soft_disk() -> NDArray[np.uint8]:
    y, x = np.mgrid[:80, :80]
    return np.asarray(np.clip(30 * (30 - np.hypot(x - 40, y - 40)), 0, 255), np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_soft_edge_is_cut_in_the_middle(tmp_path: Path, name: str) -> None:
    mask = read(tmp_path / name, Image.fromarray(soft_disk()))
    (disk,) = mask.objects
    assert mask.ignore is None
    assert (to_bitmap(disk) != (soft_disk() >= 128)).mean() < 0.002


@pytest.mark.parametrize(
    ("scale", "resampling"),
    [(0.5, Image.Resampling.BOX), (1 / 3, Image.Resampling.BOX), (2, Image.Resampling.BILINEAR)],
)
def test_a_mask_that_was_scaled_is_one_object(tmp_path: Path, scale: float, resampling: Image.Resampling) -> None:
    hard = Image.fromarray(np.where(soft_disk() >= 128, 255, 0).astype(np.uint8))
    side = round(80 * scale)
    scaled = hard.resize((side, side), resampling)
    assert 3 <= len(np.unique(np.asarray(scaled))) < 16
    mask = read(tmp_path / "a.png", scaled)
    assert mask.ignore is None
    assert bitmaps(mask) == [(np.asarray(scaled) >= 128).astype(int).tolist()]


def test_labels_with_a_border_that_covers_more_than_they_do_stay_labels(tmp_path: Path) -> None:
    mask = read(tmp_path / "a.png", grey([[255, 255, 255, 255, 255], [255, 1, 255, 20, 255], [255, 255, 255, 255, 0]]))
    assert [to_bitmap(rle).sum() for rle in mask.objects] == [1, 1]
    assert mask.ignore is not None
    assert to_bitmap(mask.ignore).sum() == 12


def test_a_photo_is_no_mask(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    with pytest.raises(AnnotationError, match=r"a\.png: broken mask: \d{4} different values"):
        read(tmp_path / "a.png", Image.fromarray(noise))
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(AnnotationError, match=r"b\.png: broken mask"):
        read_mask_image(tmp_path / "b.png")

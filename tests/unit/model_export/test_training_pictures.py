"""Pictures as people have them: large, or damaged."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model_export.data.picture import Picture
from model_export.data.rle import from_bitmap
from model_export.train.device_store import load_store
from model_export.train.loop import shown_pictures
from model_export.train.picture_cache import PictureCache, shrunk
from model_export.train.previews import choose
from model_export.train.run import training_pictures
from model_export.train.sampler import Mixing, PictureSampler, sampling_weights, weighted_pictures
from model_export.train.tasks import mixing_of
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import TINY

EVERYTHING = Mixing(paste=1.0, donors=("own",), occlude=1.0, regions=1.0)


def draw_picture(path: Path, height: int = 96, width: int = 128, unit: int = 1) -> Picture:
    """A white square on black with a speck beside it; what lies right of the square counts for nothing."""
    square, speck, right = (np.zeros((height, width), np.uint8) for _ in range(3))
    square[20 * unit : 60 * unit, 30 * unit : 70 * unit] = 1
    speck[5, 5] = 1
    right[:, 65 * unit :] = 1
    cv2.imwrite(str(path), np.repeat(square[..., None] * 255, 3, -1))
    return Picture(
        "own", path, width, height, (from_bitmap(square), from_bitmap(speck)), ("a", "b"), from_bitmap(right)
    )


def damaged(path: Path) -> Picture:
    """Its header says what the annotations say, but there are no pixels."""
    picture = draw_picture(path)
    path.write_bytes(path.read_bytes()[:60])
    return picture


def test_a_large_picture_is_kept_small_with_its_masks(tmp_path: Path) -> None:
    picture = draw_picture(tmp_path / "large.png", 960, 1280, 10)
    small, pixels = shrunk(picture, picture.pixels(), 128)
    assert (small.width, small.height) == (128, 96) == pixels.shape[1::-1]
    assert small.names == ("a",)  # of the speck nothing is left
    assert (small.mask(0) == (pixels[..., 0] > 127)).all()
    ignored = small.ignore_mask()
    assert ignored is not None
    assert ignored[:, 70:].all()
    assert not ignored[20:60, :70].any()  # the object wins
    same = shrunk(picture, pixels, 1280)
    assert same.picture is picture
    assert same.pixels is pixels


def test_pictures_are_kept_as_far_as_memory_goes(tmp_path: Path) -> None:
    pictures = [draw_picture(tmp_path / f"{k}.png") for k in range(3)]
    cache = PictureCache(pictures, most_bytes=2 * 96 * 128 * 3)
    opened = [cache.open(k) for k in range(3)]
    assert [cache.open(k) is opened[k] for k in range(3)] == [True, True, False]


def test_damaged_pictures_do_not_end_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures = [damaged(tmp_path / "damaged.png"), draw_picture(tmp_path / "whole.png")]
    sampler = PictureSampler(pictures, {}, 0, EVERYTHING)
    with caplog.at_level(logging.WARNING):
        for _ in range(30):
            assert sampler.draw(64, 2).pixels.any()
    assert len(caplog.records) == 1
    assert "damaged.png: broken picture" in caplog.text
    store = load_store(pictures, {}, EVERYTHING, torch.device("cpu"), side=64)
    assert store.weights.tolist() == [0, 1]


def test_only_damaged_pictures_are_an_error(tmp_path: Path) -> None:
    pictures = [damaged(tmp_path / "damaged.png")]
    with pytest.raises(ValueError, match="were broken"):
        PictureSampler(pictures, {}, 0, EVERYTHING).draw(64, 2)
    with pytest.raises(ValueError, match="can be decoded"):
        load_store(pictures, {}, EVERYTHING, torch.device("cpu"), side=64)


def test_weights_of_which_nothing_could_be_drawn_are_an_error(tmp_path: Path) -> None:
    pictures = [draw_picture(tmp_path / "a.png")]
    assert sampling_weights(pictures, {"other": 0.0}).tolist() == [1.0]
    for wrong in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"weights of the sets are own {wrong:g};"):
            sampling_weights(pictures, {"own": wrong})
    with pytest.raises(ValueError, match="no pictures to train on"):
        sampling_weights([], {})


def test_a_set_of_weight_0_lends_nothing_either(tmp_path: Path) -> None:
    weights = {"other": 0.0}
    both = [draw_picture(tmp_path / "a.png"), replace(draw_picture(tmp_path / "b.png"), source="other")]
    pictures = weighted_pictures(both, weights)
    mixing = replace(EVERYTHING, donors=("other",))
    sampler = PictureSampler(pictures, weights, 0, mixing)
    assert [picture.source for picture in sampler.cache.pictures] == ["own"]
    assert not len(sampler.donors)
    assert sampler.draw(64, 2).pixels.any()
    store = load_store(pictures, weights, mixing, torch.device("cpu"), side=64)
    assert (len(store.pixels), len(store.donors)) == (1, 0)


def test_a_set_of_weight_0_is_not_told_of(tmp_path: Path) -> None:
    config = replace(TINY, data=str(draw_set(tmp_path)), weights={"one": 0.0})
    (tmp_path / "shapes").rename(tmp_path / "one")
    draw_set(tmp_path)
    assert {picture.source for picture in training_pictures(config)} == {"shapes"}
    assert mixing_of(replace(config, donors=("one",)), training_pictures(config)).donors == ("shapes",)


def test_damaged_pictures_held_out_do_not_keep_a_run_from_beginning(tmp_path: Path) -> None:
    assert choose([damaged(tmp_path / "damaged.png")], 64) == []
    draw_set(tmp_path / "data")
    held_out = [picture.path for picture in shown_pictures(tmp_path / "data")]
    for path in held_out:
        path.write_bytes(b"no picture")
    shown = {picture.path for picture in shown_pictures(tmp_path / "data")}
    assert shown
    assert shown.isdisjoint(held_out)

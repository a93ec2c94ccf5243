"""The source that works on the device, run on the CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model_export.data.picture import Picture
from model_export.data.readers import read_sets
from model_export.data.rle import from_bitmap
from model_export.train.device_prompts import DEEPEST, centre, depth, first_prompts, next_clicks, pick
from model_export.train.device_source import DeviceSource, bounding_boxes
from model_export.train.device_store import load_store
from model_export.train.device_warp import Draw, Warp, blob, random_warp, recolour
from model_export.train.distributed import World
from model_export.train.run import training_pictures
from model_export.train.sampler import Mixing
from model_export.train.tasks import start_source
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.test_training import TINY
from tests.unit.model_export.test_training_augment import disk, white_disk

CPU = torch.device("cpu")
SIZE = 64


def a_draw(seed: int = 0) -> Draw:
    return Draw(torch.Generator().manual_seed(seed), CPU)


def a_source(pictures: list[Picture], mixing: Mixing, count: int = 16, masks: int = 2) -> DeviceSource:
    return DeviceSource(load_store(pictures, {}, mixing, CPU, side=128), mixing, count, masks)


def test_pixels_and_masks_stay_together(tmp_path: Path) -> None:
    batch = a_source([white_disk(tmp_path / "disk.png")], Mixing(), 40, 1).batch(SIZE)
    assert batch.pixels.shape == (40, SIZE, SIZE, 3)
    assert batch.masks.shape == (40, SIZE // 4, SIZE // 4)
    bright = F.avg_pool2d((batch.pixels.float().mean(-1) > 128).float(), 4)
    assert (bright - batch.masks).abs().mean((1, 2)).max() < 0.04
    for k, (height, width) in enumerate(batch.valid.tolist()):
        assert not batch.pixels[k, height:].any()
        assert not batch.pixels[k, :, width:].any()
        x1, y1, x2, y2 = batch.boxes[k].int().tolist()
        solid = np.kron(batch.masks[k].numpy() > 0.99, np.ones((4, 4)))
        solid[y1:y2, x1:x2] = 0
        assert not solid.any()
    assert len({tuple(size) for size in batch.valid.tolist()}) > 5


def test_samples_of_a_drawn_set_are_valid(tmp_path: Path) -> None:
    pictures = read_sets(draw_set(tmp_path), "train")
    batch = a_source(pictures, Mixing(1.0, ("shapes",), 1.0, 1.0)).batch(SIZE)
    assert batch.pixels.dtype == torch.uint8
    assert batch.masks.shape == batch.counts.shape == (32, 16, 16)
    assert (batch.masks.amax((1, 2)) >= 0.5).all()
    assert (batch.masks >= 0).all()
    assert (batch.masks <= 1).all()
    assert (batch.boxes[:, 2:] > batch.boxes[:, :2]).all()
    assert (batch.counts == 1).all()


def test_an_object_pasted_in_is_among_the_masks(tmp_path: Path) -> None:
    """A white disk can only come from its own picture, which is never drawn itself."""
    black = tmp_path / "black.png"
    cv2.imwrite(str(black), np.zeros((96, 128, 3), np.uint8))
    corner = Picture("black", black, 128, 96, (from_bitmap(disk(96, 128, 10, 10, 9)),))
    pictures = [white_disk(tmp_path / "disk.png"), corner]
    mixing = Mixing(paste=1.0, donors=("disk",))
    source = DeviceSource(load_store(pictures, {"disk": 0.0}, mixing, CPU, side=128), mixing, 40, 1)
    batch = source.batch(SIZE)
    bright = F.avg_pool2d((batch.pixels.float().mean(-1) > 140).float(), 4)
    found = (bright - batch.masks).abs().mean((1, 2)) < 0.04
    assert 5 < int(found.sum()) < 40
    hidden = batch.masks * bright
    assert hidden[~found].mean() < 0.05


def test_ignored_pixels_count_for_nothing_and_get_no_click(tmp_path: Path) -> None:
    source = a_source([white_disk(tmp_path / "disk.png", ignore=True)], Mixing(), 16, 1)
    batch = source.batch(SIZE)
    ignored = batch.counts < 0.5
    assert ignored.any()
    assert (batch.masks[batch.counts == 0] > 0.3).all()
    for _ in range(10):
        for coords, labels in (
            source.first_prompts(batch),
            source.next_clicks(batch, torch.full_like(batch.masks, -1.0), 1.0, 2),
        ):
            for k, n in torch.nonzero(labels == 1).tolist():
                x, y = (coords[k, n] / 4).int().tolist()
                assert not ignored[k, y, x]
                assert batch.masks[k, y, x] > 0.49


def test_a_picture_without_usable_masks_gives_way(tmp_path: Path) -> None:
    good = white_disk(tmp_path / "disk.png")
    speck = replace(good, rles=(from_bitmap(disk(96, 128, 50, 50, 0)),))
    batch = a_source([good, speck], Mixing()).batch(SIZE)
    assert (batch.masks.amax((1, 2)) >= 0.5).all()
    with pytest.raises(ValueError, match="no usable mask"):
        a_source([speck], Mixing()).batch(SIZE)


def test_the_state_repeats_batch_and_prompts(tmp_path: Path) -> None:
    config = replace(TINY, data=str(draw_set(tmp_path)), source="device")
    source, other = (start_source(config, World(rank, 2), training_pictures(config)) for rank in range(2))
    state = source.state()
    batch = source.batch(SIZE)
    coords, _ = source.first_prompts(batch)
    assert not torch.equal(other.batch(SIZE).pixels, batch.pixels)
    other.load_state(state)
    again = other.batch(SIZE)
    assert torch.equal(again.pixels, batch.pixels)
    assert torch.equal(again.masks, batch.masks)
    assert torch.equal(other.first_prompts(again)[0], coords)


def test_a_warp_puts_stored_pixels_where_it_says() -> None:
    image = torch.rand(1, 1, 8, 8)
    shifted = Warp(torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0, 1.0]]), 8, 8).sample(image, 8)
    assert torch.allclose(shifted[0, 0, 1:, 2:], image[0, 0, :7, :6], atol=1e-6)
    assert not shifted[0, 0, 0].any()
    mirrored = Warp(torch.tensor([[-1.0, 1.0]]), torch.tensor([[8.0, 0.0]]), 8, 8).sample(image, 8)
    assert torch.allclose(mirrored, image.flip(-1), atol=1e-6)
    halved = Warp(torch.tensor([[1.0, 1.0]]), torch.zeros(1, 2), 8, 8).sample(F.avg_pool2d(image, 2), 4)
    assert torch.allclose(halved, F.avg_pool2d(image, 2), atol=1e-6)


def test_random_warps_fill_the_input_as_far_as_the_picture_goes() -> None:
    extents = torch.tensor([[60.0, 90.0]]).repeat(300, 1)
    warp, valid = random_warp(a_draw(), extents, 128, SIZE)
    ends = torch.stack([warp.origin, warp.origin + warp.scale * extents.flip(1)], -1).sort(-1).values
    assert (ends[..., 0] <= 1e-3).all()
    assert (ends[..., 1] >= valid.flip(1) - 0.51).all()
    factors = warp.scale.abs()[:, 0] / (SIZE / 90)
    assert 0.5 < factors.min() < 0.7
    assert 1.7 < factors.max() < 2.4
    assert 0.25 < (factors - 1).abs().lt(1e-4).float().mean() < 0.42
    assert 0.4 < (warp.scale[:, 0] < 0).float().mean() < 0.6


def test_a_random_warp_for_stretched_input_is_about_the_stretch() -> None:
    warp, valid = random_warp(a_draw(), torch.tensor([[60.0, 90.0]]).repeat(300, 1), 128, SIZE, "square")
    aspects = warp.scale[:, 1] / warp.scale.abs()[:, 0]
    assert float(aspects.median()) == pytest.approx(90 / 60, rel=0.03)
    served = (warp.scale.abs() - SIZE / torch.tensor([90.0, 60.0])).abs().amax(1) < 1e-4
    assert 0.25 < served.float().mean() < 0.42
    assert (valid[served] == SIZE).all()


def test_blobs_have_their_size_and_colours_stay_near() -> None:
    draw = a_draw()
    shapes = blob(draw, torch.full((50, 2), SIZE), SIZE, (0.2, 0.3))
    assert 0.01 < shapes.mean((1, 2, 3)).max() < 0.2
    ramp = torch.arange(0, 256, 4.0).expand(50, 3, SIZE, SIZE)
    changed = recolour(draw, ramp)
    pairs = [torch.stack([a.flatten(), b.flatten()]) for a, b in zip(changed, ramp, strict=True)]
    together = torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs])
    assert together.min() > 0.85


def test_depth_is_the_chessboard_distance() -> None:
    region = torch.zeros(2, 9, 9)
    region[0, 2:7, 1:8] = 1
    region[1] = 1
    d = depth(region)
    assert d[0, 4].tolist() == [0, 1, 2, 3, 3, 3, 2, 1, 0]
    assert d[1, 0, 0] == 1
    assert d[1, 4, 4] == 5
    assert depth(torch.ones(1, 64, 64)).max() == DEEPEST
    assert centre(region)[0].sum() == (d[0] >= 1.5).sum()
    assert not centre(torch.zeros(1, 4, 4)).any()


def test_pick_is_uniform_within_the_region() -> None:
    region = torch.zeros(900, 4, 4)
    region[:, 1, 2] = region[:, 3, 0] = region[:, 0, 0] = 1
    cells, counts = pick(a_draw(), region).unique(dim=0, return_counts=True)
    assert cells.tolist() == [[0, 0], [0, 3], [2, 1]]
    assert counts.min() > 230


def test_first_prompts_are_of_the_same_kinds() -> None:
    masks = torch.zeros(200, 16, 16)
    masks[:, 4:8, 6:10] = 1
    coords, labels = first_prompts(a_draw(), masks, torch.tensor([[24.0, 16, 40, 32]]).repeat(200, 1), SIZE)
    assert {(a, b) for a, b, _ in labels.tolist()} == {(1.0, -1.0), (-1.0, 2.0), (1.0, 2.0)}
    for (point, low, high), (label, first, _) in zip(coords, labels.tolist(), strict=True):
        if label == 1:
            assert masks[0, int(point[1] // 4), int(point[0] // 4)] == 1
        if first == 2:
            assert (low < high).all()
            assert (low >= 0).all()
            assert (high <= SIZE).all()


def test_boxes_are_exact_near_or_rough() -> None:
    boxes = torch.tensor([[24.0, 16, 44, 36]]).repeat(3000, 1)
    coords, labels = first_prompts(a_draw(), torch.ones(3000, 16, 16), boxes, SIZE)
    off = (coords[:, 1] - torch.tensor([24.0, 16.0]))[labels[:, 1] == 2]
    assert float((off == 0).float().mean()) == pytest.approx(0.4, abs=0.05)
    assert float(off.std()) == pytest.approx((0.4 * 0.03**2 + 0.2 * 0.1**2) ** 0.5 * 20, rel=0.1)


def test_next_clicks_correct_the_error() -> None:
    truth = torch.zeros(3, 16, 16)
    truth[:, 4:12, 4:12] = 1
    logits = truth * 10 - 5
    logits[1, :, 4:8] = -5
    logits[2, 0:3] = 5
    for seed in range(20):
        coords, labels = next_clicks(a_draw(seed), logits, truth, 1.0, 3)
        assert labels.shape == (3, 3)
        assert labels[:, 0].tolist() == [-1, 1, 0]
        assert set(labels[2].tolist()) <= {0, -1}
        assert not coords[labels == -1].any()
        x, y = (coords[1, 0] / 4).int().tolist()
        assert 4 <= x < 8
        assert 4 <= y < 12
        assert coords[2, 0, 1] < 12
    assert (next_clicks(a_draw(), logits, truth, 0.0, 1)[1] == -1).all()


def test_bounding_boxes() -> None:
    masks = torch.zeros(1, 6, 8)
    masks[0, 2:5, 3:4] = 1
    assert bounding_boxes(masks).tolist() == [[3, 2, 4, 5]]

"""Training of click models: its parts by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from model_export.data.readers import read_sets
from model_export.export.build import open_bundle
from model_export.models.clicks import CLICKED_CELLS, COVERED, EPSILON, Likeness, resample
from model_export.train.click_loop import Drafts, Looped
from model_export.train.click_losses import boundary_loss, normalised_focal_loss
from model_export.train.click_prompts import click_on_error, draw_disks, earlier_clicks, focus_box
from model_export.train.click_samples import Scene, click_sample, click_scene, crop_around
from model_export.train.click_step import click_step
from model_export.train.clicked import Clicked
from model_export.train.config import TrainConfig
from model_export.train.sampler import Mixing, PictureSampler
from tests.unit.model_export.drawn_set import draw_set

LITE = Path(__file__).parents[3] / "server" / "bundles" / "segserve-lite"


def bitmap(size: int, *boxes: tuple[int, int, int, int]) -> np.ndarray:
    found = np.zeros((size, size), bool)
    for x1, y1, x2, y2 in boxes:
        found[y1:y2, x1:x2] = True
    return found


def test_resample_is_bilinear_at_cell_centres() -> None:
    ramp = (torch.arange(8.0) + 0.5).expand(1, 1, 8, 8)  # the value is the place, in cells
    got = resample(ramp, torch.tensor([[16.0, 0.0, 48.0, 64.0]]), (4, 4), 64)  # of 64 pixels, 8 a cell
    assert torch.allclose(got[0, 0, 0], torch.tensor([2.5, 3.5, 4.5, 5.5]))
    outside = resample(ramp, torch.tensor([[0.0, 0.0, 8.0, 8.0]]), (2, 2), 64)  # centres before the first are clamped
    assert torch.allclose(outside[0, 0, 0], torch.tensor([0.5, 0.75]))


def test_normalised_focal_loss_does_not_fade_with_the_error() -> None:
    target = torch.zeros(2, 8, 8)
    counts = torch.ones(2, 8, 8)
    logits = torch.full((2, 8, 8), -30.0)
    logits[0, 0, 0] = 2.0
    logits[1, :4] = 2.0
    few, many = normalised_focal_loss(logits, target, counts)
    wrong = float(torch.nn.functional.softplus(torch.tensor(2.0)))
    assert many == pytest.approx(wrong, rel=1e-3)
    assert few == pytest.approx(wrong, rel=1e-3)
    counts[:, 0, 0] = 0  # the only wrong pixel of the first
    assert normalised_focal_loss(logits, target, counts)[0] == pytest.approx(0, abs=1e-6)


def test_boundary_loss_looks_at_the_band_alone() -> None:
    target = torch.zeros(1, 16, 16)
    target[:, :, 8:] = 1
    logits = torch.where(target > 0, 20.0, -20.0)
    far, near = logits.clone(), logits.clone()
    far[:, :, 2], near[:, :, 8] = 20.0, -20.0
    counts = torch.ones_like(target)
    assert boundary_loss(far, target, counts, 2) < 1e-6 < boundary_loss(near, target, counts, 2)


def test_a_later_disk_takes_its_pixels() -> None:
    out = np.zeros((2, 32, 32), np.float32)
    draw_disks([(10, 10, True), (13, 10, False), (-2, 31, True)], 32, 5.0, out)
    assert out[0, 10, 5] == 1
    assert out[0, 10, 12] == 0
    assert out[1, 10, 12] == 1
    assert out[:, 31, 0].tolist() == [1, 0]
    assert not (out[0] * out[1]).any()
    assert out[1].sum() == 81  # pixels whose centre is at most 5 from the middle one's


def test_clicks_lie_in_the_deeper_error() -> None:
    truth, predicted = bitmap(64, (8, 8, 40, 40)), bitmap(64, (8, 8, 40, 20), (50, 50, 56, 56))
    everywhere = np.ones_like(truth)
    rng = np.random.default_rng(0)
    clicks = [click_on_error(rng, truth, predicted, everywhere) for _ in range(60)]
    for click in clicks:
        assert click is not None
        column, row, positive = click
        assert truth[row, column] == positive != predicted[row, column]
    assert sum(bool(c and c[2]) for c in clicks) > 50
    assert click_on_error(rng, truth, truth, everywhere) is None
    assert click_on_error(rng, truth, predicted, np.zeros_like(truth)) is None


def test_earlier_clicks_are_right() -> None:
    truth = bitmap(64, (8, 8, 40, 40))
    rng = np.random.default_rng(1)
    found = [click for _ in range(40) for click in earlier_clicks(rng, truth, np.ones_like(truth))]
    assert found
    assert all(bool(truth[row, column]) == positive for column, row, positive in found)


def test_focus_is_the_change_at_the_click() -> None:
    before, after = bitmap(128), bitmap(128, (10, 10, 30, 30), (90, 90, 120, 120))
    for seed in range(20):
        x1, y1, x2, y2 = focus_box(np.random.default_rng(seed), before, after, (20, 20, True))
        assert 0 <= x1 < x2 <= 128
        assert 0 <= y1 < y2 <= 128
        assert x1 <= 20 < x2
        assert x2 < 90
        assert min(x2 - x1, y2 - y1) >= 40


def test_crops_stay_in_the_picture() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        width, height = int(rng.integers(1, 500)), int(rng.integers(1, 500))
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        box = (x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1)))
        left, top, right, bottom = crop_around(rng, box, width, height)
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_samples_keep_picture_and_truth_together(tmp_path: Path) -> None:
    draw_set(tmp_path)
    sampler = PictureSampler(read_sets(tmp_path, "train"), {}, 0, Mixing())
    scenes = [click_scene(sampler.rng, *drawn) for _ in range(20) if (drawn := sampler.canvas(128))]
    samples = [sample for scene in scenes if scene and (sample := click_sample(sampler.rng, scene, 64))]
    assert len(samples) > 10
    for sample in samples:
        assert sample.pixels.shape == (128, 128, 3)
        assert sample.truth.shape == sample.counts.shape == (128, 128)
        assert (sample.truth > 127).any()


class Half:
    """Answers the left half of the picture, whatever is clicked."""

    def answer(self, pixels: np.ndarray, click: tuple[int, int, bool]) -> np.ndarray:
        found = np.zeros(pixels.shape[:2], bool)
        found[:, : pixels.shape[1] // 2] = True
        return found


def square_scene(side: int, box: tuple[int, int, int, int]) -> Scene:
    truth = bitmap(side, box).astype(np.uint8) * 255
    return Scene(np.repeat(truth[..., None], 3, 2), truth, np.full_like(truth, 255))


def test_a_looped_object_is_seen_whole_and_then_in_crops_that_hold_mask_and_clicks() -> None:
    scene = square_scene(256, (140, 150, 200, 220))
    rng = np.random.default_rng(0)
    one = Looped(rng, scene, 64)
    assert (one.crop.width, one.crop.height) == (256, 256)
    one.click(rng)
    assert one.clicks[0][2]
    one.answered(np.where(one.truth, 1.0, -1.0).astype(np.float32))
    assert np.count_nonzero(one.so_far & one.wanted) > 0.7 * np.count_nonzero(one.wanted)
    one.click(rng)
    assert one.crop.width < 160
    assert one.crop.contains(140, 150)
    assert one.crop.contains(200, 220)
    for (column, row, positive), made in zip(one.clicks, one.made, strict=True):
        assert one.crop.left + (column + 0.5) * one.crop.width / 64 == pytest.approx(made[0] + 0.5, abs=2)
        assert one.crop.top + (row + 0.5) * one.crop.height / 64 == pytest.approx(made[1] + 0.5, abs=2)
        assert positive == made[2]
    assert np.count_nonzero(one.mask ^ one.truth) < 0.3 * np.count_nonzero(one.truth)


def test_the_first_answer_is_looked_at_once_more_before_the_next_click() -> None:
    again = 0
    full = np.full((8, 8), 1.0, np.float32)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        one = Looped(rng, square_scene(64, (10, 10, 30, 40)), 128)
        one.click(rng)
        one.answered(-full)
        one.click(rng)
        assert len(one.made) == 2  # after an empty answer there is nothing to look at
        one.so_far[:], one.made = False, one.made[:1]
        one.answered(full)
        one.click(rng)
        looked_again = len(one.made) == 1
        again += looked_again
        focus = one.focus(rng, one.mask)
        assert focus == (0, 0, 128, 128) if looked_again else focus != (0, 0, 128, 128)
        one.answered(full)
        one.click(rng)
        assert len(one.made) == (2 if looked_again else 3)
    assert 20 < again < 50


def test_a_promptable_model_answers_some_first_clicks() -> None:
    rng = np.random.default_rng(3)
    drafted = 0
    for _ in range(40):
        one = Looped(rng, square_scene(128, (10, 20, 100, 90)), 64, Half())  # type: ignore[arg-type]
        drafted += bool(one.so_far.any())
        if one.so_far.any():
            assert len(one.made) == 1
            assert one.so_far[:, :64].all()
            assert not one.so_far[:, 64:].any()
            assert one.mask.any()
            one.taken_over(rng)
            one.click(rng)
            assert len(one.made) == 2
    assert 10 < drafted < 30


class Bright(torch.nn.Module):
    """Says that what is white is the object; its refinement looks up the coarse logits under the focus box, as the real
    one does, in pixels of `input_size`."""

    input_size, disk_radius = 256, 5.0

    def __init__(self) -> None:
        super().__init__()
        self.shift = torch.nn.Parameter(torch.zeros(()))

    def coarse(self, pixels: torch.Tensor, _: torch.Tensor, __: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = F.avg_pool2d(pixels[..., 0].float().unsqueeze(1) / 32, 4) - 4 + self.shift
        return logits, logits

    def refine(self, *inputs: torch.Tensor) -> torch.Tensor:
        _, _, logits, _, box = inputs
        return resample(logits, box, (64, 64), self.input_size)


class Corners:
    """Objects off the middle, seen whole and not clicked yet."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.sampler = SimpleNamespace(rng=np.random.default_rng(0))

    def batch(self, size: int) -> list[Clicked]:
        boxes = [(20, 30, 110, 140), (300, 20, 480, 200), (40, 350, 200, 490), (330, 300, 500, 480)]
        scenes = [square_scene(512, box) for box in boxes]
        return [Clicked(scene.cut((0, 0, 512, 512), size), size) for scene in scenes]


@pytest.mark.parametrize("size", [96, 128, 256, 384])
def test_a_step_of_any_size_refines_what_lies_under_the_focus_box(size: int) -> None:
    loss, figures = click_step(Bright(), Corners(), TrainConfig(), size, 1)  # type: ignore[arg-type]
    assert figures["focus_iou"] > 0.9
    assert figures["focus_coarse_iou"] > 0.9
    assert loss.requires_grad


def test_likeness_is_one_at_the_click_and_minus_one_without() -> None:
    torch.manual_seed(0)
    features, clicks = torch.randn(1, 8, 8, 8), torch.zeros(1, 2, 64, 64)
    clicks[:, 0, 16:24, 24:32] = 1
    with torch.no_grad():
        maps = Likeness(8)(features, clicks)
    assert maps[0, 0, 2, 3] == pytest.approx(1, abs=1e-2)
    assert (maps[0, 1] == -1).all()


def test_likeness_is_the_cosine_to_the_most_similar_clicked_cell_in_training_and_in_a_graph() -> None:
    torch.manual_seed(0)
    features, clicks = torch.randn(3, 8, 8, 8), torch.zeros(3, 2, 64, 64)
    clicks[0, 0, 16:24, 24:32] = clicks[0, 1, 40:56, 8:16] = clicks[1, 0, 5:30, 5:30] = 1  # the last has none
    likeness = Likeness(8)
    with torch.no_grad():
        found = likeness(features, clicks).numpy()
        graph = torch.export.export(likeness, (features, clicks)).module()
        np.testing.assert_allclose(graph(features, clicks).numpy(), found, atol=1e-6)
        look = likeness.project(features).flatten(2).numpy()
    look /= np.sqrt((look**2).sum(1, keepdims=True) + EPSILON)
    covered = clicks.view(3, 2, 8, 8, 8, 8).mean((3, 5)).flatten(2).numpy() >= COVERED
    for one in range(3):
        for kind in range(2):
            cosines = look[one].T @ look[one][:, covered[one, kind]]
            expected = cosines.max(1, initial=-1)
            np.testing.assert_allclose(found[one, kind].ravel(), expected, atol=1e-5)


def test_likeness_to_more_cells_than_it_compares_with_is_that_to_the_most_covered() -> None:
    torch.manual_seed(0)
    features, clicks = torch.randn(1, 8, 16, 16), torch.ones(1, 2, 128, 128)
    fully, half = slice(0, 8 * CLICKED_CELLS // 16), slice(8 * CLICKED_CELLS // 16, 128)
    clicks[:, :, half, ::2] = 0
    likeness = Likeness(8)
    with torch.no_grad():
        everywhere = likeness(features, clicks)
        clicks[:, :, half] = 0
        assert bool((clicks[:, :, fully] == 1).all())
        np.testing.assert_array_equal(everywhere.numpy(), likeness(features, clicks).numpy())


def test_a_draft_holds_its_click() -> None:
    drafts = Drafts(open_bundle(LITE))
    pixels = np.full((120, 200, 3), 225, np.uint8)
    pixels[15:55, 120:180] = (200, 40, 40)
    mask = drafts.answer(pixels, (150, 35, True))
    assert mask.shape == (120, 200)
    assert mask[15:55, 120:180].mean() > 0.9
    assert mask.mean() < 0.2

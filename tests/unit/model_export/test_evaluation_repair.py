"""Beginning with a faulty mask: which mask, which clicks, what becomes of them in figures, files and reports."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.cli import main
from model_export.data.rle import to_bitmap
from model_export.evaluate.clicker import next_click
from model_export.evaluate.loop import Protocol, Target
from model_export.evaluate.metrics import mask_iou
from model_export.evaluate.promptable import mask_to_grid
from model_export.evaluate.repair import mask_to_repair
from model_export.evaluate.report import write_report
from model_export.evaluate.results import Evaluation, ModelResults, Repair, merge
from model_export.evaluate.run import evaluate
from model_export.evaluate.summary import amortised, summarise
from model_export.evaluate.tables import all_tables, tables
from server.domain.geometry import InputFrame
from server.domain.masks import upsample_mask
from server.domain.ports import UInt8
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.fake_predictor import (
    BrushPredictor,
    ColourPredictor,
    EmptyPredictor,
    FakeAnswer,
    disk,
    flat_picture,
)
from tests.unit.model_export.test_evaluation_figures import NO_MASK, PROTOCOL, RESULT, one_model

BUNDLE = Path(__file__).parents[3] / "server" / "bundles" / "segserve-lite"
REPAIR = Repair(NO_MASK, 0.8, (0.7, 0.86), (0.8, None), RESULT.clicks[:2])


def repaired_results(folder: Path, protocol: Protocol, workers: int = 1) -> dict[str, list]:
    shapes = [[disk(120, 90, 40 + 5 * k, 40, 22), disk(120, 90, 100, 70, 12)] for k in range(3)]
    pictures = [flat_picture(folder / f"{k}.png", masks) for k, masks in enumerate(shapes)]
    loaders = {"brush": BrushPredictor, "colour": ColourPredictor, "empty": EmptyPredictor}
    return evaluate(loaders, pictures, protocol, workers=workers)


def test_every_model_begins_with_the_same_mask_and_is_clicked_where_that_is_wrong(tmp_path: Path) -> None:
    found = repaired_results(tmp_path, Protocol(given=True))
    for brush, colour, empty in zip(*found.values(), strict=True):
        assert brush.repair.given == colour.repair.given == empty.repair.given
        begun, truth = (to_bitmap(rle).astype(bool) for rle in (brush.repair.given, brush.truth))
        assert brush.repair.iou == mask_iou(truth, begun)
        assert 0.75 <= brush.repair.iou <= 0.85
        first = next_click(truth, begun, np.zeros_like(truth))
        assert brush.repair.clicks[0] == colour.repair.clicks[0] == empty.repair.clicks[0] == first
        assert truth[int(first.y), int(first.x)] == first.positive != begun[int(first.y), int(first.x)]
        # The brush paints on the mask that it was given; the others do not look at it.
        painted = disk(120, 90, first.x - 0.5, first.y - 0.5, 6)
        mended = begun | painted if first.positive else begun & ~painted
        assert brush.repair.curve[0] == mask_iou(truth, mended)
        assert empty.repair.curve == (0.0,) * 20
        assert len(brush.times.repair) == len(brush.repair.curve)


def test_the_masks_depend_on_the_seed_alone_and_nothing_else_on_them(tmp_path: Path) -> None:
    found = repaired_results(tmp_path, Protocol(given=True))
    assert repaired_results(tmp_path, Protocol(given=True), workers=2) == found
    other = repaired_results(tmp_path, Protocol(given=True, seed=1))
    pairs = list(zip(found["brush"], other["brush"], strict=True))
    assert all(ours.repair.given != theirs.repair.given for ours, theirs in pairs)
    without = repaired_results(tmp_path, Protocol())
    for name, results in found.items():
        assert [replace(result, repair=None) for result in results] == without[name]


class Counting(EmptyPredictor):
    """Notes with each question how many decoded objects there are."""

    alive: ClassVar[list[int]] = []

    def open(self, rgb: UInt8) -> Counting:  # type: ignore[override]
        self.picture = super().open(rgb)
        return self

    def ask(self, *asked: Any, **more: Any) -> FakeAnswer:
        self.alive.append(sum(type(each) is Target for each in gc.get_objects()))
        return self.picture.ask(*asked, **more)


@pytest.mark.parametrize("repaired", [False, True])
def test_objects_are_decoded_one_after_the_other(tmp_path: Path, repaired: bool) -> None:
    shapes = [disk(60, 64, 15 + 12 * (k % 3), 20 + 20 * (k // 3), 5) for k in range(6)]
    picture = flat_picture(tmp_path / "1.png", shapes)
    Counting.alive.clear()
    loaders = {"counting": Counting, "empty": EmptyPredictor}
    found = evaluate(loaders, [picture], Protocol(6, 1, given=repaired))
    assert [len(results) for results in found.values()] == [6, 6]
    assert all((result.repair is not None) == repaired for result in found["empty"])
    assert 1 <= max(Counting.alive) <= 2  # the one that is asked about, and the one before it until it is let go


def test_faults_that_count_for_nothing_are_drawn_again_or_nothing_is_given() -> None:
    truth = disk(120, 90, 60, 45, 20)
    rgb = np.zeros((90, 120, 3), np.uint8)
    half = np.zeros_like(truth)
    half[:, 62:] = True
    for seed in range(5):
        found = mask_to_repair(np.random.default_rng(seed), truth & ~half, half, rgb)
        assert found is not None
        assert 0.75 <= mask_iou(truth & ~half, found, half) <= 0.85
    rest = ~disk(120, 90, 60, 45, 2)
    assert mask_to_repair(np.random.default_rng(0), truth, rest, rgb) is None


def test_figures_of_repairing_by_hand() -> None:
    """Repaired in 2 and 20 clicks (never), from nothing in 2 and 2; a third object was not given."""
    never = replace(RESULT, repair=replace(REPAIR, iou=0.76, curve=(0.5, 0.6)))
    figures = summarise([replace(RESULT, repair=REPAIR), never, RESULT])
    assert (figures["given_iou"], figures["repair1_iou"], figures["repair3_iou"]) == (0.78, 0.6, 0.73)
    assert (figures["repair_noc85"], figures["over_noc85"], figures["repair_failures85"]) == (11.0, 2.0, 1)
    assert figures["repair_share85"] == 5.5
    assert (figures["repair_noc90"], figures["repair_failures90"]) == (20.0, 2)
    assert not any("repair" in name for name in summarise([RESULT]))


def test_seconds_a_click_bear_the_encode_in_equal_parts() -> None:
    assert amortised([RESULT]) == pytest.approx({"per_click_1": 0.03})
    longer = replace(RESULT, times=replace(RESULT.times, clicks=(0.01,) * 19 + (0.05,)))
    assert amortised([RESULT, longer]) == pytest.approx(
        {"per_click_1": 0.03, "per_click_5": 0.014, "per_click_20": (0.02 + 0.24) / 20}
    )


def test_a_table_and_a_plot_of_repairing_stand_where_a_mask_was_given(tmp_path: Path) -> None:
    models = tuple(ModelResults(name, {}, (replace(RESULT, repair=REPAIR),)) for name in ("one", "two"))
    evaluation = Evaluation(PROTOCOL, {}, (*models, ModelResults("three", {}, (RESULT,))))
    [table] = [table for table in tables(evaluation) if "Repairing" in table.title]
    assert [about for about, _ in table.rows] == [("a", "one"), ("a", "two")]
    assert "| a | one | 0.800 | 0.700 | 0.860 | 2.000 | 2.000 | 1.000 | 0 |" in table.markdown()
    page = write_report(evaluation, tmp_path / "report").read_text()
    assert page.count("<svg") == 4
    assert "again from a faulty mask" in page
    assert (tmp_path / "report" / "plots" / "repair.svg").exists()
    assert "Repairing" not in all_tables(Evaluation(PROTOCOL, {}, (ModelResults("three", {}, (RESULT,)),)))


def test_files_hold_repairs_and_those_without_are_as_they_were(tmp_path: Path) -> None:
    result = replace(RESULT, repair=REPAIR, times=replace(RESULT.times, repair=(0.5, 0.25)))
    evaluation = Evaluation(PROTOCOL, {}, (ModelResults("x", {}, (result, RESULT)),))
    evaluation.save(tmp_path / "x.json")
    again = Evaluation.load(tmp_path / "x.json")
    assert again == evaluation
    assert again.models[0].objects[0].times.repair == (0.5, 0.25)
    stored = json.loads((tmp_path / "x.json").read_text())["models"][0]["objects"][1]
    assert set(stored["times"]) == {"encode", "clicks"}
    assert "repair" not in stored


def test_repairs_of_different_masks_do_not_stand_side_by_side() -> None:
    repaired = replace(RESULT, repair=REPAIR)
    other = replace(RESULT, repair=replace(REPAIR, given={"size": [1, 1], "counts": "01"}))
    merged = merge([("a", one_model("x", RESULT)), ("b", one_model("y", repaired)), ("c", one_model("z", repaired))])
    assert merged.repaired
    with pytest.raises(ValueError, match="c and b repair other masks: give both the same --seed"):
        merge([("a", one_model("x", RESULT)), ("b", one_model("y", repaired)), ("c", one_model("z", other))])


def test_a_mask_on_the_decoders_grid_by_hand() -> None:
    """A picture of 8 x 4 in an input of 8: 4 x 4 cells of 2 x 2 pixels, the lower half of them padding."""
    mask = np.zeros((4, 8), bool)
    mask[0, 0] = True
    mask[2:, 4:6] = True
    found = mask_to_grid(mask, InputFrame.longest_side(8, 4, 8), (4, 4))
    least, most = np.log(0.001 / 0.999), np.log(0.999 / 0.001)
    wanted = np.full((4, 4), least)
    wanted[0, 0], wanted[1, 2] = np.log(0.25 / 0.75), most
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # Each of 2 x 2 pixels is 2 x 2 cells.
    small = mask_to_grid(np.array([[True, False], [False, True]]), InputFrame.longest_side(2, 2, 8), (4, 4))
    np.testing.assert_allclose(small, np.kron([[most, least], [least, most]], np.ones((2, 2))), rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(90, 300), st.integers(90, 300), st.integers(20, 44))
def test_a_mask_comes_back_from_the_decoders_grid(width: int, height: int, radius: int) -> None:
    mask = disk(width, height, width / 2, height / 2, radius)
    frame = InputFrame.longest_side(width, height, 384)
    assert mask_iou(mask, upsample_mask(mask_to_grid(mask, frame, (96, 96)), frame)) > 0.9


def test_the_command_repairs_with_a_promptable_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw_set(tmp_path / "data", pictures=4, val=2)
    out = tmp_path / "out.json"
    base = ["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--max-clicks", "3", "--given"]
    assert main([*base, "--out", str(out)]) == 0
    assert "### Repairing a given mask" in capsys.readouterr().out
    evaluation = Evaluation.load(out)
    assert evaluation.protocol["given"]
    for result in evaluation.models[0].objects:
        assert result.repair is not None
        assert len(result.repair.curve) == len(result.times.repair) <= 3

"""Boundary F, calibration, summaries, comparison tables and the results file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.evaluate.boundary import boundary_f, outline
from model_export.evaluate.calibration import (
    calibrate,
    expected_calibration_error,
    first_click_pairs,
    refined_pairs,
    reliability,
    suggest_thresholds,
)
from model_export.evaluate.choice import choose_pictures, name_bundles
from model_export.evaluate.comparison import difference
from model_export.evaluate.loop import Protocol
from model_export.evaluate.predictor import Click
from model_export.evaluate.results import Evaluation, ModelResults, ObjectResult, Probe, Times, merge
from model_export.evaluate.run import evaluate
from model_export.evaluate.summary import accuracy, markdown_table, speed, summarise
from model_export.evaluate.tables import all_tables, tables
from model_export.export.build import open_bundle
from tests.unit.model_export.fake_predictor import ColourPredictor, EmptyPredictor, disk, flat_picture

BUNDLE = Path(__file__).parents[3] / "server" / "bundles" / "segserve-lite"
NO_MASK = {"size": [1, 1], "counts": "1"}
RESULT = ObjectResult(
    source="a", picture="1.jpg", mask=0, box=0.8, box_score=0.7, box_boundary=0.6,
    candidate_ious=(0.5, 0.9, 0.1), candidate_scores=(0.6, 0.4, 0.1),
    curve=(0.5, 0.86, 0.9), scores=(0.6, 0.9, None), boundary=(0.2, 0.3, 0.4, 0.5), clicks=(Click(1.5, 2.5, True),) * 3,
    probe=Probe((0.9, 0.2), (0.9, 0.8), (0.8, 0.1)), truth=NO_MASK, example=NO_MASK,
    times=Times(0.02, (0.01, 0.03, 0.02)),
)  # fmt: skip
PROTOCOL = {"data": "d", "split": "val", "pictures": 2, "limit": None, "objects": 2, "max_clicks": 20, "seed": 0,
    "workers": 1, "ritm_clicks": False}  # fmt: skip


def square(size: int, at: int = 5, canvas: int = 40) -> np.ndarray:
    mask = np.zeros((canvas, canvas), bool)
    mask[at : at + size, at : at + size] = True
    return mask


def test_outline_by_hand() -> None:
    mask = np.zeros((4, 4), bool)
    mask[1, 1] = True
    wanted = np.zeros((4, 4), bool)
    wanted[0:2, 0:2] = True
    assert np.array_equal(outline(mask), wanted)
    assert not outline(np.ones((4, 4), bool)).any()


def test_boundary_f_by_hand() -> None:
    """A picture of 40 x 40 has a tolerance of ceil(0.008 * 56.6) = 1 pixel."""
    assert boundary_f(square(10), square(10)) == 1.0
    assert boundary_f(square(10), np.roll(square(10), 1, axis=1)) == 1.0
    # Two pixels to the right: of the moved ring of 40 pixels, 10 above and below each and one at each end of its left
    # side are within a pixel of the other.
    assert boundary_f(square(10), np.roll(square(10), 2, axis=1)) == pytest.approx(22 / 40)
    assert boundary_f(square(10), square(10) & False) == 0.0
    assert boundary_f(square(10) & False, square(10)) == 0.0
    assert boundary_f(square(10) & False, square(10) & False) == 1.0
    assert boundary_f(square(6, at=2), square(6, at=30)) == 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boundary_f_is_that_of_all_distances_between_outlines(seed: int) -> None:
    """At a tolerance of 0.06 of the diagonal of 20 x 24, 2 pixels."""
    coarse = np.random.default_rng(seed).random((2, 5, 6)) > 0.5
    truth, predicted = coarse.repeat(4, axis=1).repeat(4, axis=2)
    true_places, found_places = np.argwhere(outline(truth)), np.argwhere(outline(predicted))
    if not len(true_places) or not len(found_places):
        return
    near = np.hypot(*(true_places[:, None] - found_places[None]).transpose(2, 0, 1)) <= 2
    recall, precision = near.any(axis=1).mean(), near.any(axis=0).mean()
    wanted = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert boundary_f(truth, predicted, tolerance=0.06) == pytest.approx(wanted)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boundary_f_is_one_for_the_same_mask_symmetric_and_blind_to_what_is_ignored(seed: int) -> None:
    coarse = np.random.default_rng(seed).random((4, 5, 6)) > 0.5
    truth, predicted, ignore, other = coarse.repeat(4, axis=1).repeat(4, axis=2)
    assert boundary_f(truth, truth) == 1.0
    assert boundary_f(truth, predicted) == pytest.approx(boundary_f(predicted, truth))
    assert 0 <= boundary_f(truth, predicted) <= 1
    changed = np.where(ignore, other, predicted)
    assert boundary_f(truth, predicted, ignore) == boundary_f(truth, changed, ignore)


def test_reliability_and_expected_calibration_error_by_hand() -> None:
    bins = reliability([0.11, 0.19, 0.95, 1.0, 1.2], [0.3, 0.5, 0.9, 1.0, 0.8])
    assert [(entry.low, entry.count) for entry in bins] == [(0.1, 2), (0.9, 3)]
    assert bins[0].predicted == pytest.approx(0.15)
    assert bins[0].measured == pytest.approx(0.4)
    wanted = (2 * 0.25 + 3 * ((0.95 + 1 + 1.2) / 3 - 0.9)) / 5
    assert expected_calibration_error(bins) == pytest.approx(wanted)
    assert expected_calibration_error([]) == 0.0


def test_pairs_leave_out_what_is_not_predicted() -> None:
    assert first_click_pairs([RESULT]) == ([0.6, 0.4, 0.1], [0.5, 0.9, 0.1])
    assert refined_pairs([RESULT]) == ([0.9, 0.7], [0.86, 0.8])
    silent = replace(RESULT, box=None, box_score=None, candidate_scores=(None,) * 3, scores=(None,) * 3)
    assert "ece" not in summarise([silent])


def test_thresholds_part_the_good_from_the_bad() -> None:
    good = [Probe((0.7, 0.3), (0.9, 0.9), (0.8, 0.2)) for _ in range(5)]
    unstable = [Probe((0.75, 0.1), (0.5, 0.9), (0.1, 0.0)) for _ in range(5)]
    found = suggest_thresholds(good + unstable)
    assert found is not None
    assert 0.3 < found.pred_iou_thresh <= 0.7
    assert 0.5 < found.stability_score_thresh <= 0.9
    assert (found.precision, found.recall, found.clicks) == (1.0, 1.0, 10)
    assert suggest_thresholds(unstable) is None
    assert suggest_thresholds([]) is None


def test_calibrate_fills_the_manifest_or_says_that_it_cannot() -> None:
    found = calibrate([RESULT, replace(RESULT, probe=None)], stability_offset=0.5)
    assert found is not None
    assert 0.2 < found.pred_iou_thresh <= 0.9
    assert found.stability_offset == 0.5
    assert calibrate([replace(RESULT, probe=None)]) is None


def test_figures_of_one_object_by_hand() -> None:
    figures = summarise([RESULT])
    assert figures["click1_iou_best_of_three"] == 0.9
    assert (figures["click1_iou"], figures["click3_iou"], figures["click5_iou"]) == (0.5, 0.9, 0.9)
    assert (figures["noc80"], figures["noc85"], figures["noc90"], figures["noc95"]) == (2.0, 2.0, 3.0, 20.0)
    assert (figures["failures90"], figures["failures95"]) == (0, 1)
    assert (figures["box_boundary_f"], figures["click5_boundary_f"]) == (0.6, 0.4)
    assert figures["ece"] == pytest.approx((0.1 + 0.5 + 0.0) / 3, abs=1e-4)
    assert accuracy([]) == {}
    assert speed([RESULT, RESULT]) == pytest.approx(
        {"encode_median": 0.02, "encode_p95": 0.02, "click_median": 0.02, "click_p95": 0.03}
    )


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    pictures = [flat_picture(tmp_path / f"{k}.png", [disk(60, 64, 20 + k, 30, 12)]) for k in range(2)]
    found = evaluate({"colour": ColourPredictor, "empty": EmptyPredictor}, pictures, Protocol())
    models = tuple(ModelResults(name, {"bytes": 1_500_000}, tuple(results)) for name, results in found.items())
    evaluation = Evaluation(PROTOCOL, {"cores": 2}, models)
    evaluation.save(tmp_path / "deep" / "results.json")
    again = Evaluation.load(tmp_path / "deep" / "results.json")
    assert again == evaluation
    assert again.models[1].objects[0].times == models[1].objects[0].times
    assert all_tables(again) == all_tables(evaluation)


@pytest.mark.parametrize("content", ["no json", "[]", '{"format": "another/2"}', '{"format": "segserve-evaluation/1"}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=r"x\.json"):
        Evaluation.load(tmp_path / "x.json")


def save_changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    one_model("x", RESULT).save(path)
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: stored["protocol"].pop("max_clicks"), "'max_clicks' is missing"),
        (lambda stored: stored["models"][0]["objects"][0].pop("times"), "'times' is missing"),
        (lambda stored: stored["models"][0]["objects"][0].update(later=1), "later"),
        (lambda stored: stored["models"][0]["objects"][0].update(curve=[]), "no clicks"),
        (lambda stored: stored["models"][0]["objects"][0].update(probe=[1]), "holds no results"),
        (lambda stored: stored.update(format="segserve-evaluation/2"), "has the format segserve-evaluation/2"),
    ],
)
def test_results_of_another_version_are_refused_with_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Evaluation.load(save_changed(tmp_path / "x.json", change))


def one_model(name: str, *results: ObjectResult, max_clicks: int = 20) -> Evaluation:
    return Evaluation(PROTOCOL | {"max_clicks": max_clicks}, {}, (ModelResults(name, {}, results),))


def test_evaluations_of_the_same_objects_are_merged_and_others_refused() -> None:
    other = replace(RESULT, picture="2.jpg")
    elsewhere = replace(RESULT, picture="/elsewhere/1.jpg")
    merged = merge(
        [("a.json", one_model("x", RESULT)), ("b.json", one_model("x", elsewhere)), ("c.json", one_model("y", RESULT))]
    )
    assert [model.name for model in merged.models] == ["a.json", "b.json", "y"]
    with pytest.raises(ValueError, match=r"b\.json is not about the same objects as a\.json"):
        merge([("a.json", one_model("x", RESULT)), ("b.json", one_model("x", other))])
    redrawn = replace(RESULT, truth={"size": [1, 1], "counts": "01"})
    with pytest.raises(ValueError, match=r"b\.json is not about the same objects"):
        merge([("a.json", one_model("x", RESULT)), ("b.json", one_model("x", redrawn))])
    with pytest.raises(ValueError, match="differ in max_clicks"):
        merge([("a.json", one_model("x", RESULT)), ("b.json", one_model("x", RESULT, max_clicks=10))])
    with pytest.raises(ValueError, match=r"two results are called same: .* --results NAME=FILE"):
        merge([("same", one_model("x", RESULT)), ("same", one_model("x", RESULT))])


def test_models_stand_side_by_side_and_the_better_figure_is_marked() -> None:
    worse = replace(RESULT, box=0.7, curve=(0.5, 0.6, 0.7))
    pictures = [f"{k}.jpg" for k in range(6)]
    models = tuple(
        ModelResults(name, {}, tuple(replace(result, picture=picture) for picture in pictures))
        for name, result in (("one", RESULT), ("two", worse))
    )
    differences, iou, clicks, *_ = tables(Evaluation(PROTOCOL, {}, models))
    assert [about for about, _ in differences.rows] == [("a", "two")]
    assert "| a | two | -0.100 (-0.100\u00a0to\u00a0-0.100) |" in differences.markdown()
    assert differences.marked(("a", "two"), "box_iou")
    assert not differences.marked(("a", "two"), "click1_iou")
    assert [about for about, _ in iou.rows] == [("a", "one"), ("a", "two")]
    assert iou.marked(("a", "one"), "box_iou")
    assert not iou.marked(("a", "two"), "box_iou")
    assert not iou.marked(("a", "one"), "click1_iou")
    assert clicks.marked(("a", "one"), "failures85")
    assert "| a | two | 6 | 0.700 |" in iou.markdown()


def test_a_difference_is_certain_when_it_holds_on_most_pictures_and_pairs_are_kept() -> None:
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0.2, 0.9, 40)
    reference = [replace(RESULT, picture=f"{k}.jpg", box=box) for k, box in enumerate(boxes)]
    better = [replace(result, box=box + 0.01) for result, box in zip(reference, boxes, strict=True)]
    found = difference(reference, better, "box_iou")
    assert found is not None
    assert found.mean == pytest.approx(0.01)
    assert found.interval == pytest.approx((0.01, 0.01))
    assert found.certain
    signs = np.where(np.arange(40) % 2, -0.01, 0.01)
    noisy = [replace(result, box=box) for result, box in zip(reference, boxes + signs, strict=True)]
    unsure = difference(reference, noisy, "box_iou")
    assert unsure is not None
    assert not unsure.certain
    assert unsure.interval is not None
    assert unsure.interval[0] < 0 < unsure.interval[1]
    # However many objects, five pictures show nothing.
    few = [
        [replace(result, picture=f"{k % 5}.jpg") for k, result in enumerate(results)] for results in (reference, better)
    ]
    alone = difference(few[0], few[1], "box_iou")
    assert alone is not None
    assert alone.interval is None
    assert not alone.certain
    assert str(alone) == "+0.010"
    assert difference([replace(RESULT, box=None)], [RESULT], "box_iou") is None


def test_the_interval_is_that_of_a_bootstrap_written_out_and_does_not_depend_on_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two objects a picture, drawn together; the mean is over objects."""
    rng = np.random.default_rng(1)
    changes = rng.normal(0.02, 0.05, (12, 2))
    reference = [replace(RESULT, picture=f"{k}.jpg", box=0.5) for k in range(12) for _ in range(2)]
    changed = [replace(result, box=0.5 + change) for result, change in zip(reference, changes.ravel(), strict=True)]
    means = [changes[rng.integers(12, size=12)].mean() for _ in range(20_000)]
    found = difference(reference, changed, "box_iou")
    assert found is not None
    assert found.mean == pytest.approx(changes.mean())
    assert found.interval == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.002)
    monkeypatch.setattr("model_export.evaluate.comparison.CHUNK", 100)
    again = difference(reference, changed, "box_iou")
    assert again is not None
    assert again.interval == pytest.approx(found.interval, abs=0.002)


def test_no_figure_is_given_for_clicks_that_were_not_allowed() -> None:
    figures = summarise([RESULT], max_clicks=4)
    assert {"click3_iou", "noc85"} < figures.keys()
    assert not {"click5_iou", "click10_iou", "click5_boundary_f"} & figures.keys()
    assert difference([RESULT], [RESULT], "click5_iou", max_clicks=4) is None
    models = (ModelResults("one", {}, (RESULT,)),)
    evaluation = Evaluation(PROTOCOL | {"max_clicks": 4}, {}, models)
    assert "| a | 1 | 0.800 | 0.900 | 0.500 | 0.900 | – | – |" in all_tables(evaluation)


def test_names_are_text_in_tables_whatever_they_hold() -> None:
    assert "| davis16_val | – |" in markdown_table({"davis16_val": {}}, {"objects": "n"})
    table = markdown_table({"a|b_<i>$x$": {}}, {"objects": "n"})
    assert table.splitlines()[2] == r"| a\|b\_\<i\>\$x\$ | – |"


def test_pictures_are_chosen_by_set_and_drawn_by_seed(tmp_path: Path) -> None:
    mask = disk(20, 20, 10, 10, 5)
    pictures = [flat_picture(tmp_path / f"{k}.png", [mask], source="ab"[k % 2]) for k in range(20)]
    few = choose_pictures(pictures, limit=3, seed=1)
    assert [picture.source for picture in few] == ["a"] * 3 + ["b"] * 3
    assert few == choose_pictures(pictures, limit=3, seed=1)
    assert few != choose_pictures(pictures, limit=3, seed=2)
    assert {picture.source for picture in choose_pictures(pictures, ["b"])} == {"b"}
    with pytest.raises(ValueError, match=r"no pictures of c; .* are a, b"):
        choose_pictures(pictures, ["a", "c"])
    with pytest.raises(ValueError, match="no annotated pictures"):
        choose_pictures([])
    with pytest.raises(ValueError, match="rename its folder"):
        choose_pictures([flat_picture(tmp_path / "x.png", [mask], source="all")])


def test_bundles_are_called_by_id_unless_two_have_the_same() -> None:
    bundle = open_bundle(BUNDLE)
    assert list(name_bundles([(None, Path("x"), bundle)])) == ["segserve-lite"]
    assert list(name_bundles([(None, Path("x"), bundle), (None, Path("y"), bundle)])) == ["x", "y"]
    assert list(name_bundles([("new", Path("x"), bundle), (None, Path("y"), bundle)])) == ["new", "segserve-lite"]
    with pytest.raises(ValueError, match="called x"):
        name_bundles([(None, Path("x"), bundle), (None, Path("x"), bundle)])

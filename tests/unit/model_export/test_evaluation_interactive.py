"""Interactive bundles in the harness: the loop's answers, undo, masks to begin with, and promptable first, interactive
after; with tiny bundles whose answers are known, and the shipped promptable one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from model_export.cli import main
from model_export.evaluate.interactive import InteractiveAnswer, InteractivePicture
from model_export.evaluate.loop import Protocol, read_upright
from model_export.evaluate.opening import open_predictor, open_refined
from model_export.evaluate.predictor import Click
from model_export.evaluate.promptable import GridAnswer
from model_export.evaluate.refine import Refined, RefinedPicture
from model_export.evaluate.results import Evaluation
from model_export.evaluate.run import evaluate
from model_export.export.build import open_bundle
from server.domain.ports import LoadedBundle
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.fake_predictor import ColourPredictor, disk, flat_picture
from tests.unit.model_export.tiny_interactive import RADIUS, SIZE, interactive_bundle

SHIPPED = Path(__file__).parents[3] / "server" / "bundles" / "segserve-lite"


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> LoadedBundle:
    return interactive_bundle(tmp_path_factory.mktemp("colour") / "tiny-colour", "colour")


@pytest.fixture(scope="module")
def brush(tmp_path_factory: pytest.TempPathFactory) -> LoadedBundle:
    return interactive_bundle(tmp_path_factory.mktemp("brush") / "tiny-brush", "brush")


def open_brush(brush: LoadedBundle, side: int = SIZE) -> InteractivePicture:
    opened = open_predictor(brush).open(np.zeros((side, side, 3), np.uint8))
    assert isinstance(opened, InteractivePicture)
    return opened


def test_a_perfect_interactive_model_needs_one_click(tmp_path: Path, colour: LoadedBundle) -> None:
    pictures = [flat_picture(tmp_path / f"{k}.png", [disk(SIZE, SIZE, 24 + 3 * k, 30, 12 + k)]) for k in range(3)]
    [*results] = evaluate({"x": lambda: open_predictor(colour)}, pictures, Protocol(given=True))["x"]
    for result in results:
        assert (result.curve, result.candidate_ious) == ((1.0,), (1.0,))
        assert (result.box, result.probe) == (None, None)
        assert result.scores[0] is not None
        assert result.scores[0] > 0.9
        assert result.repair is not None


def test_answers_go_on_from_the_answer_that_they_are_given_so_that_undo_is_exact(brush: LoadedBundle) -> None:
    opened = open_brush(brush)
    a, b, c = Click(10.5, 12.5, True), Click(40.5, 30.5, True), Click(11.5, 14.5, False)
    first = opened.ask([a])
    np.testing.assert_array_equal(first.mask(0), disk(SIZE, SIZE, 10, 12, RADIUS))
    second = opened.ask([a, b], previous=first)
    third = opened.ask([a, b, c], previous=second)
    assert third.mask(0).sum() < second.mask(0).sum()
    assert third.mask(0)[30, 40]
    assert not third.mask(0)[14, 11]
    # Undone and done again, made at once from nothing, and from an older answer with the clicks that it lacks.
    for again in (opened.ask([a, b, c], previous=second), opened.ask([a, b, c]), opened.ask([a, b, c], previous=first)):
        np.testing.assert_array_equal(again.mask(0), third.mask(0))
        assert again.score(0) == third.score(0)
    np.testing.assert_array_equal(first.mask(0), disk(SIZE, SIZE, 10, 12, RADIUS))
    np.testing.assert_array_equal(third.logits(0) > third.threshold, third.mask(0))
    with pytest.raises(ValueError, match="do not go on from"):
        opened.ask([b, a], previous=first)
    for wrong in ({"clicks": [a], "box": np.array([0.0, 0, 9, 9])}, {"clicks": []}):
        with pytest.raises(ValueError, match="clicks alone"):
            opened.ask(**wrong)


def test_an_accepted_mask_changes_only_where_the_click_is_and_a_draft_anywhere(brush: LoadedBundle) -> None:
    """The earlier click at the left is none of the accepted mask's; of the draft's it is one, and painted again."""
    opened = open_brush(brush)
    given = disk(SIZE, SIZE, 45, 45, 9)
    accepted = opened.ask([Click(20.5, 20.5, True)], previous=given)
    assert accepted.state.given
    np.testing.assert_array_equal(accepted.mask(0), given | disk(SIZE, SIZE, 20, 20, RADIUS))
    earlier, last = Click(8.5, 50.5, True), Click(20.5, 20.5, True)
    draft = ColourPredictor().open(given[..., None].repeat(3, axis=2).astype(np.uint8)).ask([Click(45.5, 45.5, True)])
    refined = opened.ask([earlier, last], previous=draft)
    assert not refined.state.given
    assert [(click.x, click.y) for click in refined.state.clicks] == [(8.5, 50.5), (20.5, 20.5)]
    painted = disk(SIZE, SIZE, 20, 20, RADIUS) | disk(SIZE, SIZE, 8, 50, RADIUS)
    np.testing.assert_array_equal(refined.mask(0), given | painted)
    logits = np.where(given, 3.0, -3.0).astype(np.float32)
    np.testing.assert_array_equal(opened.ask([last], previous=logits).mask(0), accepted.mask(0))


def test_flip_averaging_and_zoom_in_are_the_loops_own(brush: LoadedBundle) -> None:
    """What the brush does is the same in the mirror; `zoom` adds nothing around the loop."""
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    clicks = [Click(10.5, 12.5, True), Click(40.5, 30.5, True)]
    plain = open_predictor(brush).open(picture).ask(clicks)
    for options in ({"flip": True}, {"zoom": True}, {"flip": True, "zoom": True}):
        answer = open_predictor(brush, **options).open(picture).ask(clicks)
        assert isinstance(answer, InteractiveAnswer)
        np.testing.assert_array_equal(answer.mask(0), plain.mask(0))


def test_the_first_clicks_are_the_promptable_models_and_the_rest_begins_with_its_mask(
    tmp_path: Path, brush: LoadedBundle
) -> None:
    picture = flat_picture(tmp_path / "1.png", [disk(SIZE, SIZE, 30, 30, 14)])
    opened = open_refined(open_bundle(SHIPPED), brush, 2).open(read_upright(picture))
    clicks = [Click(30.5, 30.5, True), Click(30.5, 40.5, True), Click(60.5, 3.5, True), Click(50.5, 60.5, True)]
    alone = open_predictor(open_bundle(SHIPPED)).open(read_upright(picture))
    first, wanted = opened.ask(clicks[:1]), alone.ask(clicks[:1])
    assert isinstance(first, GridAnswer)
    np.testing.assert_array_equal(first.mask(first.shown), wanted.mask(wanted.shown))
    second = opened.ask(clicks[:2], previous=first)
    wanted = alone.ask(clicks[:2], previous=wanted)
    np.testing.assert_array_equal(second.mask(second.shown), wanted.mask(wanted.shown))
    third = opened.ask(clicks[:3], previous=second)
    assert isinstance(third, InteractiveAnswer)
    drawn = np.logical_or.reduce([disk(SIZE, SIZE, click.x - 0.5, click.y - 0.5, RADIUS) for click in clicks[:3]])
    np.testing.assert_array_equal(third.mask(0), wanted.mask(wanted.shown) | drawn)
    assert opened.ask(clicks, previous=third).mask(0)[60, 50]
    box = opened.ask([], box=np.array([16.0, 16, 45, 45]))
    assert isinstance(box, GridAnswer)


def test_a_mask_brought_along_is_the_interactive_models_from_the_first_click_on(
    tmp_path: Path, brush: LoadedBundle
) -> None:
    opened = Refined(ColourPredictor(), open_predictor(brush), 3).open(np.zeros((SIZE, SIZE, 3), np.uint8))
    assert isinstance(opened, RefinedPicture)
    clicks = [Click(10.5, 12.5, True), Click(40.5, 30.5, True)]
    first = opened.ask(clicks[:1], previous=disk(SIZE, SIZE, 45, 50, 8))
    assert isinstance(first, InteractiveAnswer)
    assert isinstance(opened.ask(clicks, previous=first), InteractiveAnswer)


def test_only_interactive_bundles_refine(brush: LoadedBundle) -> None:
    with pytest.raises(ValueError, match="segserve-lite is of kind promptable: only interactive bundles refine"):
        open_refined(brush, open_bundle(SHIPPED))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"), pictures=6, val=4)


def test_the_command_puts_promptable_interactive_and_refine_side_by_side(
    data: Path, tmp_path: Path, brush: LoadedBundle, colour: LoadedBundle, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out.json", tmp_path / "report"
    base = [
        "evaluate",
        "--bundle",
        f"prompt={SHIPPED}",
        str(colour.directory),
        "--data",
        str(data),
        "--max-clicks",
        "6",
    ]
    both = ["--refine", "both=prompt", "tiny-colour", "--refine", str(SHIPPED), str(brush.directory)]
    assert main([*base, *both, "--zoom", "--given", "--out", str(out), "--report", str(report)]) == 0
    printed = capsys.readouterr().out
    evaluation = Evaluation.load(out)
    prompt, interactive, refined, brushed = evaluation.models
    assert [model.name for model in evaluation.models] == [
        "prompt", "tiny-colour", "both", "segserve-lite, then tiny-brush",
    ]  # fmt: skip
    assert interactive.about["kind"] == "interactive"
    assert interactive.about["options"] == ["zoom-in of its own"]
    assert (interactive.about["score_slope"], interactive.about["score_offset"]) == (1.0, 0.0)
    assert refined.about["options"][1:] == [
        f"then tiny-colour {colour.manifest.revision}",
        "zoom-in",
        "zoom-in of its own",
    ]
    assert refined.about["bytes"] == prompt.about["bytes"] + interactive.about["bytes"]
    assert interactive.about["graph_bytes"] == colour.manifest.files["coarse.onnx"].bytes
    for alone, pair, other in zip(prompt.objects, refined.objects, brushed.objects, strict=True):
        assert pair.curve[0] == other.curve[0] == alone.curve[0]
        assert pair.box == alone.box
        assert pair.clicks[:2] == alone.clicks[:2]  # of each model's own errors, which are the same until then
        assert pair.times.encode > 0
    for alone, pair in zip(interactive.objects, refined.objects, strict=True):
        assert alone.box is None
        assert alone.repair == pair.repair
    assert "### Repairing a given mask" in printed
    assert "| shapes | both | 8 |" in printed
    page = (report / "report.html").read_text()
    assert "a click of 20, encode shared, ms" in page
    assert "kind refine" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)
    assert main(["evaluate", "--results", str(out)]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--refine", "x=nowhere", "elsewhere"], "nowhere"),
        (["--bundle", f"a={SHIPPED}", "--refine", "a", "a"], "only interactive bundles refine"),
        (["--refine", str(SHIPPED), "INTERACTIVE", "--refine", str(SHIPPED), "INTERACTIVE"], "two models are called"),
        (["--results", "x.json", "--refine", "a", "b"], "either bundles"),
        (["--results", "x.json", "--given"], "--given: what was measured stays as it was"),
    ],
)
def test_pairs_that_cannot_be_evaluated_are_said_in_one_line(
    data: Path, brush: LoadedBundle, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = [str(brush.directory) if argument == "INTERACTIVE" else argument for argument in arguments]
    assert main(["evaluate", "--data", str(data), *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate: ")
    assert message in error
    assert error.count("\n") == 1

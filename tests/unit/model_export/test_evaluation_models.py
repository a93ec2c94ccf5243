"""Flip averaging, zoom-in and the shipped bundle in ONNX Runtime; the command from pictures to report."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_export.cli import main
from model_export.data.readers import read_sets
from model_export.evaluate.command import named_path
from model_export.evaluate.flip import Flipped
from model_export.evaluate.loop import Protocol, evaluate_bundle, read_upright
from model_export.evaluate.opening import open_predictor
from model_export.evaluate.predictor import Answer, Box, Click, Mask
from model_export.evaluate.promptable import to_grid
from model_export.evaluate.report import write_report
from model_export.evaluate.results import Evaluation, ModelResults
from model_export.evaluate.run import evaluate
from model_export.evaluate.zoom import WindowAnswer, Zoomed, window_around
from model_export.export.build import open_bundle
from server.domain.crops import Crop
from server.domain.geometry import InputFrame
from server.domain.masks import upsample_logits
from tests.unit.model_export.drawn_set import draw_set
from tests.unit.model_export.fake_predictor import (
    BrushPredictor,
    ColourPicture,
    ColourPredictor,
    FakeAnswer,
    disk,
    flat_picture,
)

ROOT = Path(__file__).parents[3]
BUNDLE = ROOT / "server" / "bundles" / "segserve-lite"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data"), pictures=6, val=4)


def test_flip_averaging_of_a_symmetric_predictor_changes_nothing(tmp_path: Path) -> None:
    pictures = [flat_picture(tmp_path / f"{k}.png", [disk(61, 64, 18 + k, 30, 12)]) for k in range(3)]
    found = evaluate({"plain": ColourPredictor, "flipped": lambda: Flipped(ColourPredictor())}, pictures, Protocol())
    assert found["plain"] == found["flipped"]


class LeftmostPredictor:
    """Not symmetric: finds the columns left of the first click, more surely the farther left."""

    takes_boxes = True

    def open(self, rgb: np.ndarray) -> LeftmostPredictor:
        self.width, self.height = rgb.shape[1], rgb.shape[0]
        return self

    def ask(self, clicks: Sequence[Click], box: Box | None = None, previous: Answer | None = None) -> FakeAnswer:
        logits = np.broadcast_to(clicks[0].x - np.arange(self.width) - 0.5, (self.height, self.width))
        return FakeAnswer(logits[None].astype(np.float32))


def test_flip_averaging_takes_the_mean_of_both_sides() -> None:
    """Left of the click by plain logits x0 - x, right of it by the mirror's x - x0: together 0 everywhere."""
    opened = Flipped(LeftmostPredictor()).open(np.zeros((4, 10, 3), np.uint8))
    answer = opened.ask([Click(3.5, 1.5, True)])
    np.testing.assert_allclose(answer.logits(0), 0)
    assert not answer.mask(0).any()


def test_a_window_is_1_4_times_the_box_around_mask_and_clicks_and_inside_the_picture() -> None:
    mask = np.zeros((1000, 900), bool)
    mask[300:600, 400:600] = True
    assert window_around(mask, []) == Crop(360, 240, 640, 660)
    assert window_around(mask, [Click(700.5, 450.5, False)]) == Crop(339, 240, 761, 660)
    corner = np.zeros((1000, 900), bool)
    corner[0:10, 0:10] = True
    assert window_around(corner, []) == Crop(0, 0, 105, 105)


@dataclass
class WatchedPredictor:
    """ColourPredictor that notes the sizes of what it opened."""

    takes_boxes: bool = True
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def open(self, rgb: np.ndarray) -> ColourPicture:
        self.sizes.append((rgb.shape[1], rgb.shape[0]))
        return ColourPicture(rgb)


def test_zoom_opens_a_window_once_and_again_only_when_it_has_to_move(tmp_path: Path) -> None:
    picture = flat_picture(tmp_path / "1.png", [disk(1000, 800, 300, 300, 100), disk(1000, 800, 820, 300, 60)])
    first, second = Click(300.5, 300.5, True), Click(310.5, 320.5, True)
    watched = WatchedPredictor()
    opened = Zoomed(watched).open(read_upright(picture))
    answer = opened.ask([first])
    assert watched.sizes == [(1000, 800)]
    zoomed = opened.ask([first, second], previous=answer)
    assert isinstance(zoomed, WindowAnswer)
    np.testing.assert_array_equal(zoomed.mask(0), answer.mask(0))
    assert (zoomed.logits(0)[~answer.mask(0)] < 0).all()
    assert watched.sizes[1:] == [(zoomed.window.right - zoomed.window.left, zoomed.window.bottom - zoomed.window.top)]
    again = opened.ask([first, second, Click(290.5, 280.5, True)], previous=zoomed)
    assert len(watched.sizes) == 2
    far = opened.ask([first, second, Click(900.5, 700.5, False)], previous=again)
    assert len(watched.sizes) == 3
    assert isinstance(far, WindowAnswer)
    assert far.window.contains(900.5, 700.5)
    np.testing.assert_array_equal(far.mask(0), answer.mask(0))
    assert not isinstance(opened.ask([], box=np.array([700.0, 200, 900, 400]), previous=far), WindowAnswer)


def test_logits_of_the_picture_come_back_to_the_decoders_grid() -> None:
    frame = InputFrame.longest_side(300, 200, 384)
    ys, xs = np.mgrid[:96, :96].astype(np.float32)
    grid = np.sin(xs / 9) + np.cos(ys / 7)
    back = to_grid(upsample_logits(grid, frame), frame, (96, 96))
    valid = frame.valid_region(96, 96)
    np.testing.assert_allclose(back[: valid[0] - 1, : valid[1] - 1], grid[: valid[0] - 1, : valid[1] - 1], atol=0.02)


def mean_iou(data: Path, **options: bool) -> tuple[float, list[Mask]]:
    bundle = open_bundle(BUNDLE)
    predictor = open_predictor(bundle, **options)
    results = evaluate({"x": lambda: predictor}, read_sets(data, "val"), Protocol(objects=1, max_clicks=3))["x"]
    return float(np.mean([result.curve[-1] for result in results])), results


def test_the_shipped_bundle_finds_drawn_shapes_with_every_option(data: Path) -> None:
    for options in ({}, {"flip": True}, {"zoom": True}, {"flip": True, "zoom": True}):
        found, results = mean_iou(data, **options)
        assert found > 0.8, options
        for result in results:
            assert result.first_best_of_three >= result.curve[0]
            assert len(result.candidate_ious) == 3
            assert result.probe is not None
            assert len(result.probe.scores) == len(result.probe.stabilities) == len(result.probe.ious) == 3


def test_a_bundle_of_a_kind_without_clicks_is_refused() -> None:
    bundle = open_bundle(BUNDLE)
    grounding = type(bundle)(bundle.manifest.model_copy(update={"kind": "grounding"}), bundle.directory)
    with pytest.raises(ValueError, match="kind grounding"):
        open_predictor(grounding)


def test_the_command_compares_bundles_and_its_report_is_made_again_from_the_results(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, report = tmp_path / "results.json", tmp_path / "report"
    arguments = ["--data", str(data), "--max-clicks", "4", "--limit", "3", "--out", str(results)]
    assert main(["evaluate", "--bundle", f"old={BUNDLE}", f"new={BUNDLE}", *arguments, "--report", str(report)]) == 0
    printed = capsys.readouterr()
    assert "3 of 3 pictures, 0:00 left" in printed.err
    assert "| shapes | new |" in printed.out
    stored = json.loads(results.read_text())
    assert [model["name"] for model in stored["models"]] == ["old", "new"]
    assert stored["protocol"]["max_clicks"] == 4
    page = (report / "report.html").read_text()
    assert page.count("<svg") == 3
    assert page.count("data:image/jpeg;base64,") == 4  # the worst and the best picture of each bundle
    assert "carry its terms" in page
    assert set(re.findall(r"https?://[^/]*", page)) == {"http://www.w3.org"}  # names of XML, nothing to load
    markdown = (report / "report.md").read_text()
    assert "carry its terms" in markdown
    for name in ("plots/curves.svg", "plots/clicks.svg", "plots/reliability.svg", "examples/0-0.jpg"):
        assert f"]({name})" in markdown
        assert (report / name).stat().st_size > 500

    assert main(["evaluate", "--results", str(results), "--report", str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out == printed.out
    assert (tmp_path / "again" / "report.md").read_text() == markdown
    copy = tmp_path / "copy.json"
    copy.write_text(results.read_text())
    assert main(["evaluate", "--results", str(results), f"copy={copy}"]) == 0
    assert "| shapes | copy: new |" in capsys.readouterr().out


def test_a_model_without_boxes_scores_and_candidates_goes_all_the_way_to_the_report(tmp_path: Path) -> None:
    pictures = [flat_picture(tmp_path / f"{k}.png", [disk(60, 64, 25 + k, 30, 15)]) for k in range(4)]
    found = evaluate({"brush": BrushPredictor, "colour": ColourPredictor}, pictures, Protocol())
    first = found["brush"][0]
    assert (first.box, first.probe, first.scores[0]) == (None, None, None)
    assert first.curve[-1] > first.curve[0]
    assert len(first.curve) > 5
    protocol = {"data": "d", "split": "val", "pictures": 4, "objects": 2, "max_clicks": 20, "seed": 0, "workers": 1}
    models = tuple(ModelResults(name, {}, tuple(results)) for name, results in found.items())
    page = write_report(Evaluation(protocol, {}, models), tmp_path / "report").read_text()
    assert "| flat | brush | 4 | – |" in (tmp_path / "report" / "report.md").read_text()
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page)


def test_a_given_mask_is_taken_over_and_state_goes_from_answer_to_answer() -> None:
    opened = BrushPredictor().open(np.zeros((64, 60, 3), np.uint8))
    given = np.where(disk(60, 64, 20, 20, 9), 4, -4).astype(np.float32)
    first = opened.ask([Click(40.5, 40.5, True)], previous=given)
    assert first.mask(0)[20, 20]
    second = opened.ask([Click(40.5, 40.5, True), Click(20.5, 20.5, False)], previous=first)
    assert (first.strokes, second.strokes) == (1, 2)
    assert not second.mask(0)[20, 20]
    for wrapped in (Flipped(BrushPredictor()), Zoomed(BrushPredictor())):
        answer = wrapped.open(np.zeros((64, 60, 3), np.uint8)).ask([Click(40.5, 40.5, True)], previous=given)
        np.testing.assert_array_equal(answer.mask(0), first.mask(0))


def test_a_picture_of_a_few_lines_and_names_with_markup_are_drawn(tmp_path: Path) -> None:
    strip = np.zeros((3, 2000), bool)
    strip[:, 300:900] = True
    name = "a: [x] <b>$y$_.png"
    picture = flat_picture(tmp_path / name, [strip], source="中|$s$")
    models = []
    for model in ("<i>|$m$", "_n"):
        found = evaluate({model: ColourPredictor}, [picture], Protocol(max_clicks=2))
        models.append(ModelResults(model, {}, tuple(found[model])))
    protocol = {"data": "d|<u>", "split": "val", "pictures": 1, "objects": 2, "max_clicks": 2, "seed": 0, "workers": 1}
    page = write_report(Evaluation(protocol, {}, tuple(models)), tmp_path / "report").read_text(encoding="utf-8")
    assert "<i>" not in page
    assert "<u>" not in page
    assert page.count("<figure><img") == 2
    assert "<b>box 1.00, 1 click 1.00</b><br>中|$s$/a: [x] &lt;b&gt;$y$_.png" in page
    assert page.count("worst after 2 clicks") == 2
    assert page.count('<svg role="img" aria-label="') == 3
    curves = (tmp_path / "report" / "plots" / "curves.svg").read_text(encoding="utf-8")
    assert "&lt;i&gt;|$m$" in curves
    assert "中|$s$" in curves
    assert "_n" in curves
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert r"| 中\|\$s\$ | \<i\>\|\$m\$ | 1 |" in markdown
    assert r"![中\|\$s\$/a: \[x\] \<b\>\$y\$\_.png: box" in markdown


def test_a_report_does_without_pictures_that_are_gone(data: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    base = ["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--max-clicks", "2", "--out", str(results)]
    assert main(base) == 0
    results.write_text(results.read_text().replace(str(data), str(tmp_path / "moved")))
    assert main(["evaluate", "--results", str(results), "--report", str(tmp_path / "report")]) == 0
    assert "data:image/jpeg" not in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--bundle"),
        (["--bundle", "nowhere"], "nowhere"),
        (["--bundle", str(BUNDLE), "--sets", "elsewhere"], "the sets of this split are shapes"),
        (["--results", "missing.json"], "missing.json"),
        (["--bundle", str(BUNDLE), "--report", str(BUNDLE / "bundle.json" / "x")], "bundle.json"),
        (["--bundle", str(BUNDLE), "--objects", "1", "--out", str(BUNDLE)], "segserve-lite"),
    ],
)
def test_what_cannot_be_evaluated_is_said_in_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["evaluate", "--data", str(data), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate: ")
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("wrong", [["--workers", "0"], ["--max-clicks", "101"], ["--objects", "many"]])
def test_numbers_out_of_bounds_are_refused(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--bundle", str(BUNDLE), *wrong])
    assert "no whole number from" in capsys.readouterr().err


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text()
    assert options > {"--bundle", "--report", "--workers"}
    assert not {option for option in options if f"`{option}" not in page}


def test_a_path_with_an_equals_sign_is_no_name(tmp_path: Path) -> None:
    (tmp_path / "lr=0.1").mkdir()
    assert named_path(f"{tmp_path}/lr=0.1") == (None, tmp_path / "lr=0.1")
    assert named_path(f"new={tmp_path}/lr=0.1") == ("new", tmp_path / "lr=0.1")


def test_results_of_a_relative_folder_name_their_pictures_for_good(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["evaluate", "--bundle", str(BUNDLE), "--max-clicks", "1", "--limit", "1"]
    monkeypatch.chdir(data)
    assert main([*base, "--data", ".", "--out", str(tmp_path / "a.json")]) == 0
    monkeypatch.chdir(tmp_path)
    assert main([*base, "--data", str(data), "--out", str(tmp_path / "b.json")]) == 0
    assert main(["evaluate", "--results", "a=a.json", "b=b.json", "--report", str(tmp_path / "report")]) == 0
    assert (tmp_path / "report" / "report.html").read_text().count("data:image/jpeg") == 2
    capsys.readouterr()
    assert main(["evaluate", "--results", "a.json", "--limit", "1", "--zoom"]) == 2
    assert capsys.readouterr().err == (
        "evaluate: --limit, --zoom: what was measured stays as it was; give it with --bundle\n"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_picture_is_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    data = draw_set(tmp_path / "data", pictures=3, val=3)
    damaged = data / "shapes" / "images" / "1.jpg"
    damaged.write_bytes(damaged.read_bytes()[:900])
    base = ["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--max-clicks", "1", "--workers", workers]
    assert main([*base, "--report", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr()
    assert f"left out: {damaged}: broken picture: The JPEG file is damaged" in printed.err
    assert "| shapes | 4 |" in printed.out
    assert "2 pictures, 1 left out that cannot be read" in (tmp_path / "report" / "report.html").read_text()


def test_a_failed_run_leaves_no_empty_results(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--sets", "x", "--out", str(out)]) == 2
    assert not out.exists()


def fail() -> ColourPredictor:
    raise ValueError("this model cannot be loaded")


def test_a_model_that_a_process_cannot_load_is_said(tmp_path: Path) -> None:
    picture = flat_picture(tmp_path / "1.png", [disk(60, 64, 25, 30, 15)])
    with pytest.raises(ValueError, match="this model cannot be loaded"):
        evaluate({"x": fail}, [picture, picture], Protocol(), workers=2)


def test_ctrl_c_ends_every_process_with_one_line(tmp_path: Path) -> None:
    data = draw_set(tmp_path / "data", pictures=60, val=60)
    arguments = ["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--workers", "2"]
    # As from a terminal, where each process of the group gets the signal; whoever runs the tests may ignore it.
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import model_export.evaluate.command as command\n"
        "command.PROGRESS_SECONDS = 0\n"
        "from model_export.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    file = tmp_path / "run.py"
    file.write_text(f"if __name__ == '__main__':\n{textwrap.indent(script, '    ')}")
    command = [sys.executable, str(file), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment
    ) as process:
        assert process.stderr is not None
        assert "1 of 60 pictures" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        rest, printed = process.stderr.read(), process.stdout.read() if process.stdout else ""
        assert process.wait(timeout=60) == 130
    assert rest.splitlines()[-1] == "evaluate: stopped, nothing was kept"
    assert "Traceback" not in rest
    assert printed == ""


def test_pictures_without_a_fitting_object_are_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    whole = np.ones((40, 40), bool)
    flat_picture(folder / "images" / "1.png", [whole])
    (folder / "masks").mkdir()
    cv2.imwrite(str(folder / "masks" / "1.png"), whole.astype(np.uint8) * 255)
    assert main(["evaluate", "--bundle", str(BUNDLE), "--data", str(folder), "--split", "all"]) == 2
    assert "no picture has an object that covers" in capsys.readouterr().err


def test_figures_of_the_command_are_those_of_evaluate_bundle(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = list(evaluate_bundle(open_bundle(BUNDLE), read_sets(data, "val"), objects=1, max_clicks=2))
    out = tmp_path / "results.json"
    command = ["evaluate", "--bundle", str(BUNDLE), "--data", str(data), "--objects", "1", "--max-clicks", "2"]
    assert main([*command, "--workers", "2", "--out", str(out)]) == 0
    stored = json.loads(out.read_text())["models"][0]["objects"]
    assert [tuple(entry["curve"]) for entry in stored] == [result.curve for result in results]
    assert [entry["box"] for entry in stored] == [result.box for result in results]

"""`python -m model_export data`: what it prints, draws and returns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from model_export.cli import main
from model_export.data.contact_sheet import CAPTION, CELL, cell
from model_export.data.errors import Kind
from model_export.data.mask_folders import ENDINGS, IMAGE_FOLDERS, MASK_FOLDERS
from model_export.data.picture import Picture
from model_export.data.rle import from_bitmap
from model_export.data.splits import NAMES
from tests.unit.model_export.drawn_formats import scene, write_coco, write_label_maps, write_labelme


def test_it_prints_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = scene([f"picture{k}" for k in range(8)])
    write_labelme(tmp_path / "mine", drawn)
    write_label_maps(tmp_path / "other" / "train", drawn[:2])
    (tmp_path / "mine" / "picture3.png").write_bytes(b"no picture")
    assert main(["data", str(tmp_path), "--out", str(tmp_path / "sheet.png")]) == 0
    out = capsys.readouterr().out
    for part in (
        f"mine: LabelMe JSON, 7 pictures, in {tmp_path / 'mine'}",
        "splits    train 6, val 1 (none declared: one in ten held out by its name)",
        "sizes     40 to 47 wide, 30 to 34 high",
        "masks     14; 2 to 2 a picture, median 2",
        "names     ball 7, box 7",
        "left out  1 x broken picture",
        "picture3.png: cannot identify image file",
        "other: mask images, 2 pictures",
        "splits    train 2 (declared by the set)",
    ):
        assert part in out
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (2 * (CELL + CAPTION), 6 * CELL, 3)


def test_damaged_pictures_show_when_they_are_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_coco(tmp_path, scene())
    for path in (tmp_path / "images").iterdir():
        path.write_bytes(path.read_bytes()[:60])  # the header is whole
    sheet = tmp_path / "sheet.png"
    assert main(["data", str(tmp_path), "--out", str(sheet)]) == 0
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    assert (drawn[:CELL] == 128).all()
    assert main(["data", str(tmp_path), "--decode"]) == 1
    assert "2 x broken picture" in capsys.readouterr().out


def test_a_sheet_without_an_ending_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_coco(tmp_path, scene())
    assert main(["data", str(tmp_path), "--out", str(tmp_path / "preview")]) == 1
    assert "ends in .png or .jpg" in capsys.readouterr().err


def test_a_folder_without_a_set_is_an_error_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", str(tmp_path)]) == 1
    assert "no annotated pictures" in capsys.readouterr().err


def test_masks_and_ignored_pixels_lie_where_they_are(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 120, 3), 100, np.uint8))
    mask, ignored = np.zeros((60, 120), np.uint8), np.zeros((60, 120), np.uint8)
    mask[10:50, 10:50] = 1
    ignored[:, 100:] = 1
    picture = Picture("set", tmp_path / "a.png", 120, 60, (from_bitmap(mask),), ignore=from_bitmap(ignored))
    drawn = cell(picture)[: CELL // 2]
    changed = (drawn != 100).any(axis=2)
    assert (changed[:, : CELL // 2] == np.kron(mask, np.ones((2, 2)))[:, : CELL // 2]).all()
    hatched = (drawn == 255).all(axis=2)
    assert not hatched[:, :200].any()
    assert 0.2 < hatched[:, 200:].mean() < 0.5


def test_every_kind_of_problem_has_a_remedy_in_the_documents() -> None:
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text()
    assert re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE) == list(get_args(Kind))


def test_every_folder_that_is_looked_into_is_in_the_documents() -> None:
    page = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text().lower()
    for name in (*IMAGE_FOLDERS, *MASK_FOLDERS, *ENDINGS, *NAMES):
        assert f"`{name}`" in page or f"`{name}/`" in page, name

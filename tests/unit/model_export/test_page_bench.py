"""The benchmarks that a scripted person runs in the page: what is given to it, and what is made of what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_export.bench.first_mask import validation_objects
from model_export.bench.page_proofs import findings_of


def test_figures_are_medians_and_single_values_stay() -> None:
    found = {
        "figures": [
            {"title": "Warm", "unit": "ms", "values": [30.0, 10.0, 20.0]},
            {"title": "Heap", "unit": "MiB", "values": [7.5]},
        ],
        "notes": ["By a program."],
    }
    findings = findings_of(found, "Chromium 1")
    warm, heap = findings.figures
    assert (warm.value, warm.runs, heap.value, heap.p95) == (20.0, 3, 7.5, None)
    assert findings.notes == ["Chromium 1.", "By a program."]


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        findings_of({"figures": [{"title": "Warm", "unit": "ms", "values": []}], "notes": []}, "")


def test_objects_are_of_validation_pictures_and_large_enough(tmp_path: Path) -> None:
    folder = tmp_path / "ecssd"
    folder.mkdir()
    images = [{"id": i, "file_name": f"{i}.jpg", "split": "val" if i % 2 else "train"} for i in range(10)]
    masks = [
        {"image_id": i, "area": 5000 if i != 3 else 10, "segmentation": {"size": [4, 4], "counts": f"{i}"}}
        for i in range(10)
    ]
    (folder / "annotations.json").write_text(json.dumps({"images": images, "annotations": masks}))
    objects = validation_objects(tmp_path, 2)
    assert [entry["rle"]["counts"] for entry in objects] == ["1", "7"]
    assert objects[0]["path"] == str(folder / "images" / "1.jpg")
    assert validation_objects(tmp_path / "none", 2) == []

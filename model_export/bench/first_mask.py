"""Times to the first mask in the page, and what an object takes in two ways of clicking."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from model_export.bench.machine import ROOT
from model_export.bench.page_proofs import run_proof
from model_export.bench.record import Findings
from model_export.bench.setting import Setting

TITLE = "First mask, in the page"
SETS = ("ecssd", "davis16_val", "everyday")
SMALLEST = 2000  # pixels
DATA = ROOT.parent / "shared" / "data"


def run(setting: Setting) -> Findings:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PROOF_RUNS": str(setting.pick(10, 1))}
        objects = validation_objects(DATA, setting.pick(8, 1))
        if objects:
            listed = Path(folder) / "objects.json"
            listed.write_text(json.dumps(objects), encoding="utf-8")
            environment["PROOF_OBJECTS"] = str(listed)
        return run_proof("first-mask", environment)


def validation_objects(data: Path, most: int) -> list[dict[str, Any]]:
    """So many objects of each set, evenly spread over its validation pictures; none where the sets are not there."""
    objects: list[dict[str, Any]] = []
    for name in SETS:
        annotations = data / name / "annotations.json"
        if not annotations.exists():
            continue
        content = json.loads(annotations.read_text(encoding="utf-8"))
        pictures = {entry["id"]: entry["file_name"] for entry in content["images"] if entry["split"] == "val"}
        masks = [
            entry for entry in content["annotations"] if entry["image_id"] in pictures and entry["area"] >= SMALLEST
        ]
        for entry in masks[:: max(len(masks) // most, 1)][:most]:
            path = data / name / "images" / pictures[entry["image_id"]]
            objects.append({"path": str(path), "rle": entry["segmentation"]})
    return objects

"""Interactive bundles: read, loaded, held to manifest and golden vectors, and never taken for another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from server.domain.bundle import BundleManifest
from server.errors import BundleError
from server.runtime.onnx import OnnxBackend
from server.runtime.registry import BundleRegistry
from server.services.click_golden import check_click_golden
from tests.click_bundle import SIZE, click_files, golden_bytes, write_click_bundle
from tests.fakes import fake_manifest, write_bundle


def registry(root: Path) -> BundleRegistry:
    return BundleRegistry([root], OnnxBackend(1))


def test_stages_load_once_and_are_released(tmp_path: Path) -> None:
    write_click_bundle(tmp_path)
    bundles = registry(tmp_path)
    stages = bundles.stages("tiny-clicks")
    assert stages.refines
    assert bundles.stages() is stages
    bundles.release("tiny-clicks")
    assert bundles.stages() is not stages


def test_one_stage_is_enough(tmp_path: Path) -> None:
    write_click_bundle(tmp_path, files=click_files(refine=False))
    assert not registry(tmp_path).stages().refines


@pytest.mark.parametrize(
    "rules",
    [{"coarse_height": SIZE // 2}, {"refine_width": SIZE // 2}, {"features": ()}],
    ids=lambda rules: next(iter(rules)),
)
def test_graphs_are_held_to_the_manifest(tmp_path: Path, rules: dict[str, Any]) -> None:
    write_click_bundle(tmp_path, **rules)
    with pytest.raises(BundleError) as caught:
        registry(tmp_path).stages()
    assert caught.value.code == "bundle_graph_mismatch"


def test_a_promptable_model_is_the_default_whatever_lies_first(tmp_path: Path) -> None:
    write_click_bundle(tmp_path, model_id="a-clicks")
    write_bundle(tmp_path, model_id="b-prompts")
    assert registry(tmp_path).default_id == "b-prompts"


def test_parts_of_another_kind_are_refused_by_name(tmp_path: Path) -> None:
    clicks, prompts = write_click_bundle(tmp_path), fake_manifest()
    for manifest, part in ((clicks, "decoder"), (clicks, "calibration"), (prompts, "interactive")):
        with pytest.raises(BundleError) as caught:
            getattr(manifest, part)
        assert caught.value.code == "bundle_kind_mismatch"
        assert part in caught.value.message


def test_a_manifest_without_the_parts_of_its_kind_is_none(tmp_path: Path) -> None:
    fields = write_click_bundle(tmp_path).model_dump()
    assert BundleManifest.model_validate(fields).interactive.disk_radius == 2.0
    with pytest.raises(ValidationError, match="needs its part"):
        BundleManifest.model_validate(fields | {"interactive": None})
    with pytest.raises(ValidationError, match="needs an embedding"):
        BundleManifest.model_validate(fields | {"kind": "promptable"})


def test_golden_vectors_hold_and_tell_of_a_difference(tmp_path: Path) -> None:
    manifest = write_click_bundle(tmp_path)
    stages = registry(tmp_path).stages()
    data = golden_bytes(stages)
    report = check_click_golden(data, manifest, stages)
    assert (report.cases, report.mask_iou, report.largest_error) == (2, 1.0, 0.0)

    class Off:
        refines = True

        def coarse(self, *inputs: Any) -> Any:
            logits, features = stages.coarse(*inputs)
            return -logits, features

        def refine(self, *inputs: Any) -> Any:
            return stages.refine(*inputs)

    for wrong, answering in ((data, Off()), (b"no container", stages)):
        with pytest.raises(BundleError) as caught:
            check_click_golden(wrong, manifest, answering)
        assert caught.value.code == "bundle_golden_mismatch"

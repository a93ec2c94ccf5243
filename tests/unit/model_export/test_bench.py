"""Statistics, records and the report of the benchmarks, and one tiny benchmark. Nothing here looks at a time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model_export.bench.browser import packed
from model_export.bench.drawn import jpeg, photo_like, variant
from model_export.bench.record import Figure, Findings, Record, Target, read_record, read_records, write_record
from model_export.bench.report import number, render, write_report
from model_export.bench.server_speed import median_spans
from model_export.bench.serving import Answer, metric_value, server_timing
from model_export.bench.suite import BENCHMARKS, DOCS, benchmark
from model_export.bench.timing import summarise, time_together
from model_export.cli import main
from server.runtime.images import decode_image


def a_record(*figures: Figure, name: str = "encoder", quick: bool = False) -> Record:
    return Record(
        name=name,
        title=name.title(),
        date="2026-01-02T03:04:05Z",
        seconds=12.0,
        quick=quick,
        git={"revision": "0123456789abcdef", "changed": False},
        bundle={"id": "some-model", "revision": "feedfeedfeedfeed"},
        machine={
            "cpu": "Some CPU", "cores": 2, "memory_gib": 8.0, "system": "Linux x86_64", "python": "3.11.1",
            "packages": {"numpy": "2.0"}, "load_before": 0.04,
        },
        findings=Findings(figures, ["One note."], {"ratio": 1.23456789}),
    )  # fmt: skip


def test_median_and_p95() -> None:
    summary = summarise([float(value) for value in range(101)], warmup=3)
    assert (summary.median, summary.p95, summary.runs, summary.warmup) == (50.0, 95.0, 101, 3)
    assert summarise([3.0, 1.0]).median == 2.0
    with pytest.raises(ValueError, match="nothing was measured"):
        summarise([])


def test_candidates_take_turns_after_the_warm_up() -> None:
    order: list[str] = []
    candidates = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    taken = time_together(candidates, runs=3, warmup=1, burst=2)
    assert "".join(order) == "ab" + "aabb" + "ab"
    assert {name: (summary.runs, summary.warmup) for name, summary in taken.items()} == {"a": (3, 1), "b": (3, 1)}
    with pytest.raises(ValueError, match="at least 1"):
        time_together(candidates, runs=0, warmup=0)


@pytest.mark.parametrize(
    ("target", "met", "missed"),
    [
        (Target("<", 15), 14.9, 15.0),
        (Target("<=", 512), 512.0, 512.1),
        (Target(">", 60), 60.1, 60.0),
        (Target("=", 1), 1.0, 2.0),
    ],
)
def test_targets(target: Target, met: float, missed: float) -> None:
    assert target.met_by(met)
    assert not target.met_by(missed)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = a_record(Figure("Time", "ms", 12.5, 14.25, 30, 5, Target("<", 60)), Figure("Ratio", "", 2.0))
    again = read_record(write_record(record, tmp_path))
    assert tuple(again.findings.figures) == record.findings.figures
    assert again.machine == record.machine
    assert again.findings.details == {"ratio": 1.2346}
    assert [entry.met for entry in again.findings.figures] == [True, None]


def test_the_report_says_what_the_records_say() -> None:
    page = render(
        [
            a_record(Figure("Time", "ms", 61.25, 70.0, 30, 5, Target("<", 60)), Figure("Size", "KiB", 292.19)),
            a_record(Figure("Rate", "requests/s", 1234.5, target=Target(">", 60)), name="server", quick=True),
        ]
    )
    assert "Targets: 1 of 2 met" in page
    assert "| Encoder | Time | < 60 ms | 61.2 ms | **no** |" in page
    assert "| Server | Rate | > 60 requests/s | 1,234 requests/s | yes |" in page
    assert "| Time | < 60 ms | 61.2 ms | 70 | 30 | **no** |" in page
    assert "| Size |  | 292 KiB |  |  |  |" in page
    assert page.count("--quick") == 1
    assert "Some CPU, 2 cores" in page
    assert "code at `0123456789ab`; bundle some-model `feedfeedfeedfeed`" in page


def test_the_committed_page_is_made_from_the_committed_figures() -> None:
    records = read_records(DOCS)
    page = DOCS / "README.md"
    assert (page.read_text() if page.is_file() else None) == (render(records) if records else None)
    assert not [record.name for record in records if record.quick]


def test_report_alone(tmp_path: Path) -> None:
    write_record(a_record(Figure("Time", "ms", 1.0)), tmp_path)
    assert main(["bench", "--report", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == write_report(tmp_path).read_text()
    assert "| Time |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (2.256, "2.26"), (61.04, "61.0"), (292.19, "292"), (1e6, "1,000,000")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_server_timing_and_metrics_are_read() -> None:
    header = 'decode;dur=75.1, queue;desc="waiting";dur=0.25,encode;dur=30'
    assert server_timing(header) == {"decode": 75.1, "queue": 0.25, "encode": 30.0}
    assert server_timing("") == {}
    exposition = '# HELP a_total x\na_total{model="m"} 2.0\na_total{model="n"} 3.0\na_total_created 9.0\nb 1.5\n'
    assert metric_value(exposition, "a_total") == 5.0
    assert metric_value(exposition, "b") == 1.5
    assert metric_value(exposition, "absent") == 0.0
    answers = [Answer(200, b"", 1.0, {"a": 1.0, "b": 4.0}), Answer(200, b"", 1.0, {"a": 3.0})]
    assert median_spans(answers) == {"a": 2.0, "b": 2.0}


def test_drawn_pictures_differ_in_their_pixels() -> None:
    base = photo_like(64, 48)
    assert base.shape == (48, 64, 3)
    assert np.array_equal(base, photo_like(64, 48))
    ids = {decode_image(data, max_pixels=10_000).id for data in [jpeg(base), *(variant(base, k) for k in range(8))]}
    assert len(ids) == 9


def test_inputs_for_the_browser_are_laid_end_to_end() -> None:
    square, bytes_, one = np.arange(4.0).reshape(2, 2), np.array([7, 8, 9], np.uint8), np.array([9.0], np.float32)
    blob, tensors = packed({"a": square, "b": bytes_, "c": one})
    assert tensors == [
        {"name": "a", "type": "float32", "shape": [2, 2], "offset": 0, "length": 4},
        {"name": "b", "type": "uint8", "shape": [3], "offset": 16, "length": 3},
        {"name": "c", "type": "float32", "shape": [1], "offset": 20, "length": 1},
    ]
    assert np.frombuffer(blob[:16], np.float32).tolist() == [0, 1, 2, 3]
    assert list(blob[16:20]) == [7, 8, 9, 0]
    assert np.frombuffer(blob[20:], np.float32).tolist() == [9]


def test_every_benchmark_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert len({benchmark(name).title for name in BENCHMARKS}) == len(BENCHMARKS)
    assert main(["bench", "nothing"]) == 2
    assert "encoder" in capsys.readouterr().err


def test_a_tiny_benchmark_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "encoder", "--quick", "--out", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "encoder.json").read_text())
    assert data["quick"] is True
    assert data["machine"]["cores"] >= 1
    assert len(data["bundle"]["revision"]) == 16
    figures = data["findings"]["figures"]
    assert all(entry["value"] > 0 and entry["runs"] == 3 for entry in figures)
    assert sum(entry["target"] is not None for entry in figures) == 1
    assert str(tmp_path / "README.md") in capsys.readouterr().out
    assert "## Encoder" in (tmp_path / "README.md").read_text()

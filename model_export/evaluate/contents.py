"""What a report holds, before it is written as HTML and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model_export.evaluate.examples import Example, examples, extremes
from model_export.evaluate.loop import EXAMPLE_CLICKS
from model_export.evaluate.plots import all_plots
from model_export.evaluate.results import Evaluation, ModelResults
from model_export.evaluate.tables import Table, tables

EXAMPLES = 8  # worst and best, each
TERMS = """The pictures in this report are from the evaluated data and carry its terms: share the report only with
whom you may share the pictures."""


@dataclass(frozen=True)
class Gallery:
    """Objects of one model, drawn."""

    title: str
    examples: list[Example]


@dataclass(frozen=True)
class Report:
    """`facts`: label -> what was evaluated and how; `plots`: file name -> SVG."""

    title: str
    facts: dict[str, str]
    tables: list[Table]
    plots: dict[str, str]
    galleries: list[Gallery]


def make_report(evaluation: Evaluation) -> Report:
    """Reads the pictures of the examples again; where they are gone, the report goes without."""
    names = ", ".join(model.name for model in evaluation.models)
    clicks = min(EXAMPLE_CLICKS, evaluation.protocol["max_clicks"])
    galleries = [gallery for model in evaluation.models for gallery in galleries_of(model, clicks)]
    return Report(f"Evaluation of {names}", facts(evaluation), tables(evaluation), all_plots(evaluation), galleries)


def galleries_of(model: ModelResults, clicks: int) -> list[Gallery]:
    worst, best = extremes(model.objects, EXAMPLES)
    after = "after 1 click" if clicks == 1 else f"after {clicks} clicks"
    chosen = ((f"{model.name}: worst {after}", worst), (f"{model.name}: best {after}", best))
    return [Gallery(title, drawn) for title, results in chosen if (drawn := examples(results))]


def facts(evaluation: Evaluation) -> dict[str, str]:
    protocol, machine = evaluation.protocol, evaluation.machine
    objects = len(evaluation.models[0].objects)
    limit = f", at most {protocol['limit']} of a set (seed {protocol['seed']})" if protocol.get("limit") else ""
    left_out = f", {protocol['left_out']} left out that cannot be read" if protocol.get("left_out") else ""
    ritm = " as RITM clicks" if protocol.get("ritm_clicks") else ""
    given = "; and again from a faulty mask of each object" if evaluation.repaired else ""
    found = {f"Model {model.name}": describe_model(model.about) for model in evaluation.models}
    data = f"{protocol['data']}, split {protocol['split']}: {protocol['pictures']} pictures{limit}{left_out}"
    processes = "1 process" if protocol["workers"] == 1 else f"{protocol['workers']} processes"
    runtime = f"ONNX Runtime {machine.get('packages', {}).get('onnxruntime')}"
    return found | {
        "Data": f"{data}, {objects} objects, at most {protocol['objects']} a picture, the largest first",
        "Protocol": f"the box; then up to {protocol['max_clicks']} clicks, each in the middle of the larger error"
        f"{ritm}, and the mask before fed back{given}",
        "Machine": f"{machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('memory_gib')} GiB; {processes} "
        f"of one thread; {runtime}; load before {machine.get('load_before') or 0:.1f}",
        "Code": f"git {machine['revision'][:12]}{' with changes' if machine['changed'] else ''}"
        if machine.get("revision") and "changed" in machine
        else "no git checkout",
    }


def describe_model(about: dict[str, Any]) -> str:
    known = [
        f"{about['id']} {about['revision']}" if "id" in about else None,
        f"kind {about['kind']}" if "kind" in about else None,
        f"input {about['input_size']} px" if "input_size" in about else None,
        f"{about['bytes'] / 1e6:.1f} MB" if "bytes" in about else None,
    ]
    return ", ".join([part for part in known if part] + about.get("options", [])) or "–"

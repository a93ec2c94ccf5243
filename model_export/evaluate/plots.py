"""Plots of a report as SVG text. matplotlib is imported when one is drawn; it comes with the `train` extra."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_export.evaluate.calibration import Bin, first_click_pairs, refined_pairs, reliability
from model_export.evaluate.metrics import clicks_to_reach, iou_at
from model_export.evaluate.results import Evaluation, of_set, set_names

# Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, GRID = "#334155", "#e2e8f0"
BOX_PLACE = -2  # on the axis of clicks, left of the first
PANELS = 12  # sets that get a curve of their own
STYLE: Any = {
    "font.family": "sans-serif", "font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "segserve",
    "text.parse_math": False,
    "axes.edgecolor": "#94a3b8", "axes.labelcolor": INK, "axes.titlesize": 10, "axes.titlelocation": "left",
    "axes.titleweight": "bold", "axes.titlecolor": INK, "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "grid.color": GRID, "grid.linewidth": 0.8,
    "xtick.color": INK, "ytick.color": INK, "legend.frameon": False, "legend.fontsize": 9, "lines.linewidth": 1.8,
}  # fmt: skip


def draw(panels: tuple[int, int], size: tuple[float, float], fill: Any, **share: Any) -> str:
    """`fill(figure, axes [rows, columns])` draws into `panels` (rows, columns); -> SVG without its XML header."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(size, layout="constrained")
        fill(figure, figure.subplots(*panels, squeeze=False, **share))
        text = io.StringIO()
        with warnings.catch_warnings():
            # The words stay text, drawn in whatever font the reader has for them.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(text, format="svg", transparent=True, metadata=metadata)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def name_models(figure: Any, evaluation: Evaluation) -> None:
    """A legend above all panels, where there is more than one model."""
    if len(evaluation.models) < 2:
        return
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour(place), label=model.name) for place, model in enumerate(evaluation.models)]
    figure.legend(handles=lines, loc="outside upper left", ncols=4)


def curves(evaluation: Evaluation) -> str:
    """Mean IoU after each click, a panel a set; the diamond is the box, the ring the best candidate."""
    sets = set_names(evaluation.models[0].objects)
    sizes = {name: len(of_set(evaluation.models[0].objects, name)) for name in sets}
    largest = sorted(sets, key=lambda name: -sizes[name])[: PANELS - 1]
    shown = ["all"] + [name for name in sets if name in largest] if len(sets) > 1 else sets
    columns = min(4, len(shown))
    rows = math.ceil(len(shown) / columns)
    clicks = range(1, evaluation.protocol["max_clicks"] + 1)
    fifths = range(5, len(clicks) + 1, 5)

    def fill(figure: Any, axes: Any) -> None:
        for panel in axes.flat[len(shown) :]:
            panel.set_visible(False)
        for panel, name in zip(axes.flat, shown, strict=False):
            for place, model in enumerate(evaluation.models):
                results = of_set(model.objects, name)
                lines = [result.curve for result in results]
                panel.plot(clicks, [iou_at(lines, click) for click in clicks], color=colour(place))
                best = float(np.mean([result.first_best_of_three for result in results]))
                panel.plot([1], [best], "o", color=colour(place), markerfacecolor="white", markersize=5)
                boxes = [result.box for result in results if result.box is not None]
                if boxes:
                    panel.plot([BOX_PLACE], [float(np.mean(boxes))], "D", color=colour(place), markersize=5)
            count = len(of_set(evaluation.models[0].objects, name))
            panel.set_title(f"{'all sets' if name == 'all' else name}  ({count})")
            panel.set_xticks([BOX_PLACE, 1, *fifths], ["box", "1", *map(str, fifths)])
        axes[0, 0].set_ylim(top=1)
        for panel in axes[:, 0]:
            panel.set_ylabel("mean IoU")
        for panel in axes[-1]:
            panel.set_xlabel("clicks")
        name_models(figure, evaluation)

    size = (6.0, 3.2) if len(shown) == 1 else (2.6 * columns, 2.1 * rows + 0.4)
    return draw((rows, columns), size, fill, sharey=True)


def needed_clicks(evaluation: Evaluation, targets: Sequence[float] = (0.85, 0.90)) -> str:
    """How many objects needed how many clicks to an IoU, and how many never got there."""
    most = evaluation.protocol["max_clicks"]
    width = 0.8 / len(evaluation.models)

    def fill(figure: Any, axes: Any) -> None:
        for panel, target in zip(axes.flat, targets, strict=True):
            for place, model in enumerate(evaluation.models):
                reached = [clicks_to_reach(result.curve, target, most) for result in model.objects]
                counts = [sum(ok and clicks == k for clicks, ok in reached) for k in range(1, most + 1)]
                counts.append(sum(not ok for _, ok in reached))
                shift = (place - (len(evaluation.models) - 1) / 2) * width
                panel.bar(np.append(np.arange(1, most + 1), most + 2) + shift, counts, width, color=colour(place))
            panel.set_title(f"to IoU {target:.2f}")
            panel.set_xticks([1, *range(5, most + 1, 5), most + 2], ["1", *map(str, range(5, most + 1, 5)), "never"])
            panel.set_xlabel("clicks")
            panel.grid(axis="x", visible=False)
        axes[0, 0].set_ylabel("objects")
        name_models(figure, evaluation)

    return draw((1, len(targets)), (10.4, 2.8), fill, sharey=True)


def reliability_diagram(evaluation: Evaluation) -> str:
    """Measured over predicted IoU; the larger a dot, the more predictions it stands for."""
    panels = (("candidates for the first click", first_click_pairs), ("box, and every further click", refined_pairs))

    def fill(figure: Any, axes: Any) -> None:
        for panel, (title, pairs_of) in zip(axes.flat, panels, strict=True):
            panel.plot([0, 1], [0, 1], "--", color="#94a3b8", linewidth=1)
            for place, model in enumerate(evaluation.models):
                bins: list[Bin] = reliability(*pairs_of(model.objects))
                most = max((entry.count for entry in bins), default=1)
                predicted, measured = [entry.predicted for entry in bins], [entry.measured for entry in bins]
                panel.plot(predicted, measured, color=colour(place))
                sizes = [8 + 120 * entry.count / most for entry in bins]
                panel.scatter(predicted, measured, sizes, color=colour(place), alpha=0.75, linewidth=0)
            panel.set_title(title)
            panel.set_xlabel("predicted IoU")
            panel.set_xlim(0, 1)
            panel.set_ylim(0, 1)
            panel.set_aspect("equal")
        axes[0, 0].set_ylabel("measured IoU")
        name_models(figure, evaluation)

    return draw((1, 2), (7.2, 3.6), fill, sharey=True)


def repair_curves(evaluation: Evaluation) -> str:
    """Mean IoU after each click from the faulty masks (whole lines, from 0 clicks on) and from nothing (dashed)."""
    clicks = range(1, evaluation.protocol["max_clicks"] + 1)

    def fill(figure: Any, axes: Any) -> None:
        panel = axes[0, 0]
        for place, model in enumerate(evaluation.models):
            both = [(result, result.repair) for result in model.objects if result.repair is not None]
            if not both:
                continue
            repaired, over = [repair.curve for _, repair in both], [result.curve for result, _ in both]
            begun = float(np.mean([repair.iou for _, repair in both]))
            panel.plot([0, *clicks], [begun, *(iou_at(repaired, click) for click in clicks)], color=colour(place))
            panel.plot(clicks, [iou_at(over, click) for click in clicks], "--", color=colour(place), linewidth=1.2)
        panel.set_title("all sets" if len(set_names(evaluation.models[0].objects)) > 1 else "")
        panel.set_xticks([0, 1, *range(5, len(clicks) + 1, 5)])
        panel.set_ylim(top=1)
        panel.set_ylabel("mean IoU")
        panel.set_xlabel("clicks")
        name_models(figure, evaluation)

    return draw((1, 1), (6.0, 3.2), fill)


CAPTIONS = {
    "curves.svg": """Mean IoU against clicks. The diamond is the box alone, the ring the best of the first click's
candidates; the line starts at the candidate with the highest predicted IoU. Objects in brackets.""",
    "clicks.svg": "How many objects needed how many clicks, and how many never got there.",
    "reliability.svg": """How far the predicted IoU can be believed: on the dashed line it is right, below it the model
is too sure. The larger a dot, the more predictions it stands for.""",
    "repair.svg": """Mean IoU against clicks, beginning with the faulty masks (whole lines) and with nothing
(dashed).""",
}


def all_plots(evaluation: Evaluation) -> dict[str, str]:
    """File name -> SVG; CAPTIONS says what each shows."""
    return {
        "curves.svg": curves(evaluation),
        **({"repair.svg": repair_curves(evaluation)} if evaluation.repaired else {}),
        "clicks.svg": needed_clicks(evaluation),
        "reliability.svg": reliability_diagram(evaluation),
    }

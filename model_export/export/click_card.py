"""The model card of an interactive bundle."""

from __future__ import annotations

from typing import Any

from torch import nn

from model_export.evaluate.summary import CLICK_COLUMNS, COLUMNS, EDGE_COLUMNS, markdown_table
from model_export.export.identity import Identity
from model_export.models.click_network import ClickNetwork

CARD = """# {id}

{intro}

- Kind: interactive. A crop of the picture, clicks as disks and the mask so far give the next mask ({stages}).
- Network: {parameters} parameters at {size} px. Weights stored as float16 where that is exact, computed as float32.
- Licence of the weights: {licence}.

## Training

{training}.

{pictures}

## Accuracy

{accuracy}

## Parity

ONNX Runtime against torch over {count} pictures and their first clicks: {parity}.

## What it is bad at

The first click: it knows nothing of what else the click could mean, and offers no candidates; a promptable model does
that better. Thin structures, transparent things, and pictures unlike those that it was trained on. Check masks before
anything depends on them.
"""
MEASURED = """Measured on {sample} by the graphs in ONNX Runtime with the loop that the server runs, at most two objects
a picture (the largest), simulated clicks in the middle of the larger error, no flip. IoU on the original pixels;
NoC@85 is the mean number of clicks (at most 20) to IoU 0.85. `docs/evaluation.md` defines each figure,
`docs/interactive.md` compares it with the promptable model and with both together.

{tables}"""


def click_card(
    model: ClickNetwork, identity: Identity, parity: dict[str, Any], accuracy: dict[str, Any], sample: str
) -> str:
    """`sample`: the pictures that `accuracy` was measured on, in words."""
    columns = ({k: v for k, v in COLUMNS.items() if k not in ("box_iou", "click1_iou_best_of_three")}, CLICK_COLUMNS)
    edges = {"click5_boundary_f": EDGE_COLUMNS["click5_boundary_f"]}
    tables = "\n\n".join(markdown_table(accuracy, each) for each in (*columns, edges))
    return CARD.format(
        id=identity.id,
        intro=identity.intro,
        stages="two stages, coarse on the target crop and refined on the focus crop" if model.refine else "one stage",
        parameters=" + ".join(f"{count(stage):,}" for stage in (model.coarse, model.refine) if stage),
        size=model.input_size,
        licence=identity.license,
        training=identity.training,
        pictures=identity.pictures,
        accuracy=MEASURED.format(tables=tables, sample=sample) if accuracy else "Not measured for this bundle.",
        count=parity["pictures"],
        parity="; ".join(
            f"{stage} worst mask IoU {case['mask_iou']:.5f}, difference {case['logits_relative']:.1e} of the range"
            for stage, case in parity["cases"].items()
        ),
    )


def count(stage: nn.Module) -> int:
    return sum(p.numel() for p in stage.parameters())

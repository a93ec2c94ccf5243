"""The model card that travels in the bundle."""

from __future__ import annotations

from typing import Any

from model_export.evaluate.summary import markdown_table

CARD = """# segserve-lite

The default model of Segserve: a small promptable segmentation network that fits in the package, runs on two CPU cores
and whose decoder runs in the browser.

- Task: class-agnostic masks from points, boxes and previous masks. Three candidates for an ambiguous prompt (outputs 1
  to 3) and one for several prompts (output 0), each with a predicted IoU.
- Network: convolutional encoder of {encoder_parameters:,} parameters with a feature pyramid (input {size} px),
  SAM-style prompt encoder and two-way mask decoder of {decoder_parameters:,} parameters with skips of stride 8 and 4.
- Weights: stored as float16, computed as float32. Embedding on the wire: int8, one scale per channel.
- Licence of the weights: {licence}.

## Training

Trained from random initialisation by simulated prompting (`python -m model_export train`): {training}.

Training pictures (train split of `shared/data`): everyday, ecssd, pascal_s, bsds500, ccp, coco128, facade, camvid,
dsb2018, balloon, kvasir, fasseg. Except for ccp (Apache-2.0), facade (CC BY 4.0) and dsb2018 (CC0) the sources state no
licence or a research-only one. None of the pictures or masks is part of this bundle. Whoever needs weights with other
terms should train on pictures of their own.

## Accuracy

Measured on the validation pictures by the exported graphs in ONNX Runtime, embedding quantised as served, at most two
objects a picture (the largest), simulated clicks in the middle of the larger error, no flip, no zoom. IoU on the
original pixels; NoC@85 is the mean number of clicks (at most 20) to IoU 0.85.

{table}

## Parity

ONNX Runtime against torch over {pictures} pictures: worst mask IoU {worst_iou:.5f}, worst logit difference
{worst_logits:.1e} of their range. The int8 embedding against the float32 one: mask IoU {wire_mean:.4f} on average.

## What it is bad at

Small things (below about 12 px of the longest side's 384), thin structures such as wires and fences, transparent
objects, medical and aerial pictures unlike the training sets. It saw some 5,200 pictures; models trained on millions
are better on almost everything. Check masks before anything depends on them.
"""


def model_card(
    *,
    parity: dict[str, Any],
    accuracy: dict[str, Any],
    training: str,
    licence: str,
    size: int,
    encoder: int,
    decoder: int,
) -> str:
    cases = parity["cases"].values()
    return CARD.format(
        table=markdown_table(accuracy) if accuracy else "Not measured for this bundle.",
        training=training,
        licence=licence,
        size=size,
        encoder_parameters=encoder,
        decoder_parameters=decoder,
        pictures=parity["pictures"],
        worst_iou=min(case["mask_iou"] for case in cases),
        worst_logits=max(case["logits_relative"] for case in cases),
        wire_mean=parity["embedding_on_the_wire"]["mask_iou_mean"],
    )

"""The model card that travels in the bundle."""

from __future__ import annotations

from typing import Any

from model_export.evaluate.summary import CLICK_COLUMNS, EDGE_COLUMNS, markdown_table
from model_export.export.identity import Identity
from server.domain.bundle import Speed

CARD = """# {id}

{intro}

- Task: class-agnostic masks from points, boxes and previous masks. Three candidates for an ambiguous prompt (outputs 1
  to 3) and one for several prompts (output 0), each with a predicted IoU.
- Network: convolutional encoder of {encoder_parameters:,} parameters with a feature pyramid (input {size} px),
  SAM-style prompt encoder and two-way mask decoder of {decoder_parameters:,} parameters with skips of stride 8 and 4.
- Weights: stored as float16, computed as float32. Embedding on the wire: int8, one scale per channel.
- Licence of the weights: {licence}.

## Training

By simulated prompting (`python -m model_export train`), {training}.

{pictures}

![The sample pictures with masks](examples.jpg)

One click, a box and one click on each of the page's own sample pictures (rendered, none of them trained on); of a click
the best-scored of the three candidates is shown. The prompts were set before the masks were seen.

## Accuracy

Measured on the validation pictures by the exported graphs in ONNX Runtime, embedding quantised as served, at most two
objects a picture (the largest), simulated clicks in the middle of the larger error, no flip, no zoom. IoU on the
original pixels; NoC@85 is the mean number of clicks (at most 20) to IoU 0.85; boundary F as DAVIS has it; ECE is the
expected calibration error of the predicted IoU. `docs/evaluation.md` of the project defines each figure.

{table}

## Parity

ONNX Runtime against torch over {parity_pictures} pictures: worst mask IoU {worst_iou:.5f}, worst logit difference
{worst_logits:.1e} of their range. The int8 embedding against the float32 one: mask IoU {wire_mean:.4f} on average.

## What it is bad at

Small things (below about 12 px where the longest side has {size}), thin structures such as wires and fences,
transparent objects, and pictures unlike those that it was trained on. Those were few; models trained on millions are
better on almost everything. Check masks before anything depends on them.
"""


def tables(accuracy: dict[str, Any]) -> str:
    """IoU, numbers of clicks, outlines and calibration, by set."""
    rest = (markdown_table(accuracy, columns) for columns in (CLICK_COLUMNS, EDGE_COLUMNS))
    return "\n\n".join([markdown_table(accuracy), *rest])


def model_card(
    *,
    parity: dict[str, Any],
    accuracy: dict[str, Any],
    identity: Identity,
    size: int,
    encoder: int,
    decoder: int,
) -> str:
    cases = parity["cases"].values()
    return CARD.format(
        table=tables(accuracy) if accuracy else "Not measured for this bundle.",
        id=identity.id,
        intro=identity.intro,
        training=identity.training,
        pictures=identity.pictures,
        licence=identity.license,
        size=size,
        encoder_parameters=encoder,
        decoder_parameters=decoder,
        parity_pictures=parity["pictures"],
        worst_iou=min(case["mask_iou"] for case in cases),
        worst_logits=max(case["logits_relative"] for case in cases),
        wire_mean=parity["embedding_on_the_wire"]["mask_iou_mean"],
    )


PUBLISHED_CARD = """# {id}

{intro}

- Source: {source}
- Licence of the weights: {licence}
- Network: image encoder of {encoder_parameters:,} parameters (input {size} px), prompt encoder and mask decoder of
  {decoder_parameters:,}. Weights: {training}. Embedding on the wire: float16.
- Answers: output 0 is the single mask, 1 to 3 are the candidates for an ambiguous prompt, each with a predicted IoU.

## Parity

ONNX Runtime against torch in float32 over {pictures} pictures and {cases} kinds of prompt: encoder
{encoder_relative:.1e} relative, worst logit difference {worst_logits:.1e} of their range, worst mask IoU
{worst_iou:.5f}, worst score difference {worst_score:.1e}. With the embedding in float16: mask IoU {wire_min:.5f} at
worst.

Variants against torch's masks, each judged by the best-scored mask of every prompt; an ONNX one that keeps less
than {least_mean} on average or {least_min} at worst is left out of the bundle. `encoder_torch` is judged in bfloat16,
as it runs on CUDA, on one picture:

| variant | mask IoU, mean | worst | in the bundle |
|---|---|---|---|
{variants}

## Speed

{encode_ms:,.0f} ms to encode a picture and {decode_ms:.1f} ms to decode a click by ONNX Runtime with {threads} threads,
measured when the bundle was made, on {machine}.

![The sample pictures with masks](examples.jpg)

One click, a box and one click on each of the page's own sample pictures (rendered); of a click the best-scored of the
three candidates is shown. The prompts were set before the masks were seen.
"""


def published_card(
    *, identity: Identity, parity: dict[str, Any], speed: Speed, encoder: int, decoder: int, size: int,
    least: dict[str, float],
) -> str:  # fmt: skip
    cases = parity["cases"].values()
    rows = []
    for role, told in parity["variants"].items():
        kept = "yes" if told.get("kept", True) else "no"
        rows.append(f"| `{role}` | {told['mask_iou_mean']:.4f} | {told['mask_iou_min']:.4f} | {kept} |")
    return PUBLISHED_CARD.format(
        id=identity.id,
        intro=identity.intro,
        source=identity.source,
        licence=identity.license,
        training=identity.training,
        encoder_parameters=encoder,
        decoder_parameters=decoder,
        size=size,
        pictures=parity["pictures"],
        cases=len(cases),
        encoder_relative=parity["encoder_relative"],
        worst_logits=max(case["logits_relative"] for case in cases),
        worst_iou=min(case["mask_iou"] for case in cases),
        worst_score=max(case["score"] for case in cases),
        wire_min=parity["embedding_on_the_wire"]["mask_iou_min"],
        least_mean=least["mask_iou_mean"],
        least_min=least["mask_iou_min"],
        variants="\n".join(rows),
        encode_ms=speed.encode_ms,
        decode_ms=speed.decode_ms,
        threads=speed.threads,
        machine=speed.machine,
    )

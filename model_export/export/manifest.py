"""The manifest of a network's bundle."""

from __future__ import annotations

from typing import Any

from model_export.export.graphs import DECODER_OUTPUTS, PROMPT_INPUTS
from model_export.export.identity import Identity
from model_export.export.parity import Report
from model_export.models.network import Network
from server.domain.bundle import (
    FORMAT_VERSION,
    BundleManifest,
    Calibration,
    Decoder,
    EmbeddingTensor,
    Preprocessing,
    Speed,
    TensorSpec,
    WireDtype,
)


def manifest_of(
    identity: Identity,
    model: Network,
    *,
    calibration: Calibration,
    accuracy: dict[str, Any] | None = None,
    parity: Report | None = None,
    speed: Speed | None = None,
    wire: WireDtype = "int8",
) -> BundleManifest:
    """Its `files` are still empty and its revision zeros; the bundle writer fills both."""
    (h, w), count = model.mask_shape, model.mask_count
    names = model.encoder.output_names
    prompt_shapes: dict[str, tuple[int | str, ...]] = {
        "point_coords": ("B", "N", 2), "point_labels": ("B", "N"), "mask_input": ("B", 1, h, w),
        "has_mask_input": ("B",),
    }  # fmt: skip
    output_shapes: dict[str, tuple[int | str, ...]] = {
        "low_res_masks": ("B", count, h, w),
        "iou_predictions": ("B", count),
    }
    shapes = dict(zip(names, model.embedding_shapes, strict=True))
    inputs = [TensorSpec(name=n, shape=(1, *shape), dtype="float32") for n, shape in shapes.items()]
    inputs += [TensorSpec(name=n, shape=prompt_shapes[n], dtype="float32") for n in PROMPT_INPUTS]
    return BundleManifest(
        format_version=FORMAT_VERSION,
        id=identity.id,
        revision="0" * 16,
        kind="promptable",
        title=identity.title,
        description=identity.description,
        license=identity.license,
        source=identity.source,
        preprocessing=Preprocessing(
            resize=model.resize, size=model.input_size, mean=model.pixel_mean, std=model.pixel_std
        ),
        embedding=tuple(EmbeddingTensor(name=n, shape=shape, wire_dtype=wire) for n, shape in shapes.items()),
        decoder=Decoder(
            inputs=tuple(inputs),
            outputs=tuple(TensorSpec(name=n, shape=output_shapes[n], dtype="float32") for n in DECODER_OUTPUTS),
            mask_height=h,
            mask_width=w,
            single_mask_index=model.single_mask_index,
            multi_mask_indices=model.multi_mask_indices,
            padding_is_neutral=True,
        ),
        calibration=calibration,
        files={},
        accuracy=accuracy or {},
        parity=parity or {},
        speed=speed,
    )

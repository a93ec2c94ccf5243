"""Golden vectors: one own picture, its embedding as stored, and decoder inputs with the outputs they must give.

Read by pytest, vitest and the browser's self-test; the format is in docs/bundle-format.md.
"""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from model_export.export.cases import decoder_cases
from model_export.export.parity import own_mask
from model_export.export.pictures import open_picture
from model_export.export.wire import through_wire
from server.domain.ports import DecoderInputs, LoadedBundle
from server.domain.quantisation import quantise
from server.runtime.onnx import OnnxBackend

GOLDEN_FORMAT = "segserve-golden/1"
BATCH_ROWS = [0, -1]  # a point and mixed points: enough to test a batch
CASES = ("point", "mask_prompt", "batch")  # the page fetches them all; the parity report has every kind


def golden_vectors(bundle: LoadedBundle, path: Path) -> bytes:
    """The picture at `path` must be our own: its pixels travel with the bundle."""
    manifest = bundle.manifest
    backend = OnnxBackend()
    encoder, decoder = backend.load_encoder(bundle), backend.load_decoder(bundle)
    picture = open_picture(path, bundle)
    exact = encoder.encode(picture.pixels, picture.valid_size)[0]
    height, width = picture.valid_size[0]
    tensors: dict[str, NDArray[Any]] = {"pixels": np.ascontiguousarray(picture.pixels[0, :height, :width])}
    scales: dict[str, list[float]] = {}
    for spec in manifest.embedding:
        value = np.asarray(exact[spec.name], np.float32)
        if spec.wire_dtype == "int8":
            value_int8, channel_scales = quantise(value)
            tensors[f"embedding.{spec.name}"] = value_int8
            scales[spec.name] = [float(s) for s in channel_scales]
        else:
            tensors[f"embedding.{spec.name}"] = value.astype(np.dtype(spec.wire_dtype))
    embedding = through_wire(bundle, exact)
    shape = (manifest.decoder.mask_height, manifest.decoder.mask_width)
    mask = own_mask(decoder, embedding, picture, manifest.mask_threshold, shape)
    every = decoder_cases(decoder, embedding, picture.frame, mask, shape)
    cases = {name: every[name] for name in CASES}
    cases["batch"] = DecoderInputs(*(value[BATCH_ROWS] for value in astuple(cases["batch"])))
    for name, case in cases.items():
        stored = case.mask_input.astype(np.float16)
        answer = decoder.decode(embedding, replace(case, mask_input=stored.astype(np.float32)))
        tensors[f"{name}.point_coords"] = case.point_coords
        tensors[f"{name}.point_labels"] = case.point_labels
        if case.has_mask_input.any():
            tensors[f"{name}.mask_input"] = stored
        tensors[f"{name}.has_mask_input"] = case.has_mask_input
        tensors[f"{name}.low_res_masks"] = answer.low_res_masks.astype(np.float16)
        tensors[f"{name}.iou_predictions"] = answer.iou_predictions
    frame = picture.frame
    metadata = {
        "format": GOLDEN_FORMAT,
        "scales": json.dumps(scales),
        "cases": json.dumps(sorted(cases)),
        "original_width": str(frame.width),
        "original_height": str(frame.height),
        "input_width": str(frame.input_width),
        "input_height": str(frame.input_height),
    }
    return save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, metadata)

"""Our decoder's inputs as a click makes them: the stored embedding of a picture, and prompts of one point each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_export.bench.encoder import one_picture
from server.domain.geometry import InputFrame
from server.domain.ports import DecoderInputs, LoadedBundle
from server.domain.prompts import Prompt, assemble
from server.domain.quantisation import dequantise, quantise
from server.runtime.onnx import OnnxBackend

Arrays = dict[str, NDArray[Any]]


def stored_embedding(bundle: LoadedBundle) -> Arrays:
    """float32 [1, C, H, W] by name, after the quantisation of the wire."""
    tensors = OnnxBackend(1).load_encoder(bundle).encode(*one_picture(bundle))[0]
    wire = {spec.name: spec.wire_dtype for spec in bundle.manifest.embedding}
    return {name: dequantise(*quantise(x)) if wire[name] == "int8" else x for name, x in tensors.items()}


def clicks(bundle: LoadedBundle, prompts: int) -> DecoderInputs:
    """`prompts` prompts, a foreground click each at a place of its own."""
    decoder = bundle.manifest.decoder
    preprocessing = bundle.manifest.preprocessing
    frame = InputFrame.of(640, 480, preprocessing.resize, preprocessing.size)
    places = np.random.default_rng(0).uniform((0, 0), (frame.width, frame.height), (prompts, 1, 2))
    listed = [Prompt(place, np.ones(1, np.float32)) for place in places]
    shape = (decoder.mask_height, decoder.mask_width)
    return assemble(listed, frame, shape, padding_is_neutral=decoder.padding_is_neutral)


def as_feeds(embedding: Arrays, inputs: DecoderInputs) -> Arrays:
    """All inputs of the decoder graph by name."""
    return embedding | {
        "point_coords": inputs.point_coords,
        "point_labels": inputs.point_labels,
        "mask_input": inputs.mask_input,
        "has_mask_input": inputs.has_mask_input,
    }

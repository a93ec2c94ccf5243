"""Parity: the bundle's graphs in ONNX Runtime against its torch network, over real pictures and real prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.export.cases import decoder_cases
from model_export.export.pictures import TestPicture, annotated_pictures, open_picture, sample_paths
from model_export.export.variants import with_variant
from model_export.export.weights import load_bundle_weights
from model_export.export.wire import through_wire
from model_export.models.network import Network
from server.domain.masks import upsample_mask
from server.domain.ports import Decoder, DecoderInputs, DecoderOutputs, LoadedBundle, Tensors
from server.runtime.onnx import OnnxBackend, OnnxDecoder, OnnxEncoder
from server.runtime.torch_backend import TorchBackend

LIMITS = {"encoder_relative": 1e-3, "logits_relative": 1e-3, "mask_iou": 0.999, "score": 1e-3}
PROGRAM_PICTURES = 4
Report = dict[str, Any]


def largest(a: float, b: float) -> float:
    """The larger one; NaN where either is, which `max` would pass over, so that no limit holds."""
    return float(np.maximum(a, b))


def smallest(a: float, b: float) -> float:
    """The smaller one, or NaN, as `largest`."""
    return float(np.minimum(a, b))


def difference(exact: Tensors, got: Tensors) -> float:
    """Of the tensor that differs most: the largest difference as a share of its largest value."""
    shares = [float(np.abs(value - got[name]).max() / np.abs(value).max()) for name, value in exact.items()]
    return float(np.max(shares))


def torch_encode(model: Network, bundle: LoadedBundle, picture: TestPicture) -> dict[str, NDArray[np.float32]]:
    """The embedding tensors of one picture, by name."""
    with torch.no_grad():
        found = model.encoder(torch.from_numpy(picture.pixels), torch.from_numpy(picture.valid_size))
    return {spec.name: value.numpy() for spec, value in zip(bundle.manifest.embedding, found, strict=True)}


def program_difference(model: Network, bundle: LoadedBundle, pictures: Sequence[TestPicture]) -> float:
    """Of the exported program, which is gone again afterwards: it holds the weights once more."""
    program = TorchBackend("cpu").load_encoder(bundle)
    shares = [
        difference(torch_encode(model, bundle, each), program.encode(each.pixels, each.valid_size)[0])
        for each in pictures[:PROGRAM_PICTURES]
    ]
    return float(np.max(shares))


def torch_decode(model: Network, embedding: Tensors, inputs: DecoderInputs) -> DecoderOutputs:
    tensors = [torch.from_numpy(np.asarray(value)) for value in embedding.values()]
    prompt = (inputs.point_coords, inputs.point_labels, inputs.mask_input, inputs.has_mask_input)
    with torch.no_grad():
        masks, scores = model.decoder(*tensors, *(torch.from_numpy(value) for value in prompt))
    return DecoderOutputs(masks.numpy(), scores.numpy())


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def compare_case(torch_out: DecoderOutputs, onnx_out: DecoderOutputs, picture: TestPicture, threshold: float) -> Report:
    reference, got = torch_out.low_res_masks, onnx_out.low_res_masks
    span = float(reference.max() - reference.min())
    ious = [
        iou(upsample_mask(a, picture.frame, threshold), upsample_mask(b, picture.frame, threshold))
        for a, b in zip(reference.reshape(-1, *reference.shape[2:]), got.reshape(-1, *got.shape[2:]), strict=True)
    ]
    return {
        "logits_relative": float(np.abs(reference - got).max()) / max(span, 1e-6),
        "mask_iou": float(np.min(ious)),
        "score": float(np.abs(torch_out.iou_predictions - onnx_out.iou_predictions).max()),
    }


def best_iou(reference: DecoderOutputs, other: DecoderOutputs, picture: TestPicture, threshold: float) -> float:
    """IoU of the reference's best-scored mask and the other's same output, on the original's pixels, for the first
    prompt."""
    best = int(reference.iou_predictions[0].argmax())
    return iou(
        upsample_mask(reference.low_res_masks[0, best], picture.frame, threshold),
        upsample_mask(other.low_res_masks[0, best], picture.frame, threshold),
    )


def spread(ious: list[float]) -> dict[str, float]:
    return {"mask_iou_mean": float(np.mean(ious)), "mask_iou_min": float(np.min(ious))}


def open_variants(bundle: LoadedBundle, backend: OnnxBackend) -> dict[str, OnnxEncoder | OnnxDecoder]:
    """Those of the bundle's smaller graphs that it has, by role."""
    found: dict[str, OnnxEncoder | OnnxDecoder] = {}
    if encoder := with_variant(bundle, "encoder_int8", "encoder"):
        found["encoder_int8"] = backend.load_encoder(encoder)
    if decoder := with_variant(bundle, "decoder_fp16", "decoder"):
        found["decoder_fp16"] = backend.load_decoder(decoder)
    return found


def own_mask(
    decoder: Decoder, embedding: Tensors, picture: TestPicture, threshold: float, mask_shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """For a picture without annotation: the model's own mask at its middle (a disk where that is empty)."""
    frame = picture.frame
    ys, xs = np.mgrid[: frame.height, : frame.width]
    side = min(frame.width, frame.height)
    disk: NDArray[np.bool_] = (xs - frame.width / 2) ** 2 + (ys - frame.height / 2) ** 2 < (side / 4) ** 2
    point = decoder_cases(decoder, embedding, frame, disk, mask_shape)["point"]
    answer = decoder.decode(embedding, point)
    best = int(answer.iou_predictions[0].argmax())
    mask = upsample_mask(answer.low_res_masks[0, best], frame, threshold)
    return mask if 0.005 < mask.mean() < 0.9 else disk


def answers_of(
    variants: Mapping[str, OnnxEncoder | OnnxDecoder], decoder: Decoder, embedding: Tensors, picture: TestPicture
) -> dict[str, Callable[[DecoderInputs], DecoderOutputs]]:
    """How the bundle would answer a prompt on this picture with one graph replaced by its variant, by role."""
    return {
        role: partial(part.decode, embedding)
        if isinstance(part, OnnxDecoder)
        else partial(decoder.decode, part.encode(picture.pixels, picture.valid_size)[0])
        for role, part in variants.items()
    }


def in_bfloat16(model: Network, picture: TestPicture, names: list[str]) -> Tensors:
    """The embedding as torch computes it on CUDA, under autocast in bfloat16, here on the CPU."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = model.encoder(torch.from_numpy(picture.pixels), torch.from_numpy(picture.valid_size))
    return {name: value.float().numpy() for name, value in zip(names, found, strict=True)}


def parity_report(bundle: LoadedBundle, data: Path | None, count: int = 24) -> Report:
    """Worst values over all pictures and cases, by case, the limits, and `passed`; of each variant of a graph how
    much of torch's masks it keeps. The exported program, where there is one, runs in float32 on the CPU, on the first
    pictures, and has the limit of the encoder. `data`: annotated pictures; where there are none, or none held out, the
    page's samples."""
    manifest = bundle.manifest
    weights = manifest.file_for("weights")
    if weights is None:
        raise ValueError("this bundle keeps no torch weights, so parity cannot be recomputed")
    model = load_bundle_weights(manifest.id, Path(bundle.directory) / weights)
    pictures = annotated_pictures(data, bundle, count) if data is not None and data.is_dir() else []
    pictures = pictures or [open_picture(path, bundle) for path in sample_paths()[:count]]  # where nothing is held out
    if not pictures:
        raise ValueError("no pictures to verify on: give --data, or render web/public/samples")
    relative = {"encoder_relative": 0.0}
    if manifest.file_for("encoder_torch"):
        relative["encoder_torch_relative"] = program_difference(model, bundle, pictures)
    backend = OnnxBackend()
    encoder, decoder = backend.load_encoder(bundle), backend.load_decoder(bundle)
    shape = (manifest.decoder.mask_height, manifest.decoder.mask_width)
    threshold = manifest.mask_threshold
    variants = open_variants(bundle, backend)
    kept: dict[str, list[float]] = {}
    wire: list[float] = []
    cases: dict[str, Report] = {}
    for picture in pictures:
        got = encoder.encode(picture.pixels, picture.valid_size)[0]
        exact = torch_encode(model, bundle, picture)
        relative["encoder_relative"] = largest(relative["encoder_relative"], difference(exact, got))
        mask = picture.mask if picture.mask is not None else own_mask(decoder, got, picture, threshold, shape)
        stored = through_wire(bundle, got)
        others = answers_of(variants, decoder, got, picture)
        if picture is pictures[0]:
            others["encoder_torch"] = partial(decoder.decode, in_bfloat16(model, picture, list(exact)))
        for name, case in decoder_cases(decoder, exact, picture.frame, mask, shape).items():
            reference_answer, answer = torch_decode(model, exact, case), decoder.decode(got, case)
            outcome = compare_case(reference_answer, answer, picture, threshold)
            worst = cases.setdefault(name, outcome)
            for key in worst:
                worst[key] = (smallest if key == "mask_iou" else largest)(worst[key], outcome[key])
            wire.append(best_iou(answer, decoder.decode(stored, case), picture, threshold))
            for role, other in others.items():
                kept.setdefault(role, []).append(best_iou(reference_answer, other(case), picture, threshold))
    passed = all(value <= LIMITS["encoder_relative"] for value in relative.values()) and all(
        c["logits_relative"] <= LIMITS["logits_relative"]
        and c["mask_iou"] >= LIMITS["mask_iou"]
        and c["score"] <= LIMITS["score"]
        for c in cases.values()
    )
    return {
        "reference": "torch float32 on the CPU with the bundle's weights.safetensors",
        "pictures": len(pictures),
        **relative,
        "cases": cases,
        "embedding_on_the_wire": spread(wire),
        "variants": {role: spread(ious) for role, ious in kept.items()},
        "limits": LIMITS,
        "passed": passed,
    }

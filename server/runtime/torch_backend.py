"""torch: the same bundle's encoder as an exported program, for CUDA. The decoder, and
what interactive bundles have, stay with ONNX Runtime.

The program's inputs are (weights: dict of tensors, pixels, valid_size). The weights are those of the bundle's
safetensors file whose names begin with `encoder.`, without that prefix, held in float32 whatever the file stores. On
CUDA the arithmetic runs in bfloat16 under autocast; the embedding leaves in float32. torch is imported here alone, when
the back end is made.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.ports import ClickStages, Decoder, Encoder, Float32, LoadedBundle, UInt8
from server.errors import BundleError, UnavailableError
from server.runtime.onnx import OnnxBackend, require_file, split_batch
from server.runtime.weights import read_weights

logger = logging.getLogger(__name__)

WEIGHTS_PREFIX = "encoder."


class TorchEncoder:
    """The port `Encoder` on an `encoder.pt2`."""

    def __init__(self, program: Any, weights: Mapping[str, Any], names: list[str], device: Any) -> None:
        self._program = program
        self._weights = dict(weights)
        self._names = names
        self._device = device

    def encode(self, pixels: UInt8, valid_size: NDArray[np.int64]) -> list[dict[str, Float32]]:
        import torch

        on_device = torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)
        valid = torch.from_numpy(np.ascontiguousarray(valid_size, np.int64)).to(self._device)
        with torch.inference_mode(), self._precision():
            outputs = self._program(self._weights, on_device, valid)
        tensors = {name: output.float().cpu().numpy() for name, output in self._named(outputs).items()}
        return split_batch(tensors, len(pixels))

    def interrupt(self) -> None:
        """A run on a GPU is over before it could be stopped."""

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        if self._device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return nullcontext()

    def _named(self, outputs: Any) -> dict[str, Any]:
        """A program answers a dict by name, or a tuple in the manifest's order."""
        if isinstance(outputs, Mapping):
            return {name: outputs[name] for name in self._names}
        return dict(zip(self._names, outputs, strict=True))


class TorchBackend:
    """`device` is "cuda", "cuda:1" or "cpu". A bundle without an exported program is encoded by ONNX Runtime.

    Raises UnavailableError `backend_unavailable` when torch is not installed or the device is not there.
    """

    name = "torch"

    def __init__(self, device: str = "cuda", *, threads: int = 0) -> None:
        try:
            import torch
        except ImportError as error:
            message = "torch is not installed: pip install -c constraints.txt -e '.[gpu]', or set SEGSERVE_DEVICE=cpu."
            raise UnavailableError(message, code="backend_unavailable") from error
        self.device = torch.device(device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            message = "No CUDA device is there for torch: check the driver, or set SEGSERVE_DEVICE=cpu."
            raise UnavailableError(message, code="backend_unavailable")
        self._onnx = OnnxBackend(threads)

    def load_encoder(self, bundle: LoadedBundle) -> Encoder:
        import torch
        from torch.export.passes import move_to_device_pass

        manifest = bundle.manifest
        file = manifest.file_for("encoder_torch")
        if file is None:
            logger.warning("%s has no exported program; ONNX Runtime encodes for it", manifest.id)
            return self._onnx.load_encoder(bundle)
        directory = Path(bundle.directory)
        try:
            exported = move_to_device_pass(torch.export.load(directory / file), self.device)
        except Exception as error:  # torch raises many kinds for a damaged archive
            reason = str(error).replace(f"{directory}{os.sep}", "")  # callers read it
            message = f"{file} of {manifest.id} could not be loaded by torch: {reason}"
            raise BundleError(message, code="bundle_graph_invalid", file=file) from error
        arrays = read_weights(directory / require_file(manifest, "weights"))
        weights: dict[str, Any] = {}
        for name in _weight_names(exported):
            if WEIGHTS_PREFIX + name not in arrays:
                message = f"{file} of {manifest.id} wants the weight {WEIGHTS_PREFIX}{name}, which the bundle lacks."
                raise BundleError(message, code="bundle_graph_mismatch", file=file)
            weights[name] = torch.from_numpy(arrays[WEIGHTS_PREFIX + name]).float().to(self.device)
        return TorchEncoder(exported.module(), weights, [tensor.name for tensor in manifest.embedding], self.device)

    def load_decoder(self, bundle: LoadedBundle) -> Decoder:
        return self._onnx.load_decoder(bundle)

    def load_stages(self, bundle: LoadedBundle) -> ClickStages:
        return self._onnx.load_stages(bundle)


def _weight_names(exported: Any) -> list[str]:
    """Keys of the program's first argument in the order of its export, which torch insists on."""
    from torch.utils import _pytree

    spec = exported.call_spec.in_spec
    arguments, _ = _pytree.tree_unflatten(list(range(spec.num_leaves)), spec)
    return list(arguments[0])

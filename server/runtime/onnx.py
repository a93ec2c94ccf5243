"""ONNX Runtime on the processor: the default back end, and the decoder of every back end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from server.domain.bundle import BundleManifest, FileRole
from server.domain.limits import available_cores
from server.domain.ports import DecoderInputs, DecoderOutputs, Float32, LoadedBundle, Tensors, UInt8
from server.errors import BundleError
from server.runtime.click_stages import OnnxStages
from server.runtime.graph_check import check_graph, encoder_specs

_ERRORS_ONLY = 3


class OnnxEncoder:
    """The port `Encoder` on an `encoder.onnx`."""

    def __init__(self, session: Any, manifest: BundleManifest) -> None:
        self._session = session
        self._outputs = [tensor.name for tensor in manifest.embedding]
        self._running: Any = None

    def encode(self, pixels: UInt8, valid_size: NDArray[np.int64]) -> list[dict[str, Float32]]:
        feeds = {"pixels": np.ascontiguousarray(pixels), "valid_size": np.ascontiguousarray(valid_size, np.int64)}
        options = onnxruntime.RunOptions()
        self._running = options
        try:
            tensors = dict(zip(self._outputs, self._session.run(self._outputs, feeds, options), strict=True))
        finally:
            self._running = None
        return split_batch(tensors, len(pixels))

    def interrupt(self) -> None:
        """ONNX Runtime looks at the flag before each operator."""
        if (running := self._running) is not None:
            running.terminate = True


class OnnxDecoder:
    """The port `Decoder` on a `decoder.onnx`; a session may run from several threads at once."""

    def __init__(self, session: Any, manifest: BundleManifest) -> None:
        self._session = session
        self._embedding = [tensor.name for tensor in manifest.embedding]

    def decode(self, embedding: Tensors, inputs: DecoderInputs) -> DecoderOutputs:
        feeds: dict[str, NDArray[Any]] = {
            "point_coords": inputs.point_coords,
            "point_labels": inputs.point_labels,
            "mask_input": inputs.mask_input,
            "has_mask_input": inputs.has_mask_input,
        }
        for name in self._embedding:
            feeds[name] = np.ascontiguousarray(embedding[name], np.float32)
        masks, scores = self._session.run(["low_res_masks", "iou_predictions"], feeds)
        return DecoderOutputs(masks, scores)


class OnnxBackend:
    """`threads` is the number of threads within one run; 0 means one per processor core that this process may use.

    `int8`: encode with int8 weights where a bundle has them. Threads do not spin between runs: the encoder, the
    decoders and the event loop share the same cores.
    """

    name = "onnx"

    def __init__(self, threads: int = 0, *, int8: bool = False) -> None:
        self.int8 = int8
        self.threads = threads if threads > 0 else available_cores()

    def load_encoder(self, bundle: LoadedBundle) -> OnnxEncoder:
        role: FileRole = "encoder_int8" if self.int8 and bundle.manifest.file_for("encoder_int8") else "encoder"
        file, session = self.open(bundle, role, arena=False)
        check_graph(file, encoder_specs(bundle.manifest), (session.get_inputs(), session.get_outputs()))
        return OnnxEncoder(session, bundle.manifest)

    def load_decoder(self, bundle: LoadedBundle) -> OnnxDecoder:
        file, session = self.open(bundle, "decoder")
        decoder = bundle.manifest.decoder
        check_graph(file, (decoder.inputs, decoder.outputs), (session.get_inputs(), session.get_outputs()))
        return OnnxDecoder(session, bundle.manifest)

    def load_stages(self, bundle: LoadedBundle) -> OnnxStages:
        return OnnxStages(bundle, self)

    def open(self, bundle: LoadedBundle, role: FileRole, *, arena: bool = True) -> tuple[str, Any]:
        """(name of the file with this role, its session). Raises BundleError `bundle_file_missing` or
        `bundle_graph_invalid`."""
        file = require_file(bundle.manifest, role)
        try:
            session = onnxruntime.InferenceSession(
                str(Path(bundle.directory) / file), self._options(arena), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises its own, untyped ones
            reason = str(error).replace(f"{bundle.directory}{os.sep}", "")  # callers read it
            message = f"{file} of {bundle.manifest.id} could not be loaded by ONNX Runtime: {reason}"
            raise BundleError(message, code="bundle_graph_invalid", file=file) from error
        return file, session

    def _options(self, arena: bool) -> Any:
        """Without an arena a run's memory goes back to the system after it: an encoder's is gigabytes, and it runs
        seldom. A decoder's is small and it runs often."""
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = arena
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options


def require_file(manifest: BundleManifest, role: FileRole) -> str:
    """Name of the bundle's file with this role. Raises BundleError `bundle_file_missing`."""
    file = manifest.file_for(role)
    if file is None:
        message = f"The bundle {manifest.id} names no file with the role {role}."
        raise BundleError(message, code="bundle_file_missing", role=role)
    return file


def split_batch(tensors: Mapping[str, Float32], batch: int) -> list[dict[str, Float32]]:
    """float32 [B, C, H, W] by name -> for each picture its own [1, C, H, W], copied so that one picture's embedding
    does not keep the whole batch in memory."""
    if batch == 1:
        return [dict(tensors)]
    return [{name: tensor[row : row + 1].copy() for name, tensor in tensors.items()} for row in range(batch)]

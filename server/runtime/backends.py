"""Which back end serves: a table from the setting to a constructor."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import sys
from typing import Literal

from server.domain.ports import Backend
from server.errors import UnavailableError
from server.runtime.onnx import OnnxBackend

logger = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]


def select_backend(device: Device = "auto", *, threads: int = 0, int8: bool = False) -> Backend:
    """`cpu`: ONNX Runtime. `cuda`: torch, or UnavailableError `backend_unavailable`. `auto`: torch where it is
    installed and finds a CUDA device, else ONNX Runtime."""
    if device == "cpu":
        return OnnxBackend(threads, int8=int8)
    if device == "cuda":
        return _torch(threads)
    if importlib.util.find_spec("torch") is None or not cuda_driver_present():
        return OnnxBackend(threads, int8=int8)
    try:
        return _torch(threads)
    except UnavailableError as error:
        logger.warning("%s ONNX Runtime serves instead.", error.message)
        return OnnxBackend(threads, int8=int8)


def cuda_driver_present() -> bool:
    """Asked before torch is imported, which takes seconds: whether the driver's own library can be loaded."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _torch(threads: int) -> Backend:
    from server.runtime.torch_backend import TorchBackend

    return TorchBackend("cuda", threads=threads)

"""Noise removal: Intel Open Image Denoise (the library inside PyPI's `oidn` wheel) or, without it, non-local means."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

import cv2
import numpy as np

Array = np.ndarray
FLOAT3 = 3


def denoise(colour: Array, albedo: Array, normal: Array) -> Array:
    """Linear RGB without noise; `albedo` and `normal` keep textures and edges sharp. All are float32 [H, W, 3]."""
    spec = importlib.util.find_spec("oidn")
    if spec is None or spec.origin is None:
        return _non_local_means(colour)
    folder = next(Path(spec.origin).parent.glob("lib.linux*"))
    ctypes.CDLL(str(next(folder.glob("libtbb.so*"))), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(next(folder.glob("libOpenImageDenoise.so*"))))
    handle, size = ctypes.c_void_p, ctypes.c_size_t
    library.oidnNewDevice.restype = library.oidnNewFilter.restype = handle
    library.oidnNewFilter.argtypes = [handle, ctypes.c_char_p]
    library.oidnSetSharedFilterImage.argtypes = [
        handle,
        ctypes.c_char_p,
        handle,
        ctypes.c_int,
        size,
        size,
        size,
        size,
        size,
    ]
    library.oidnSetFilter1b.argtypes = [handle, ctypes.c_char_p, ctypes.c_bool]
    for name in ("oidnCommitDevice", "oidnCommitFilter", "oidnExecuteFilter", "oidnReleaseFilter", "oidnReleaseDevice"):
        getattr(library, name).argtypes = [handle]
    height, width = colour.shape[:2]
    result = np.zeros_like(colour)
    images = {b"color": colour, b"albedo": np.clip(albedo, 0, 1), b"normal": normal, b"output": result}
    device = library.oidnNewDevice(0)
    library.oidnCommitDevice(device)
    work = library.oidnNewFilter(device, b"RT")
    for name_, image in images.items():  # `images` keeps the arrays alive while the library reads their addresses
        library.oidnSetSharedFilterImage(work, name_, image.ctypes.data, FLOAT3, width, height, 0, 0, 0)
    library.oidnSetFilter1b(work, b"hdr", True)
    library.oidnCommitFilter(work)
    library.oidnExecuteFilter(work)
    library.oidnReleaseFilter(work)
    library.oidnReleaseDevice(device)
    return result


def _non_local_means(colour: Array) -> Array:
    tone = np.clip(255 * colour / (1 + colour), 0, 255).astype(np.uint8)
    quiet = cv2.fastNlMeansDenoisingColored(tone, None, 2, 4, 5, 15).astype(np.float32) / 255
    quiet = np.clip(quiet, 0, 0.996)
    return np.asarray(quiet / (1 - quiet))

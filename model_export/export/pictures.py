"""Pictures to verify a bundle on: the project's data where it is at hand, else the page's own samples."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_export.data.picture_files import MAX_PIXELS
from server.domain.geometry import InputFrame
from server.domain.ports import LoadedBundle, UInt8
from server.errors import ImageError
from server.runtime.images import decode_image, prepare_pixels

_ROOT = Path(__file__).parents[2]
# The checkout's, or the installed package's built page.
SAMPLES = next(
    (path for path in (_ROOT / "web/public/samples", _ROOT / "server/static/samples") if path.is_dir()),
    _ROOT / "web/public/samples",
)


@dataclass(frozen=True)
class TestPicture:
    """`mask` bool [height, width] of the upright original, or None where nobody annotated it."""

    name: str
    frame: InputFrame
    pixels: UInt8
    valid_size: NDArray[np.int64]
    mask: NDArray[np.bool_] | None


def open_picture(path: Path, bundle: LoadedBundle, mask: NDArray[np.bool_] | None = None) -> TestPicture:
    """Decode and resize exactly as the server does; `pixels` [1, S, S, 3], `valid_size` [1, 2]."""
    image = decode_image(path.read_bytes(), max_pixels=MAX_PIXELS)
    preprocessing = bundle.manifest.preprocessing
    pixels, valid = prepare_pixels(image.rgb, preprocessing)
    frame = InputFrame.of(image.width, image.height, preprocessing.resize, preprocessing.size)
    return TestPicture(path.name, frame, pixels[None], np.array([valid], np.int64), mask)


def sample_paths() -> list[Path]:
    return sorted(path for path in SAMPLES.glob("*.jpg") if ".thumb" not in path.name)


def annotated_pictures(root: Path, bundle: LoadedBundle, count: int) -> list[TestPicture]:
    """`count` validation pictures spread over all sets, each with its largest mask below two thirds of the picture;
    fewer where one cannot be read."""
    from model_export.data.readers import read_sets

    pictures = read_sets(root, "val")
    chosen = pictures[:: max(1, len(pictures) // count)][:count]
    result = []
    for picture in chosen:
        masks = sorted((picture.mask(k).astype(bool) for k in range(len(picture.rles))), key=np.count_nonzero)
        fitting = [mask for mask in masks if 0 < mask.mean() < 0.67]
        if fitting:
            with suppress(ImageError, OSError):
                result.append(open_picture(picture.path, bundle, fitting[-1]))
    return result

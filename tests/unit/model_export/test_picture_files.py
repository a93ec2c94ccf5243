"""Pictures of data sets are the pixels that the server and evaluation see, and their sizes are known without those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_export.data.errors import AnnotationError
from model_export.data.picture import Picture
from model_export.data.picture_files import upright_size
from server.runtime.images import decode_image

NOISE = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
XMP = b'<rdf:Description tiff:Orientation="6"/>'


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 8])
def test_a_picture_is_upright_whatever_its_format(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    check(
        tmp_path / f"a{suffix}", Image.fromarray(NOISE[..., :3]), (30, 40) if orientation >= 5 else (40, 30), exif=exif
    )


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(NOISE),
        Image.fromarray(NOISE[..., 0].astype(np.float32) / 255),
        Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257),
    ],
    ids=["alpha", "float", "16 bits"],
)
def test_a_picture_has_the_server_s_colours(tmp_path: Path, image: Image.Image) -> None:
    check(tmp_path / "a.tif", image, (40, 30))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
def test_xmp_turns_no_picture(tmp_path: Path, suffix: str) -> None:
    options = {"tiffinfo": {700: XMP}} if suffix == ".tif" else {"xmp": XMP}
    check(tmp_path / f"a{suffix}", Image.fromarray(NOISE[..., :3]), (40, 30), **options)


def check(path: Path, image: Image.Image, size: tuple[int, int], **options: object) -> None:
    image.save(path, **options)
    assert upright_size(path) == size
    pixels = Picture("set", path, *size, ()).pixels()
    assert pixels.shape == (size[1], size[0], 3)
    np.testing.assert_array_equal(pixels, decode_image(path.read_bytes(), max_pixels=1 << 20).rgb)


def test_a_picture_that_is_cut_short_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(NOISE[..., :3]).save(path)
    path.write_bytes(path.read_bytes()[:-400])
    for place in (path, tmp_path / "gone.jpg"):
        with pytest.raises(AnnotationError, match=r"broken picture: ."):
            Picture("set", place, 40, 30, ()).pixels()

"""A file that somebody sent -> upright RGB pixels with an identity, and pixels -> the encoder's input.

Six formats, the first frame of each: JPEG, PNG, WebP, BMP, TIFF, GIF. The pixel count is checked before any pixel is
decoded. Everything that a file can do wrong raises ImageError and nothing else.

Pictures are turned upright by EXIF alone. How colours become 8-bit RGB (ICC profiles are not applied):
- alpha, of any kind, is composited on white; premultiplied alpha is divided out first;
- one-channel 16-bit: rint(value / 257); 16-bit RGB: the high byte, which is what Pillow reads; 32-bit integers are
  clipped to 0..65535 and scaled like 16-bit;
- floating point: 0..1 when no value exceeds 1, else 0..255; clipped, NaN is black;
- CMYK JPEG is read as inverted, the way Adobe writes it and browsers read it; CMYK to RGB is (255 - C)(255 - K) / 255;
- palettes, 1-bit, YCbCr and HSV are converted by Pillow; LAB is refused.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from server.domain.bundle import Preprocessing
from server.domain.geometry import InputFrame
from server.domain.ports import UInt8
from server.errors import ImageError
from server.runtime.signatures import declared_size, sniff_format, tiff_tile_pixels

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
FORMAT_NAMES = "JPEG, PNG, WebP, BMP, TIFF or GIF"

# EXIF orientation -> what makes the picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_INTERPOLATION = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

# The bound here is `max_pixels`, checked before decoding; Pillow's own would warn and raise at other sizes.
Image.MAX_IMAGE_PIXELS = None
_STRIP_PIXELS = 1 << 20
MOST_SIDE = 65_535
"""A picture of one row may have as many pixels as a square one, and what is worked out by rows and columns cannot."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """`rgb` uint8 [height, width, 3], upright, C-contiguous. `id` is the SHA-256 of the size and these pixels, so it is
    the same whatever file they came in. `format` is the file's: jpeg, png, webp, bmp, tiff or gif."""

    id: str
    width: int
    height: int
    rgb: UInt8
    format: str


def decode_image(data: bytes, *, max_pixels: int) -> DecodedImage:
    """Blocking; call it from a worker thread.

    Raises ImageError: image_empty, image_unsupported, image_truncated (damaged or cut short), image_too_many_pixels.
    """
    if not data:
        raise ImageError("The image is empty: send the file's bytes.", code="image_empty")
    sniffed = sniff_format(data)
    if sniffed is None:
        _unsupported()
    # What Pillow has to say about a stranger's file is said by ImageError; process-wide because filters are.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        declared = declared_size(sniffed, data)
        if declared is not None:
            _bound(declared, max_pixels)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _bound(image.size, max_pixels)
            if image.format == "TIFF":
                _bound_pixels((tiff_tile_pixels(image), 1), max_pixels)
                image.info.pop("xmp", None)  # Pillow would turn the picture by what it says, as nobody else does
            image.load()
            upright = _upright(image)
            if upright is not image:
                image.close()  # its pixels, which are of no use any more
            rgb = _to_rgb(upright)
            _bound((rgb.shape[1], rgb.shape[0]), max_pixels)
    except ImageError:
        raise
    except Exception as error:  # Pillow's plugins raise whatever the bytes lead them to
        message = f"The {sniffed} file is damaged or incomplete: it could not be decoded. Send the whole file again."
        raise ImageError(message, code="image_truncated", format=sniffed.lower()) from error
    height, width = rgb.shape[:2]
    return DecodedImage(image_id(rgb), width, height, rgb, sniffed.lower())


def exif_orientation(image: Image.Image) -> int | None:
    """Of an opened file; None where it says none or its EXIF block is broken, and of a TIFF, whose size is the upright
    one when Pillow has opened it, and its pixels when they are loaded. Pillow's `getexif` would take XMP's word where
    EXIF has none, by which browsers do not turn."""
    block = image.info.get("exif")
    exif = Image.Exif()
    try:
        if block is None and "Raw profile type exif" in image.info:  # ImageMagick's, in a PNG
            block = bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:]))
        exif.load(block or b"")
        orientation = exif.get(ExifTags.Base.Orientation)
    except Exception:  # the pixels are fine, only the metadata is not
        return None
    return orientation if isinstance(orientation, int) else None


def image_id(rgb: UInt8) -> str:
    """SHA-256, in hex, of `<width>x<height>\\n` and the upright RGB bytes, row by row. rgb uint8 [H, W, 3]."""
    digest = hashlib.sha256(f"{rgb.shape[1]}x{rgb.shape[0]}\n".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def prepare_pixels(rgb: UInt8, preprocessing: Preprocessing) -> tuple[UInt8, tuple[int, int]]:
    """rgb uint8 [H, W, 3] -> pixels uint8 [S, S, 3], resized by the manifest's rule, padded bottom right with
    zeros, and the valid (height, width).

    Pillow's antialiased resampling, with its two-step shortcut for large reductions.
    """
    height, width = rgb.shape[:2]
    frame = InputFrame.of(width, height, preprocessing.resize, preprocessing.size)
    valid = (frame.input_height, frame.input_width)
    pixels = np.zeros((preprocessing.size, preprocessing.size, 3), np.uint8)
    if (height, width) == valid:
        pixels[:height, :width] = rgb
        return pixels, valid
    resampling = _INTERPOLATION[preprocessing.interpolation]
    resized = Image.fromarray(rgb).resize((frame.input_width, frame.input_height), resampling, reducing_gap=2.0)
    pixels[: valid[0], : valid[1]] = np.asarray(resized)
    return pixels, valid


def _bound(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError("The image has no pixels: its width or height is zero.", code="image_empty")
    _bound_pixels(size, max_pixels)
    if max(size) > MOST_SIDE:
        message = f"The image has {width} x {height} pixels; a side may have {MOST_SIDE} at most. Scale it down first."
        details = {"width": width, "height": height, "max_side": MOST_SIDE}
        raise ImageError(message, code="image_too_many_pixels", **details)


def _bound_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        message = f"The image has {width} x {height} pixels; at most {max_pixels} are accepted. Scale it down first."
        details = {"width": width, "height": height, "max_pixels": max_pixels}
        raise ImageError(message, code="image_too_many_pixels", **details)


def _unsupported(reason: str = "The file is not an image in a known format") -> NoReturn:
    raise ImageError(f"{reason}: send {FORMAT_NAMES}.", code="image_unsupported")


def _upright(image: Image.Image) -> Image.Image:
    orientation = exif_orientation(image)
    transpose = None if orientation is None else _UPRIGHT.get(orientation)
    return image if transpose is None else image.transpose(transpose)


def _to_rgb(image: Image.Image) -> UInt8:
    if image.mode in ("RGB", "RGBX") and not image.has_transparency_data:
        return _array(image)
    if image.mode.startswith("I;16") or image.mode == "I":
        return _grey(image, _from_integers)
    if image.mode == "F":
        scale = np.float32(255 if max(_finite(strip).max() for _, strip in _strips(image)) <= 1 else 1)
        return _grey(image, lambda strip: np.rint(np.clip(_finite(strip) * scale, 0, 255)))
    if image.mode == "LAB":
        _unsupported("LAB colours are not read")
    return _array(image)


def _array(image: Image.Image) -> UInt8:
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        straight = _on_white(strip) if strip.has_transparency_data else strip.convert("RGB")
        rgb[top : top + strip.height] = np.asarray(straight)
    return rgb


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """(first row, rows from there on), of about a megapixel: Pillow hands pixels over as bytes in pieces that are then
    joined, which takes twice the room."""
    width, height = image.size
    rows = max(_STRIP_PIXELS // width, 1)
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(top + rows, height)))


def _on_white(image: Image.Image) -> Image.Image:
    straight = image.convert("RGBA")
    page = Image.new("RGB", straight.size, "white")
    page.paste(straight, mask=straight.getchannel("A"))
    return page


def _grey(image: Image.Image, to_bytes: Callable[[Image.Image], NDArray[Any]]) -> UInt8:
    """`to_bytes`: a strip of the image -> [rows, width], whole numbers of 0 to 255 in any type."""
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        rgb[top : top + strip.height] = to_bytes(strip).astype(np.uint8)[:, :, None]
    return rgb


def _from_integers(strip: Image.Image) -> NDArray[np.uint32]:
    values = np.clip(np.asarray(strip), 0, 65535).astype(np.uint32)
    scaled: NDArray[np.uint32] = (values + np.uint32(128)) // np.uint32(257)  # rint, without a floating-point copy
    return scaled


def _finite(strip: Image.Image) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.nan_to_num(np.asarray(strip), nan=0.0, posinf=255.0, neginf=0.0)
    return values

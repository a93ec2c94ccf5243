"""What a file's first bytes say, read before an image library spends memory on it."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
)
_LONGEST_HEADER = 30
_BMP_CORE_HEADER = 12
_TILE_WIDTH = 322
_TILE_LENGTH = 323


def sniff_format(data: bytes) -> str | None:
    """Pillow's name of the format that the bytes begin like, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for signature, name in _SIGNATURES if data.startswith(signature)), None)


def declared_size(name: str, data: bytes) -> tuple[int, int] | None:
    """(width, height) that the header of a PNG, GIF, BMP or WebP announces; None for the others, whose size lies deeper
    and is read by the library before it reserves anything. Raises ValueError for a header that is cut short."""
    reader = {"PNG": _png_size, "GIF": _gif_size, "BMP": _bmp_size, "WEBP": _webp_canvas}.get(name)
    if reader is None:
        return None
    if len(data) < _LONGEST_HEADER:
        raise ValueError("the header is cut short")
    return reader(data)


def _png_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _bmp_size(data: bytes) -> tuple[int, int]:
    """A negative height means rows from top to bottom."""
    if int.from_bytes(data[14:18], "little") == _BMP_CORE_HEADER:
        return int.from_bytes(data[18:20], "little"), int.from_bytes(data[20:22], "little")
    return int.from_bytes(data[18:22], "little"), abs(int.from_bytes(data[22:26], "little", signed=True))


def _webp_canvas(data: bytes) -> tuple[int, int]:
    """From the first chunk (RFC 9649). Pillow's decoder reserves the whole canvas on opening the file."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise ValueError("the WebP file begins with an unknown chunk")


def tiff_tile_pixels(image: Image.Image) -> int:
    """Pixels of one tile of an opened TIFF, 1 when it has no tiles: libtiff reserves whole tiles."""
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    width, length = image.tag_v2.get(_TILE_WIDTH, 1), image.tag_v2.get(_TILE_LENGTH, 1)
    return int(width) * int(length)

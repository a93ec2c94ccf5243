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
_TILE_WIDTH = 322
_TILE_LENGTH = 323


def sniff_format(data: bytes) -> str | None:
    """Pillow's name of the format that the bytes begin like, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for signature, name in _SIGNATURES if data.startswith(signature)), None)


def webp_canvas(data: bytes) -> tuple[int, int]:
    """(width, height) of a WebP file from its first chunk (RFC 9649). Pillow's decoder reserves the whole canvas on
    opening the file, so it has to be bounded before. Raises ValueError when the chunk is cut short or unknown."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ValueError("the WebP header is cut short")
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

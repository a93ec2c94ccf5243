from __future__ import annotations

import hashlib
import io
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from server.domain.bundle import Preprocessing
from server.errors import ImageError
from server.runtime import images
from server.runtime.images import DecodedImage, decode_image, image_id, prepare_pixels
from server.runtime.png import encode_png

MAX_PIXELS = 1_000_000
WIDTH, HEIGHT = 48, 32


def picture() -> NDArray[np.uint8]:
    """Four flat quarters (red, green, blue, grey), large enough that JPEG's blocks do not mix them."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:16, :24], rgb[:16, 24:], rgb[16:, :24], rgb[16:, 24:] = (200, 30, 30), (30, 200, 30), (30, 30, 200), (90,) * 3
    return rgb


def encode(image: Image.Image | NDArray[np.uint8], file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, file_format, **options)
    return buffer.getvalue()


def decode(data: bytes) -> DecodedImage:
    return decode_image(data, max_pixels=MAX_PIXELS)


def code_of(data: bytes, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(ImageError) as caught:
        decode_image(data, max_pixels=max_pixels)
    return caught.value.code


def png(width: int, height: int, depth: int, colour: int, body: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    framed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def bmp(width: int, height: int) -> bytes:
    """A header without pixels."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


LOSSLESS = {
    "png": ("PNG", {}),
    "bmp": ("BMP", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "tiff-big": ("TIFF", {"big_tiff": True}),
    "gif": ("GIF", {}),
}
LOSSY = {
    "jpeg": ("JPEG", {"quality": 95}),
    "jpeg-progressive": ("JPEG", {"quality": 95, "progressive": True}),
    "webp-lossy": ("WEBP", {"quality": 95}),
    "tiff-jpeg": ("TIFF", {"compression": "jpeg", "quality": 95}),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_one_picture_has_one_identity_in_every_lossless_format(name: str) -> None:
    file_format, options = LOSSLESS[name]
    image = Image.fromarray(picture())
    data = encode(image.quantize(8) if name == "gif" else image, file_format, **options)
    decoded = decode(data)
    np.testing.assert_array_equal(decoded.rgb, picture())
    assert decoded.id == image_id(picture())
    assert (decoded.width, decoded.height) == (WIDTH, HEIGHT)
    assert decoded.format == name.partition("-")[0]


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_are_read(name: str) -> None:
    file_format, options = LOSSY[name]
    decoded = decode(encode(picture(), file_format, **options))
    assert np.abs(decoded.rgb[4:12, 4:20].astype(int) - (200, 30, 30)).max() < 12
    assert decoded.format == name.partition("-")[0]


def test_the_identity_is_the_size_and_the_pixels() -> None:
    rgb = np.zeros((2, 3, 3), np.uint8)
    assert image_id(rgb) == hashlib.sha256(b"3x2\n" + bytes(18)).hexdigest()
    assert image_id(rgb) != image_id(rgb.reshape(3, 2, 3))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_comes_out_upright(file_format: str, orientation: int) -> None:
    """What a camera stores for each EXIF orientation, so that turning it upright gives `picture()` back."""
    upright = picture()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(file_format, {})
    decoded = decode(encode(np.ascontiguousarray(stored), file_format, exif=exif, **options))
    assert (decoded.width, decoded.height) == (WIDTH, HEIGHT)
    assert np.abs(decoded.rgb.astype(int) - upright).max() < (12 if file_format == "JPEG" else 1)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encode(picture(), "PNG", exif=exif)).rgb, picture())


def test_a_broken_exif_block_costs_the_orientation_only() -> None:
    data = encode(picture(), "JPEG", quality=95, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01")
    assert decode(data).width == WIDTH


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("name", ["PNG", "JPEG", "JPEG, EXIF too", "WEBP", "TIFF"])
def test_xmp_turns_no_picture(name: str) -> None:
    """As in browsers: EXIF alone does."""
    exif = Image.Exif()
    exif[0x010E] = "no orientation"
    options: dict[str, Any] = {"xmp": XMP}
    if name == "PNG":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif name == "JPEG, EXIF too":
        options["exif"] = exif
    elif name == "TIFF":
        options = {"tiffinfo": {700: XMP}}
    data = encode(picture(), name.partition(",")[0], **options)
    assert XMP in data
    assert (decode(data).width, decode(data).height) == (WIDTH, HEIGHT)


def test_a_png_turned_by_imagemagick_s_raw_profile() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes()
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    decoded = decode(encode(picture(), "PNG", pnginfo=info))
    np.testing.assert_array_equal(decoded.rgb, np.rot90(picture(), -1))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_composited_on_white(mode: str) -> None:
    image = Image.new("RGBA", (3, 1))
    image.putdata([(0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 51)])
    for file_format in ("PNG", "TIFF"):
        assert decode(encode(image.convert(mode), file_format)).rgb[0, :, 0].tolist() == [255, 0, 204]


@pytest.mark.parametrize("kind", ["RGBA", "LA", "palette", "colour key"])
def test_pictures_of_several_strips_are_composited_like_small_ones(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    image, options = Image.fromarray(values, "RGBA"), {}
    if kind == "LA":
        image = image.convert("LA")
    elif kind == "palette":
        image, options = image.convert("RGB").quantize(8), {"transparency": bytes([0, 128, 255, 255, 7])}
    elif kind == "colour key":
        image, options = Image.fromarray(values[:, :, :3] // 128 * 128), {"transparency": (128, 0, 128)}
    data = encode(image, "PNG", **options)
    whole = decode(data).rgb
    assert (whole == 255).all(axis=2).any()
    monkeypatch.setattr("server.runtime.images._STRIP_PIXELS", 5 * WIDTH)
    np.testing.assert_array_equal(decode(data).rgb, whole)


def test_premultiplied_alpha_is_divided_out_first() -> None:
    image = Image.new("RGBA", (1, 1), (100, 50, 0, 128))
    unassociated, associated = (struct.pack("<HHII", 338, 3, 1, kind) for kind in (2, 1))
    data = encode(image, "TIFF")
    assert unassociated in data
    # 100 of 128 is 199 of 255, on white 199 * 128 / 255 + 255 * 127 / 255 = 227.
    assert decode(data.replace(unassociated, associated)).rgb[0, 0].tolist() == [227, 177, 127]


def test_palettes_with_and_without_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    for file_format in ("PNG", "GIF", "BMP", "TIFF"):
        assert decode(encode(image, file_format)).rgb[0].tolist() == [[10, 20, 30], [200, 100, 50]]
    for file_format in ("PNG", "GIF"):
        assert decode(encode(image, file_format, transparency=1)).rgb[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_a_transparent_colour_key_is_white() -> None:
    body = b"\x00" + bytes([1, 2, 3, 9, 8, 7])
    data = png(2, 1, 8, 2, body, (b"tRNS", struct.pack(">HHH", 1, 2, 3)))
    assert decode(data).rgb[0].tolist() == [[255, 255, 255], [9, 8, 7]]


def test_grey_of_1_8_and_16_bits() -> None:
    assert decode(encode(Image.fromarray(np.eye(2, dtype=np.bool_)), "PNG")).rgb[..., 1].tolist() == [
        [255, 0],
        [0, 255],
    ]
    assert decode(encode(np.array([[7, 250]], np.uint8), "PNG")).rgb[0].tolist() == [[7] * 3, [250] * 3]
    values = np.array([[0, 257, 129 * 257 + 100, 65535]], np.uint16)
    for file_format in ("PNG", "TIFF"):
        assert decode(encode(Image.fromarray(values), file_format)).rgb[0, :, 2].tolist() == [0, 1, 129, 255]


def test_16_bit_colour_keeps_the_high_byte() -> None:
    body = b"\x00" + struct.pack(">HHH", 0x1280, 0xABCD, 0xFF00)
    assert decode(png(1, 1, 16, 2, body)).rgb[0, 0].tolist() == [0x12, 0xAB, 0xFF]


def test_integers_and_floats_of_32_bits() -> None:
    integers = np.array([[-5, 257, 70000]], np.int32)
    assert decode(encode(Image.fromarray(integers), "TIFF")).rgb[0, :, 0].tolist() == [0, 1, 255]
    unit = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert decode(encode(Image.fromarray(unit), "TIFF")).rgb[0, :, 0].tolist() == [0, 128, 255]
    wide = np.array([[-3.0, 99.6, 300.0, np.nan]], np.float32)
    assert decode(encode(Image.fromarray(wide), "TIFF")).rgb[0, :, 0].tolist() == [0, 100, 255, 0]


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", "<f4"])
def test_grey_of_many_strips_is_what_it_is_at_once(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a maximum that only the last strip has, by which all of a floating-point picture is scaled."""
    rng = np.random.default_rng(3)
    for highest in (1, 65535):
        values = (rng.random((37, 21)) * 0.9).astype(dtype) if dtype == "<f4" else rng.integers(0, 2**16, (37, 21))
        values[-1, -1] = highest
        image = Image.fromarray(values.astype("<u2" if dtype == ">u2" else dtype))
        data = big_endian_tiff(values) if dtype == ">u2" else encode(image, "TIFF")
        whole = decode(data)
        monkeypatch.setattr(images, "_STRIP_PIXELS", 50)
        np.testing.assert_array_equal(decode(data).rgb, whole.rgb)
        monkeypatch.undo()
        if dtype != "<f4":
            np.testing.assert_array_equal(whole.rgb[..., 1], np.rint(values / 257))


def big_endian_tiff(values: NDArray[Any]) -> bytes:
    """uint16 [h, w] -> what Pillow opens as I;16B."""
    height, width = values.shape
    entries = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 122, 277: 1, 278: height, 279: values.size * 2}
    directory = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in entries.items())
    head = b"MM\x00*" + struct.pack(">IH", 8, len(entries)) + directory + bytes(4)
    return head.ljust(122, b"\x00") + values.astype(">u2").tobytes()


def test_grey_takes_no_more_room_than_colour() -> None:
    """uint8 [h, w, 3] and what Pillow has; at once it were 14 to 16 bytes a pixel."""
    side = 3000
    for dtype in (np.uint16, np.int32, np.float32):
        image = Image.fromarray(np.ones((side, side), dtype))
        tracemalloc.start()
        try:
            images._to_rgb(image)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5 * side * side


def test_cmyk_jpeg_as_adobe_writes_it_inverted() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encode(cmyk, "JPEG", quality=100)
    assert b"Adobe" in data
    assert np.abs(decode(data).rgb.astype(int) - (255, 0, 0)).max() < 6
    tiff = encode(cmyk, "TIFF")
    np.testing.assert_array_equal(decode(tiff).rgb, np.broadcast_to(np.uint8([255, 0, 0]), (16, 16, 3)))


def test_lab_is_refused_with_a_hint() -> None:
    assert code_of(encode(Image.new("LAB", (4, 4)), "TIFF")) == "image_unsupported"


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_the_first_frame_counts(file_format: str) -> None:
    frames = [Image.fromarray(picture()), Image.new("RGB", (WIDTH, HEIGHT), "yellow")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    if file_format == "GIF":
        frames = [frame.quantize(8) for frame in frames]
    data = encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decode(data).rgb, picture())


def test_a_phones_multi_picture_jpeg_is_a_jpeg() -> None:
    images = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    data = encode(images[0], "MPO", save_all=True, append_images=images[1:], quality=95)
    decoded = decode(data)
    assert decoded.format == "jpeg"
    assert np.abs(decoded.rgb[4:12, 4:20].astype(int) - (200, 30, 30)).max() < 12


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "data",
    [b"hello", b"\x00" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\x00\x00\x00\x18ftypheic"],
)
def test_other_files_are_unsupported(data: bytes) -> None:
    assert code_of(data) == "image_unsupported"


@pytest.mark.parametrize("file_format", ["PPM", "ICO", "TGA", "PCX", "SGI", "JPEG2000", "ICNS", "DDS", "DIB"])
def test_formats_outside_the_six_are_not_even_tried(file_format: str) -> None:
    assert code_of(encode(picture(), file_format)) == "image_unsupported"


def test_no_bytes_and_no_pixels_are_empty() -> None:
    assert code_of(b"") == "image_empty"
    assert code_of(png(0, 4, 8, 2, b"")) == "image_empty"
    assert code_of(b"GIF89a" + bytes(60)) == "image_empty"
    assert code_of(bmp(0, 10)) == "image_empty"


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_a_truncated_file_is_said_to_be_truncated(name: str, share: float) -> None:
    file_format, options = (LOSSLESS | LOSSY)[name]
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(noise, file_format, **options)
    assert code_of(data[: max(12, int(len(data) * share))]) == "image_truncated"


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
def test_the_pixel_count_is_bounded(name: str) -> None:
    file_format, options = (LOSSLESS | LOSSY)[name]
    data = encode(picture(), file_format, **options)
    assert code_of(data, max_pixels=WIDTH * HEIGHT - 1) == "image_too_many_pixels"
    assert decode_image(data, max_pixels=WIDTH * HEIGHT).width == WIDTH


def webp_bomb(chunk: bytes) -> bytes:
    """A header that announces 16383 x 16383 pixels and nothing behind it."""
    body = {
        b"VP8X": bytes(4) + (16382).to_bytes(3, "little") * 2,
        b"VP8 ": b"\x9d\x01\x2a".rjust(6, b"\x00") + (16383).to_bytes(2, "little") * 2,
        b"VP8L": b"\x2f" + ((16382 << 14) | 16382).to_bytes(4, "little") + bytes(5),
    }[chunk]
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + chunk + struct.pack("<I", len(body)) + body


BOMBS = {
    "png": png(60_000, 60_000, 8, 2, b"\x00" * 1000),
    "gif": b"GIF89a"
    + struct.pack("<HH", 65535, 65535)
    + b"\x00\x00\x00"
    + b","
    + struct.pack("<HHHH", 0, 0, 65535, 65535)
    + bytes(64),
    "bmp": bmp(99_999, 99_999),
    "bmp from the top": bmp(99_999, -99_999),
    "webp extended": webp_bomb(b"VP8X"),
    "webp lossy": webp_bomb(b"VP8 "),
    "webp lossless": webp_bomb(b"VP8L"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(BOMBS[name])
    assert caught.value.code == "image_too_many_pixels"
    assert caught.value.details["width"] > 16_000


@pytest.mark.parametrize("size", [(65_536, 1), (1, 65_536)])
def test_a_picture_that_is_a_line_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="65535") as caught:
        decode(encode(Image.new("1", size), "PNG"))
    assert caught.value.code == "image_too_many_pixels"
    assert caught.value.details["max_side"] == 65_535
    longest = encode(Image.new("1", (size[0] * 65_535 // 65_536 or 1, size[1] * 65_535 // 65_536 or 1)), "PNG")
    assert decode(longest).rgb.size == 3 * 65_535


def test_a_tiff_with_a_monstrous_tile_is_refused() -> None:
    entries = {256: 8, 257: 8, 258: 8, 259: 5, 262: 1, 277: 1, 322: 60_000, 323: 60_000, 324: 8, 325: 8}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    data = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + directory + bytes(40)
    assert code_of(data) == "image_too_many_pixels"


REAL_FILES = [
    encode(Image.fromarray(picture()).quantize(8) if name == "gif" else picture(), file_format, **options)
    for name, (file_format, options) in (LOSSLESS | LOSSY).items()
] + [
    encode(
        picture(),
        "JPEG",
        exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00",
    ),
    encode(Image.fromarray(picture()).convert("CMYK"), "JPEG"),
    encode(Image.fromarray(picture()).convert("RGBA"), "PNG"),
]
PREFIXES = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"RIFF\x00\x00\x00\x00WEBPVP8X",
]


def survives(data: bytes) -> None:
    try:
        decoded = decode_image(data, max_pixels=100_000)
    except ImageError:
        return
    assert decoded.rgb.shape == (decoded.height, decoded.width, 3)
    assert decoded.rgb.dtype == np.uint8


@settings(max_examples=300)
@given(st.sampled_from(PREFIXES), st.binary(max_size=300))
def test_random_bytes_raise_image_error_alone(prefix: bytes, data: bytes) -> None:
    survives(prefix + data)


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(REAL_FILES), st.data())
def test_mutated_files_raise_image_error_alone(original: bytes, choices: st.DataObject) -> None:
    data = bytearray(original)
    for _ in range(choices.draw(st.integers(1, 4))):
        place = choices.draw(st.integers(0, len(data)))
        match choices.draw(st.sampled_from(["set", "insert", "delete", "header"])):
            case "set":
                data[place : place + 1] = choices.draw(st.binary(min_size=1, max_size=1))
            case "insert":
                data[place:place] = choices.draw(st.binary(min_size=1, max_size=8))
            case "delete":
                del data[place : place + choices.draw(st.integers(1, 40))]
            case "header":
                data[place % 64 : place % 64 + 1] = choices.draw(st.sampled_from([b"\x00", b"\xff", b"\x7f", b"\x80"]))
    survives(bytes(data))


# ---------------------------------------------------------------- the encoder's input


def preprocessing(size: int = 64, interpolation: Any = "bilinear") -> Preprocessing:
    return Preprocessing(size=size, mean=(0, 0, 0), std=(1, 1, 1), interpolation=interpolation)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    ("width", "height", "valid"), [(128, 64, (32, 64)), (32, 128, (64, 16)), (7, 7, (64, 64)), (5000, 1, (1, 64))]
)
def test_pixels_are_resized_and_padded_with_zeros(
    width: int, height: int, valid: tuple[int, int], interpolation: str
) -> None:
    rgb = np.full((height, width, 3), (10, 20, 30), np.uint8)
    pixels, size = prepare_pixels(rgb, preprocessing(interpolation=interpolation))
    assert pixels.shape == (64, 64, 3)
    assert size == valid
    assert (pixels[: valid[0], : valid[1]] == (10, 20, 30)).all()
    assert not pixels[valid[0] :].any()
    assert not pixels[:, valid[1] :].any()


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    pixels, valid = prepare_pixels(rgb, preprocessing())
    assert valid == (40, 64)
    np.testing.assert_array_equal(pixels[:40], rgb)


def test_a_mask_as_png() -> None:
    mask = np.asfortranarray(np.random.default_rng(0).random((5, 7)) < 0.5)
    with Image.open(io.BytesIO(encode_png(mask))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), np.where(mask, 255, 0))

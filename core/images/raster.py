"""Films as PNG, JPEG, BMP and TIFF, decoded by Pillow and shown as a viewer shows them."""

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images import jpeg
from core.images.film import Film, FilmHeader, FullDepthFilm, Window
from core.images.formats import (
    Format,
    check_size,
    cut_short,
    several_pictures,
    too_dark,
    transparent,
)
from core.images.window import Bands, graded, image_bands, n_bands, windowed

_COLOUR_SPREAD = 8  # grey levels between the channels that JPEG makes of a grey picture
_COLOUR_FRACTION = 0.001  # of the pixels
_DARKEST_WIDE_COLOUR = 64
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


def is_transparent_mode(image: Image.Image) -> bool:
    """Whether Pillow reads this picture with an alpha channel."""
    return image.mode in _ALPHA_MODES or (image.mode == "P" and "transparency" in image.info)


def grey_unless_coloured(image: Image.Image, is_wide: bool, name: object) -> NDArray[np.uint8]:
    """Show a palette, a colour picture or one with transparency; transparent parts are black.

    Args:
        image: Decoded.
        is_wide: Whether 16 bits a channel were stored, of which Pillow keeps 8.
        name: What to call the file.

    Returns:
        Shape (H, W); (H, W, 3) where more than 0.1 % of the pixels are noticeably coloured.

    Raises:
        ImageReadError: It is wholly transparent, or too few of its 16 bits are left.
    """
    has_alpha = is_transparent_mode(image)
    grey = np.empty((image.height, image.width), np.uint8)
    n_coloured, brightest, is_opaque = 0, 0, not has_alpha
    for rows, band in _rgb_bands(image):
        if band.mode == "RGBA":
            is_opaque = is_opaque or _alpha_range(band)[1] > 0
            band = _on_black(band)
        rgb = np.asarray(band)  # (n, W, 3)
        n_coloured += _count_coloured(rgb)
        brightest = max(brightest, int(rgb.max()))
        grey[rows] = np.asarray(band.convert("L"))
    if not is_opaque:
        raise transparent(name)
    if is_wide and brightest < _DARKEST_WIDE_COLOUR:
        raise too_dark(name)
    if n_coloured <= _COLOUR_FRACTION * grey.size:
        return grey
    del grey
    picture = np.empty((image.height, image.width, 3), np.uint8)
    for rows, band in _rgb_bands(image):
        picture[rows] = np.asarray(_on_black(band) if band.mode == "RGBA" else band)
    return picture


def _rgb_bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    has_alpha = is_transparent_mode(image)
    for rows, band in image_bands(image):
        if band.mode == "La":  # Pillow converts premultiplied grey only step by step
            band = band.convert("LA")
        yield rows, band.convert("RGBA" if has_alpha else "RGB")


def _alpha_range(image: Image.Image) -> tuple[float, float]:
    low, high = image.getchannel("A").getextrema()
    assert not isinstance(low, tuple)
    assert not isinstance(high, tuple)
    return low, high


def _on_black(image: Image.Image) -> Image.Image:
    """Take the transparency away; most films that have an alpha channel do not use it."""
    if _alpha_range(image)[0] == 255:
        return image.convert("RGB")
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, image).convert("RGB")


def _count_coloured(rgb: NDArray[np.uint8]) -> int:
    """How many pixels are more coloured than JPEG makes a grey picture."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]  # (n, W) each
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return int(np.count_nonzero(spread > _COLOUR_SPREAD))


P = TypeVar("P", bound=np.generic)

_ORIENTATION = 0x0112  # EXIF tag


def orientation_of(image: Image.Image) -> int:
    """How the picture lies, 1 (upright) to 8 (EXIF 2.32, tag Orientation)."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing about the picture
        return 1
    return int(orientation) if orientation in range(2, 9) else 1


def is_lying(image: Image.Image) -> bool:
    """Whether the picture has to be turned or mirrored."""
    return orientation_of(image) != 1


def upright(pixels: NDArray[P], orientation: int) -> NDArray[P]:
    """Turn a picture, shape (H, W) or (H, W, 3), the right way up; a view, not a copy."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return np.rot90(pixels, -1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(pixels)
    return pixels


_MAGIC_BYTES = 8


def check_chunks(data: bytes) -> None:
    """Compare checksums, which Pillow does not: 2 of 60 damaged films were read with no error.

    Critical chunks alone count, as for libpng (PNG specification, 5.3 and 13.2).

    Raises:
        EOFError: The end is missing.
        ValueError: A checksum is wrong.
    """
    for kind, start, end in _chunks(data):
        (checksum,) = struct.unpack_from(">I", data, end)
        if kind[:1].isupper() and zlib.crc32(memoryview(data)[start:end]) != checksum:
            raise ValueError(f"wrong checksum of chunk {kind!r}")


def is_cut_png(data: bytes) -> bool:
    """Whether a chunk runs past the end, or the last one is missing."""
    try:
        for _ in _chunks(data):
            pass
    except EOFError:
        return True
    return False


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk, start of kind and data, and where its checksum stands."""
    offset, kind = _MAGIC_BYTES, b""
    while kind != b"IEND":
        if offset + 12 > len(data):
            raise EOFError
        n_bytes, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 8 + n_bytes
        if end + 4 > len(data):
            raise EOFError
        yield kind, offset + 4, end
        offset = end + 4


# None, CCITT, LZW, JPEG, Deflate (two numbers) and PackBits: what Pillow's libtiff reads
# everywhere. Of the others each is one more parser for hostile bytes.
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_BYTES |= {13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {3: "u2", 4: "u4", 16: "i8"}
_RAW_TYPES = (1, 2, 6, 7)  # kept as bytes, so that their number costs nothing
_MAX_VALUES = 2**18  # tiles of 16 x 16 in the largest picture
_MAX_DIRECTORIES = 1000
_MAX_ENTRIES = 1000  # in a directory; Pillow writes 10 to 30
_SUBFILE, _COMPRESSION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 254, 259, 273, 279, 324, 325


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    start: int  # of its values in the file


def check_directories(data: bytes, name: object) -> None:
    """Refuse a TIFF of several pictures, one that is cut short, and giant lists.

    Raises:
        ImageReadError: It is one of these.
        ValueError: It is broken, or compressed in a rare way.
    """
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    try:
        (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
        n_pictures, seen = 1, {0, offset}
        first, offset = _directory(data, offset, order, is_big)
        while offset not in seen and len(seen) < _MAX_DIRECTORIES:
            seen.add(offset)
            entries, offset = _directory(data, offset, order, is_big)
            # A small copy for quick viewing (bit 0) is no picture of its own.
            n_pictures += not any(_numbers(data, entries.get(_SUBFILE), order) & 1)
        if n_pictures > 1:
            raise several_pictures(name, n_pictures)
        _check_first(data, first, order)
    except struct.error as error:
        raise cut_short(name) from error


def _check_first(data: bytes, entries: dict[int, _Entry], order: Literal["<", ">"]) -> None:
    """Raise struct.error where values or picture run past the end, ValueError where broken."""
    for entry in entries.values():
        if entry.kind not in _RAW_TYPES and entry.count > _MAX_VALUES:
            raise ValueError("a list of too many values")
        if entry.start + entry.count * _TYPE_BYTES.get(entry.kind, 0) > len(data):
            raise struct.error("values past the end")
    if not set(_numbers(data, entries.get(_COMPRESSION), order)) <= _COMPRESSIONS:
        raise ValueError("a rare compression")
    for starts, sizes in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        start = _numbers(data, entries.get(starts), order)
        size = _numbers(data, entries.get(sizes), order)
        n = min(len(start), len(size))
        if n and (start[:n] + size[:n]).max() > len(data):
            raise struct.error("a part of the picture past the end")


def _directory(
    data: bytes, offset: int, order: Literal["<", ">"], is_big: bool
) -> tuple[dict[int, _Entry], int]:
    """The entries by tag, and where the next directory stands; 0 where there is none."""
    number = struct.Struct(order + ("Q" if is_big else "I"))  # an offset, or values that fit
    layout = struct.Struct(order + ("HHQ" if is_big else "HHI"))
    (n_entries,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, offset)
    if n_entries > _MAX_ENTRIES:
        raise ValueError("a directory of too many entries")
    offset += 8 if is_big else 2
    entries: dict[int, _Entry] = {}
    for _ in range(n_entries):
        tag, kind, count = layout.unpack_from(data, offset)
        offset += layout.size
        (start,) = number.unpack_from(data, offset)
        n_bytes = count * _TYPE_BYTES.get(kind, 1)
        entries[tag] = _Entry(kind, count, offset if n_bytes <= number.size else start)
        offset += number.size
    (following,) = number.unpack_from(data, offset)
    return entries, following


def _numbers(data: bytes, entry: _Entry | None, order: Literal["<", ">"]) -> NDArray[np.int64]:
    """The values of an entry of whole numbers; none where there is no such entry."""
    if entry is None or entry.kind not in _WHOLE_NUMBERS:
        return np.zeros(0, np.int64)
    n_bytes = entry.count * _TYPE_BYTES[entry.kind]
    if entry.start + n_bytes > len(data):
        raise struct.error("values past the end")
    dtype = np.dtype(_WHOLE_NUMBERS[entry.kind]).newbyteorder(order)
    return np.frombuffer(data, dtype, entry.count, entry.start).astype(np.int64)


T = TypeVar("T")

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT = 258, 262, 277, 339  # TIFF tags
_WHITE_IS_ZERO = 0
_SIGNED = 2

# What a pixel costs while Pillow holds it and its band becomes grey, in bytes.
_HELD_BYTES: Final = {"1": 1, "L": 1, "P": 3, "I;16": 2, "I;16B": 2, "I;16L": 2, "I": 4, "F": 4}
_HELD_COLOUR: Final = 5  # red, green, blue and a spare; a coloured film is handed back with three
_MODE_BITS: Final = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}

# Pillow warns where this module refuses or reads on (size, odd EXIF). Said once for the process:
# warnings.catch_warnings is not safe in the threads that read images.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL + 1)


def read_raster(data: bytes, format: Format, name: object) -> Film:
    """Decode a file of one of Pillow's formats.

    Raises:
        ImageReadError: Too small, too large, or more than one picture.
        Exception: Pillow raised six kinds for 30,000 damaged files.
    """
    pixels, header, _ = decode(data, format, name, lambda *decoded: (shown_pixels(*decoded), None))
    return Film(pixels, header)


def decode(
    data: bytes,
    format: Format,
    name: object,
    take: Callable[[Image.Image, int, object], tuple[NDArray[P], T]],
) -> tuple[NDArray[P], FilmHeader, T]:
    """Check and decode a file, and turn what was made of it the right way up.

    Args:
        data: The file.
        format: What its content says it is.
        name: What to call it.
        take: Makes pixels, shape (H, W) or (H, W, 3), and whatever else is wanted of the decoded
            picture, the bits stored for each channel and the name.

    Returns:
        The upright pixels, the header, and what else was made.

    Raises:
        ImageReadError: Too small, too large, or more than one picture.
        Exception: Pillow raised six kinds for 30,000 damaged files.
    """
    if format == "TIFF":
        check_directories(data, name)
    # The format is named because Pillow would otherwise try forty parsers on hostile bytes.
    with Image.open(io.BytesIO(data), formats=(format,)) as image:
        bits, channels = _depth(image, data, format)
        check_size(*image.size, max(_held_bytes(image, format), channels * bits // 8), name)
        # A TIFF's pictures were counted; Pillow would follow its directories anywhere.
        n_pictures = 1 if format == "TIFF" else getattr(image, "n_frames", 1)
        if n_pictures > 1:
            raise several_pictures(name, n_pictures)
        if format == "PNG":
            check_chunks(data)
        if format == "JPEG" and jpeg.n_scans(data) > jpeg.MAX_SCANS:
            raise ValueError("a JPEG of too many scans")
        # Pillow turns a TIFF upright itself and forgets that it did.
        orientation = orientation_of(image) if format == "TIFF" else 1
        image.load()
        if format != "TIFF":
            orientation = orientation_of(image)
        has_alpha = is_transparent_mode(image) or "transparency" in image.info
        quality = jpeg.quality_of(getattr(image, "quantization", {})) if format == "JPEG" else None
        pixels, rest = take(image, bits, name)
    del image  # its memory is wanted for the turned copy
    if format != "TIFF":
        pixels = upright(pixels, orientation)
    height, width = pixels.shape[:2]
    header = FilmHeader(format, width, height, bits, channels, has_alpha, quality, orientation)
    return np.ascontiguousarray(pixels), header, rest


def _depth(image: Image.Image, data: bytes, format: Format) -> tuple[int, int]:
    """Bits stored for each channel, and the number of channels; a palette has three of 8 bits."""
    if image.mode in ("P", "PA"):
        return 8, 3
    n_channels = len(image.getbands())
    if format == "PNG":  # PNG specification, 11.2.1 IHDR: byte 24 is the bit depth
        return data[24], n_channels
    if (tags := getattr(image, "tag_v2", None)) is not None:
        bits = tags.get(_BITS_PER_SAMPLE, (1,))
        return int(max(bits)), min(4, int(tags.get(_SAMPLES, len(bits))))
    return _MODE_BITS.get(image.mode, 8), n_channels


def _held_bytes(image: Image.Image, format: Format) -> int:
    """What a pixel costs in memory while it is decoded."""
    held = _HELD_BYTES.get(image.mode, _HELD_COLOUR)
    if format == "JPEG" and "progressive" in image.info:
        held += 2 * len(image.getbands())  # the coefficients of all scans
    if format == "TIFF" and (image.info.get("compression") != "raw" or is_lying(image)):
        held *= 2  # a strip may be the whole picture; turning it takes a copy
    if format == "BMP" and image.info.get("compression"):
        held *= 3  # run lengths are unpacked in Python and copied
    return held


def is_deep(image: Image.Image) -> bool:
    """Whether it has more than 256 grey levels."""
    return image.mode.startswith("I") or image.mode == "F"


def is_negative(image: Image.Image) -> bool:
    """Whether larger values are darker: of its own accord Pillow inverts only up to 8 bits."""
    return bool(getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def deep_bands(image: Image.Image) -> Bands:
    """The values of a picture of more than 256 grey levels."""
    tags = getattr(image, "tag_v2", {})
    is_unsigned = image.mode == "I" and 1 in tags.get(_SAMPLE_FORMAT, (1,)) and bool(tags)

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows, band in image_bands(image):
            values = np.asarray(band)
            yield rows, values.view(np.uint32) if is_unsigned else values

    return bands


def shown_pixels(image: Image.Image, bits: int, name: object) -> NDArray[np.uint8]:
    """The decoded picture as it is shown but not turned, shape (H, W) or (H, W, 3)."""
    tags = getattr(image, "tag_v2", {})
    shape = image.height, image.width
    if is_deep(image):
        return windowed(deep_bands(image), shape, is_negative(image))
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        raise ValueError("signed bytes, which Pillow takes for unsigned ones")
    if image.mode == "L" and n_bands(*image.size) == 1:
        return np.asarray(image)  # nearly all films; one copy of the pixels less
    if image.mode in ("1", "L"):
        picture = np.empty(shape, np.uint8)
        for rows, band in image_bands(image):
            picture[rows] = np.asarray(band.convert("L"))
        return picture
    return grey_unless_coloured(image, bits == 16, name)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the levels of a film stand for."""

    window: Window
    slope: float = 1.0
    intercept: float = 0.0
    is_negative: bool = False


def read_full_raster(data: bytes, format: Format, name: object) -> FullDepthFilm:
    """Decode a file of one of Pillow's formats.

    Raises:
        ImageReadError: Too small, too large, or more than one picture.
        Exception: Pillow raised six kinds for 30,000 damaged files.
    """
    values, header, meaning = decode(data, format, name, _take)
    return FullDepthFilm(
        values,
        header,
        meaning.window,
        slope=meaning.slope,
        intercept=meaning.intercept,
        is_negative=meaning.is_negative,
    )


def _take(image: Image.Image, bits: int, name: object) -> tuple[NDArray[Any], _Meaning]:
    if not is_deep(image):
        return shown_pixels(image, bits, name), _Meaning(Window(0.0, 255.0))
    film = graded(deep_bands(image))
    values = np.empty((image.height, image.width), np.uint16)
    for rows, levels in film.levels():
        values[rows] = levels
    window = Window(film.low, film.high)
    return values, _Meaning(window, film.slope, film.intercept, is_negative(image))

"""Films as PNG, JPEG, BMP and TIFF, decoded by Pillow and shown as a viewer shows them."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.images import jpeg
from core.data.images.bands import image_bands, n_bands
from core.data.images.colour import grey_unless_coloured, is_transparent_mode
from core.data.images.film import Film
from core.data.images.formats import Format
from core.data.images.header import FilmHeader
from core.data.images.limits import check_size
from core.data.images.orientation import is_lying, orientation_of, upright
from core.data.images.png import check_chunks
from core.data.images.refusals import several_pictures
from core.data.images.tiff import check_directories
from core.data.images.window import Bands, windowed

P = TypeVar("P", bound=np.generic)
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

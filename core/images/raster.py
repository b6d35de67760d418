"""Films as PNG, JPEG, BMP, TIFF, WebP and JPEG 2000, shown as a viewer shows them."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from core.images import jpeg, jpeg2000, tiff
from core.images.film import Film, FilmHeader, FullDepthFilm, Window
from core.images.formats import (
    Format,
    Rarity,
    check_size,
    several_pictures,
    too_dark,
    transparent,
    unsupported,
)
from core.images.png import without_large_extras
from core.images.window import Bands, graded, image_bands, row_bands, windowed

P = TypeVar("P", bound=np.generic)
T = TypeVar("T")

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLES = 258, 262, 277  # TIFF tags
_WHITE_IS_ZERO = 0

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # length, kind and checksum (PNG specification, 11.2.5)

# What a pixel costs while Pillow holds it and its band becomes grey, in bytes.
_HELD_BYTES: Final = {"1": 1, "L": 1, "P": 3, "I;16": 2, "I;16B": 2, "I;16L": 2, "I": 4, "F": 4}
_HELD_COLOUR: Final = 5  # red, green, blue and a spare; a coloured film is handed back with three
_MODE_BITS: Final = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}

# Pillow warns where this module refuses or reads on (size, odd EXIF). Said once for the process:
# warnings.catch_warnings is not safe in the threads that read images.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL + 1)


def read_raster(data: bytes, format: Format, name: object) -> Film:
    """Read a file of one of Pillow's formats as a viewer shows it; see `_decode` for errors."""
    pixels, header, _ = _decode(
        data, format, name, lambda *decoded: (_shown_pixels(*decoded), None)
    )
    return Film(pixels, header)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The meaning of a film's levels."""

    window: Window
    slope: float = 1.0
    intercept: float = 0.0
    is_negative: bool = False


def read_full_raster(data: bytes, format: Format, name: object) -> FullDepthFilm:
    """Read a file of one of Pillow's formats with every level; see `_decode` for errors."""
    values, header, meaning = _decode(data, format, name, _take)
    return FullDepthFilm(
        values,
        header,
        meaning.window,
        slope=meaning.slope,
        intercept=meaning.intercept,
        is_negative=meaning.is_negative,
    )


@dataclass(frozen=True, slots=True)
class _DeepGrey:
    """Decoded values of more than 256 levels."""

    bands: Bands
    shape: tuple[int, int]
    is_negative: bool = False  # whether larger values are darker


# What a decoder gives: up to 8 bits a sample, or more.
_Decoded = Image.Image | _DeepGrey


def _take(picture: _Decoded, bits: int, name: object) -> tuple[NDArray[Any], _Meaning]:
    if not isinstance(picture, _DeepGrey):
        return _shown_pixels(picture, bits, name), _Meaning(Window(0.0, 255.0))
    film = graded(picture.bands, picture.is_negative)
    values = np.empty(picture.shape, np.uint16)
    for rows, levels in film.levels():
        values[rows] = levels
    window = Window(film.low, film.high)
    return values, _Meaning(window, film.slope, film.intercept, picture.is_negative)


def _decode(
    data: bytes,
    format: Format,
    name: object,
    take: Callable[[_Decoded, int, object], tuple[NDArray[P], T]],
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
    layout: tiff.DeepLayout | None = None
    if format == "TIFF":
        data, page = tiff.find_picture(data, name)
        layout = tiff.deep_layout(page, name)
    if layout is not None:
        return _decode_deep_tiff(layout, name, take)
    if format == "PNG":
        data = without_large_extras(data)
    _check_codestream(data, format, name)
    with _opened(data, format, name) as image:
        bits, channels = _depth(image, data, format)
        check_size(*image.size, max(_held_bytes(image, format), channels * bits // 8), name)
        # A TIFF's pictures were counted; Pillow would follow its directories anywhere.
        n_pictures = 1 if format == "TIFF" else getattr(image, "n_frames", 1)
        if n_pictures > 1:
            raise several_pictures(name, n_pictures)
        if format == "PNG":
            _verify_png(data)
        # Pillow turns a TIFF upright itself and forgets that it did.
        orientation = _orientation_of(image) if format == "TIFF" else 1
        image.load()
        if format != "TIFF":
            orientation = _orientation_of(image)
        has_alpha = _is_transparent_mode(image) or "transparency" in image.info
        quality = jpeg.quality_of(getattr(image, "quantization", {})) if format == "JPEG" else None
        pixels, rest = take(_deep_grey(image) if _is_deep(image) else image, bits, name)
    del image  # its memory is wanted for the turned copy
    if format != "TIFF":
        pixels = _upright(pixels, orientation)
    height, width = pixels.shape[:2]
    header = FilmHeader(format, width, height, bits, channels, has_alpha, quality, orientation)
    return np.ascontiguousarray(pixels), header, rest


def _opened(data: bytes, format: Format, name: object) -> Image.Image:
    """Open a file for Pillow to decode.

    The format is named because Pillow would otherwise try forty parsers on hostile bytes.

    Raises:
        ImageReadError: It is a sound TIFF of a kind that Pillow does not know.
    """
    if format == "JPEG":
        # Not `Image.open`: it follows the list of further pictures of an MPO, such as previews.
        return JpegImageFile(io.BytesIO(data))
    try:
        return Image.open(io.BytesIO(data), formats=(format,))
    except UnidentifiedImageError as error:
        if format == "TIFF":  # whose directory was found to be whole
            raise unsupported(name, Rarity.COLOURS) from error
        raise


def _check_codestream(data: bytes, format: Format, name: object) -> None:
    """Refuse what Pillow would not.

    Raises:
        ImageReadError: It is a sound file of a kind that is not read.
        ValueError: It is hostile.
    """
    if format == "JPEG":
        if (frame := jpeg.frame_of(data)) is not None and frame.bits != 8:
            raise unsupported(name, Rarity.NUMBERS)
        if jpeg.has_too_many_scans(data):
            raise ValueError("a JPEG of too many scans")


def _decode_deep_tiff(
    layout: tiff.DeepLayout,
    name: object,
    take: Callable[[_Decoded, int, object], tuple[NDArray[P], T]],
) -> tuple[NDArray[P], FilmHeader, T]:
    """Decode a TIFF of more than 8 bits a sample; see `_decode`."""
    check_size(*layout.page.size, layout.held_bytes, name)
    values = tiff.deep_values(layout)
    if layout.is_colour and layout.kind == "u":
        # As Pillow does with contiguous 16-bit colours: the upper 8 bits.
        colours = (values >> (layout.bits - 8)).astype(np.uint8)
        picture: _Decoded = Image.fromarray(colours[:, :, : 4 if layout.has_alpha else 3])
    else:
        picture = _deep_tiff_grey(layout, values, name)
    pixels, rest = take(picture, layout.bits, name)
    orientation = layout.page.orientation
    pixels = _upright(pixels, orientation)
    height, width = pixels.shape[:2]
    header = FilmHeader(
        "TIFF",
        width,
        height,
        layout.bits,
        layout.n_samples,
        has_alpha=layout.has_alpha,
        jpeg_quality=None,
        orientation=orientation,
    )
    return np.ascontiguousarray(pixels), header, rest


def _deep_tiff_grey(layout: tiff.DeepLayout, numbers: NDArray[Any], name: object) -> _DeepGrey:
    """Return the grey values of a TIFF.

    Raises:
        ImageReadError: It is coloured in a way that is not shown, or wholly transparent.
    """
    if layout.is_colour:
        is_same = numbers[:, :, :1] == numbers[:, :, 1:3]
        if not (is_same | ~np.isfinite(numbers[:, :, 1:3])).all():
            raise unsupported(name, Rarity.COLOURS)
    if layout.has_alpha:
        opaque = numbers[:, :, 3 if layout.is_colour else 1]
        if not opaque.any():
            raise transparent(name)
        numbers = np.where(opaque == 0, np.float32(np.nan), numbers[:, :, 0])
    elif numbers.ndim == 3:
        numbers = numbers[:, :, 0]

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows in row_bands(numbers.shape[1], numbers.shape[0]):
            yield rows, numbers[rows]

    return _DeepGrey(bands, (numbers.shape[0], numbers.shape[1]), layout.is_negative)


def _verify_png(data: bytes) -> None:
    """Compare checksums, which loading does not: 2 of 60 damaged films were read with no error.

    Raises:
        EOFError: The end is missing, which Pillow does not look at.
        SyntaxError: A checksum is wrong.
    """
    if is_cut_png(data):
        raise EOFError
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.verify()  # Pillow asks to open the file again afterwards


def is_cut_png(data: bytes) -> bool:
    """Return whether the last chunk, which is always the same, is missing."""
    return _PNG_END not in data


def _depth(image: Image.Image, data: bytes, format: Format) -> tuple[int, int]:
    """Return the bits stored for each channel, and how many channels; a palette has three of 8."""
    if image.mode in ("P", "PA"):
        return 8, 3
    n_channels = len(image.getbands())
    if format == "PNG":  # PNG specification, 11.2.1 IHDR: byte 24 is the bit depth
        return data[24], n_channels
    if format == "JPEG2000":
        frame = jpeg2000.frame_of(data)
        if (frame.width, frame.height) != image.size:
            raise ValueError("a codestream of another size")
        return frame.bits, frame.channels
    if (tags := getattr(image, "tag_v2", None)) is not None:
        bits = tags.get(_BITS_PER_SAMPLE, (1,))
        return int(max(bits)), min(4, int(tags.get(_SAMPLES, len(bits))))
    return _MODE_BITS.get(image.mode, 8), n_channels


def _held_bytes(image: Image.Image, format: Format) -> int:
    """Return the bytes that a pixel costs while it is decoded."""
    held = _HELD_BYTES.get(image.mode, _HELD_COLOUR)
    if format == "JPEG" and "progressive" in image.info:
        held += 2 * len(image.getbands())  # the coefficients of all scans
    if format == "TIFF" and (image.info.get("compression") != "raw" or _orientation_of(image) != 1):
        held *= 2  # a strip may be the whole picture; turning it takes a copy
    if format == "JPEG2000":
        held += 4 * len(image.getbands())  # whole numbers of 32 bits
    if format == "WEBP":
        held *= 2  # the picture and the canvas of an animation
    if format == "BMP" and image.info.get("compression"):
        held *= 3  # run lengths are unpacked in Python and copied
    return held


_ORIENTATION = 0x0112  # EXIF tag


def _orientation_of(image: Image.Image) -> int:
    """Return the orientation, 1 (upright) to 8 (EXIF 2.32, tag Orientation)."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing about the picture
        return 1
    return int(orientation) if orientation in range(2, 9) else 1


def _upright(pixels: NDArray[P], orientation: int) -> NDArray[P]:
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


def _is_deep(image: Image.Image) -> bool:
    """Return whether the picture has more than 256 grey levels."""
    return image.mode.startswith("I") or image.mode == "F"


def _deep_grey(image: Image.Image) -> _DeepGrey:
    """Return the values of a picture of more than 256 grey levels."""

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows, band in image_bands(image):
            yield rows, np.asarray(band)

    # Pillow itself inverts only up to 8 bits.
    is_negative = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    return _DeepGrey(bands, (image.height, image.width), bool(is_negative))


def _shown_pixels(picture: _Decoded, bits: int, name: object) -> NDArray[np.uint8]:
    """Show the decoded picture, not turned yet; shape (H, W) or (H, W, 3)."""
    if isinstance(picture, _DeepGrey):
        return windowed(picture.bands, picture.shape, picture.is_negative)
    if picture.mode == "L" and len(list(row_bands(*picture.size))) == 1:
        return np.asarray(picture)  # nearly all films; one copy of the pixels less
    if picture.mode in ("1", "L"):
        grey = np.empty((picture.height, picture.width), np.uint8)
        for rows, band in image_bands(picture):
            grey[rows] = np.asarray(band.convert("L"))
        return grey
    return grey_unless_coloured(picture, bits >= 16, name)


_COLOUR_SPREAD = 8  # grey levels between the channels that JPEG makes of a grey picture
_COLOUR_FRACTION = 0.001  # of the pixels
_DARKEST_WIDE_COLOUR = 64
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


def _is_transparent_mode(image: Image.Image) -> bool:
    """Return whether Pillow reads this picture with an alpha channel."""
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
    has_alpha = _is_transparent_mode(image)
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
    has_alpha = _is_transparent_mode(image)
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
    """Count the pixels that are more coloured than JPEG makes a grey picture."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]  # (n, W) each
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return int(np.count_nonzero(spread > _COLOUR_SPREAD))

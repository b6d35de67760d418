"""A DICOM file from its bytes to the film that a viewer shows."""

import logging
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images import gdcm_process, jpeg
from core.images.dicom_header import (
    JPEG_2000,
    RLE,
    UNDEFINED_LENGTH,
    Picture,
    TransferSyntax,
    find_picture,
    fragments,
    patient_hash,
    syntax_of,
)
from core.images.film import Film, FilmHeader, FullDepthFilm, Spacing, Window
from core.images.raster import grey_unless_coloured
from core.images.window import (
    Bands,
    level_counts,
    percentile_table,
    percentile_window,
    row_bands,
    shown,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_LEAST_WIDTH = 1e-6


@dataclass(frozen=True, slots=True)
class FileWindow:
    """Between which values of the file its picture goes from black to white."""

    centre: float
    width: float  # from black to white, more than 0
    is_sigmoid: bool = False  # else straight, and clipped at both ends

    @property
    def low(self) -> float:
        """What is black, or nearly so."""
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        """What is white, or nearly so."""
        return self.centre + self.width / 2

    def table(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """What the values are shown as."""
        if self.is_sigmoid:
            fraction = 1 / (1 + np.exp((-4 * (values - self.centre) / self.width).clip(-700, 700)))
        else:
            fraction = (values - self.centre) / self.width + 0.5
        return (fraction.clip(0, 1) * 255).round().astype(np.uint8)


def file_window(header: "Dataset", place: int = 0) -> FileWindow | None:
    """One of the file's windows; None where there is none that is valid.

    Args:
        header: With the window's elements.
        place: Which of several.
    """
    centre, width = (number(header, "WindowCenter", place), number(header, "WindowWidth", place))
    if centre is None or width is None or width <= 0:
        return None
    # PS3.3, C.11.2.1.2 and C.11.2.1.3
    match str(header.get("VOILUTFunction") or "LINEAR"):
        case "SIGMOID":
            return FileWindow(centre, width, is_sigmoid=True)
        case "LINEAR_EXACT":
            return FileWindow(centre, width)
        case _:
            return FileWindow(centre - 0.5, max(width - 1, _LEAST_WIDTH))


def number(header: "Dataset", keyword: str, place: int = 0) -> float | None:
    """A value of an element; None where there is none that is a finite number."""
    value = header.get(keyword)
    if value is None or isinstance(value, str):
        return None
    numbers = list(value) if hasattr(value, "__iter__") else [value]
    found = float(numbers[place]) if place < len(numbers) else float("nan")
    return found if np.isfinite(found) else None


if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def shown_grey(stored: NDArray[np.generic], picture: Picture, is_packed: bool) -> NDArray[np.uint8]:
    """Show a film as the file says it is to be seen.

    The file's first window or VOI LUT is used; without one, or where it leaves nothing to be
    seen, a film of 8 bits is left as it is and of more bits the central 99 % are shown, as for
    every other format.

    Args:
        stored: Shape (H, W), 8 or 16 bits.
        picture: What the header says.
        is_packed: Whether a decoder moved the stored bits to the lowest place.

    Returns:
        Grey levels, shape (H, W), 0 = black.
    """
    bands, n_levels = stored_levels(stored)
    grading = graded(level_counts(bands, n_levels), picture, is_packed)
    table = grading.table
    if picture.photometric == "MONOCHROME1":
        table = 255 - table
    return shown(bands, table, (stored.shape[0], stored.shape[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Grading:
    """What the stored levels stand for and are shown as, before a negative is inverted."""

    values: NDArray[np.float64]  # after the modality LUT, or the VOI LUT; shape (n_levels,)
    table: NDArray[np.uint8]  # shape (n_levels,)
    window: FileWindow  # whose picture the table is
    is_lut: bool = False  # whether the values are those of the file's VOI LUT


def stored_levels(stored: NDArray[np.generic]) -> tuple[Bands, int]:
    """The patterns of bits as unsigned numbers, and how many there can be."""
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows in row_bands(stored.shape[1], stored.shape[0]):
            yield rows, stored[rows].astype(unsigned)

    return bands, 2 ** (8 * stored.dtype.itemsize)


def graded(counts: NDArray[np.integer], picture: Picture, is_packed: bool) -> Grading:
    """Find out what the levels are shown as.

    Args:
        counts: How many pixels have each level, shape (n_levels,).
        picture: What the header says.
        is_packed: Whether a decoder moved the stored bits to the lowest place.
    """
    header = picture.header
    values = _modality_values(_level_values(len(counts), picture, is_packed), header)
    used = counts > 0
    found: Grading | None = None
    if lut := _lut(header, "VOILUTSequence", values):
        grey, most = lut
        table = (grey * (255 / most)).clip(0, 255).round().astype(np.uint8)
        found = Grading(grey, table, _between(0, most), is_lut=True)
    elif window := file_window(header):
        found = Grading(values, window.table(values), window)
    if found is not None and (np.ptp(found.table[used]) or not np.ptp(values[used])):
        return found
    if step := _eight_bit_step(values[used], picture.bits_stored):
        table = (values / step).clip(0, 255).astype(np.uint8)
        return Grading(values, table, _between(0, 255 * step))
    table = percentile_table(counts, values)
    return Grading(values, table, _between(*percentile_window(counts, values)))


def _between(low: float, high: float) -> FileWindow:
    return FileWindow((low + high) / 2, high - low)


def _level_values(n_levels: int, picture: Picture, is_packed: bool) -> NDArray[np.int64]:
    """The number that each pattern of bits stands for, shape (n_levels,)."""
    n_bits = min(picture.bits_stored, n_levels.bit_length() - 1)
    high_bit = n_bits - 1 if is_packed else int(picture.header.get("HighBit", n_bits - 1))
    if not n_bits - 1 <= high_bit < n_levels.bit_length() - 1:
        raise ValueError("a high bit that is not there")
    # Overlays may lie in the unused bits (PS3.5, 8.1.1, retired).
    levels = (np.arange(n_levels) >> (high_bit + 1 - n_bits)) % 2**n_bits
    if picture.is_signed:  # two's complement
        levels = levels - ((levels >> (n_bits - 1)) << n_bits)
    return levels


def _modality_values(values: NDArray[np.int64], header: "Dataset") -> NDArray[np.float64]:
    """Apply the modality LUT, or else slope and intercept (PS3.3, C.11.1)."""
    if lut := _lut(header, "ModalityLUTSequence", values):
        return lut[0]
    slope = number(header, "RescaleSlope")
    intercept = number(header, "RescaleIntercept")
    slope = 1.0 if slope is None or slope == 0 else slope
    modality = values.astype(np.float64) * slope + (0.0 if intercept is None else intercept)
    if not np.isfinite(modality).all():
        raise ValueError("a rescaled value is not a finite number")
    return modality


def _eight_bit_step(used: NDArray[np.float64], bits_stored: int) -> int | None:
    """What separates two grey levels of an 8-bit film stored in more bits; None for other films.

    Stretching such a film by its percentiles changed it by 20 grey levels on average; no film of
    more bits uses only multiples of 257, or only the lowest or the highest eight of its bits.
    """
    for step in (1, 257, 2 ** max(0, bits_stored - 8)):
        if used.min() >= 0 and used.max() <= 255 * step and not (used % step).any():
            return step
    return None


def _lut(
    header: "Dataset", keyword: str, values: NDArray[Any]
) -> tuple[NDArray[np.float64], float] | None:
    """Look values up in a sequence's first table (PS3.3, C.11.1.1 and C.11.2.1.1).

    Returns:
        The entries for the values, and the greatest possible entry; None without a table.
    """
    sequence = header.get(keyword)
    if not sequence:
        return None
    n_entries, first, n_bits = (int(number) for number in sequence[0].LUTDescriptor)
    content = sequence[0].LUTData
    n_entries = n_entries or 2**16  # which sixteen bits cannot say
    if isinstance(content, bytes):
        is_wide = len(content) >= 2 * n_entries
        table = np.frombuffer(content, "<u2" if is_wide else "u1")
    else:
        table = np.atleast_1d(np.asarray(content)).astype(np.int64) % 2**16
    table = table[:n_entries].astype(np.float64)
    if not len(table) or not 0 < n_bits <= 16:
        raise ValueError("a broken lookup table")
    places = np.clip(values - first, 0, len(table) - 1).astype(np.int64)
    return table[places], float(max(2**n_bits - 1, table.max()))


_RLE_HEADER: Final = struct.Struct("<16I")  # number of segments, where each starts (PS3.5, G.5)
_J2K_SIZE: Final = struct.Struct(">4I")  # right, bottom, left and top (ISO 15444-1, A.5.1)


def stored_pixels(data: bytes, picture: Picture, syntax: TransferSyntax) -> NDArray[np.generic]:
    """Unpack the pixels as they are stored, but colour as RGB.

    Returns:
        Shape (H, W) or (H, W, 3), of 8 or 16 bits.

    Raises:
        EOFError: They end early.
        Exception: They are damaged.
    """
    is_packed = picture.pixels.n_bytes == UNDEFINED_LENGTH
    if is_packed != bool(syntax.decoder):
        raise ValueError("compressed and not, both at once")
    if not is_packed:
        return _uncompressed(data, picture, syntax)
    frame = b"".join(fragments(data, picture.pixels.value))
    if syntax.uid == RLE:
        return _unpacked_rle(frame, picture)
    _check_codestream(frame, picture, syntax)
    if syntax.decoder == "gdcm":
        return _unpacked_by_gdcm(frame, picture, syntax)
    # pydicom wants an offset table before the frame; an empty one will do.
    framed = struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame)) + frame
    return _decoded(framed, picture, syntax, decoding_plugin=syntax.decoder)


def _uncompressed(data: bytes, picture: Picture, syntax: TransferSyntax) -> NDArray[np.generic]:
    element, needed = picture.pixels, picture.n_bytes
    if picture.photometric == "YBR_FULL_422":  # colour at half the width
        needed = needed * 2 // 3
    if element.value + min(element.n_bytes, needed) > len(data):
        raise EOFError("the pixels end early")
    if element.n_bytes < needed:
        raise ValueError("fewer pixels than promised")
    content = memoryview(data)[element.value : element.value + needed + needed % 2]
    pixels = _decoded(
        content,
        picture,
        syntax,
        raw=True,  # pydicom's own conversion of colours took nine times the picture's memory
        view_only=picture.samples == 1,
        correct_unused_bits=False,
    )
    return _rgb_of_ybr(pixels) if picture.photometric.startswith("YBR_FULL") else pixels


def _decoded(
    content: bytes | memoryview, picture: Picture, syntax: TransferSyntax, **options: Any
) -> NDArray[np.generic]:
    """What pydicom makes of it."""
    from pydicom.pixels.decoders.base import get_decoder

    array, _ = get_decoder(syntax.uid).as_array(
        content,
        index=0,
        rows=picture.rows,
        columns=picture.columns,
        samples_per_pixel=picture.samples,
        photometric_interpretation=picture.photometric,
        planar_configuration=int(picture.header.get("PlanarConfiguration") or 0),
        bits_allocated=picture.bits_allocated,
        bits_stored=picture.bits_stored,
        pixel_representation=int(picture.is_signed),
        number_of_frames=1,
        pixel_keyword="PixelData",
        pixel_vr=picture.pixels.vr.decode("ascii") or "OW",
        **options,
    )
    return array


def _unpacked_by_gdcm(
    frame: bytes, picture: Picture, syntax: TransferSyntax
) -> NDArray[np.generic]:
    pixels = gdcm_process.unpack(
        frame,
        {
            "syntax": syntax.uid,
            "photometric": picture.photometric,
            "columns": picture.columns,
            "rows": picture.rows,
            "samples": picture.samples,
            "bits_allocated": picture.bits_allocated,
            "bits_stored": picture.bits_stored,
            "is_signed": int(picture.is_signed),
        },
    )
    n_values = picture.rows * picture.columns * picture.samples
    if len(pixels) not in (n_values, 2 * n_values):  # JPEG-LS of 8 bits stays so in 16
        raise ValueError("another number of pixels")
    array = np.frombuffer(pixels, f"<u{len(pixels) // n_values}")
    if picture.samples == 1:
        return array.reshape(picture.rows, picture.columns)
    array = array.reshape(picture.rows, picture.columns, picture.samples)
    return _rgb_of_ybr(array) if picture.photometric.startswith("YBR_FULL") else array


def _rgb_of_ybr(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert colours (H, W, 3) as JPEG does (PS3.3, C.7.6.3.1.2)."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise ValueError("luminance and chrominance of more than 8 bits")
    picture = np.empty(pixels.shape, np.uint8)
    for rows in row_bands(pixels.shape[1], pixels.shape[0]):
        size = pixels.shape[1], rows.stop - rows.start
        band = Image.frombytes("YCbCr", size, pixels[rows].tobytes())
        picture[rows] = np.asarray(band.convert("RGB"))
    return picture


def _check_codestream(frame: bytes, picture: Picture, syntax: TransferSyntax) -> None:
    """Raise ValueError where the packed picture is of another size than the header says."""
    if syntax.uid in JPEG_2000:
        place = frame.find(b"\xff\x4f\xff\x51", 0, 1024)  # behind a wrapper, if any
        right, bottom, left, top = _J2K_SIZE.unpack_from(frame, place + 8)
        if place < 0 or (bottom - top, right - left) != (picture.rows, picture.columns):
            raise ValueError("a JPEG 2000 of another size")
        return
    found = jpeg.frame_of(frame)
    if found is None or (found.height, found.width, found.channels) != (
        picture.rows,
        picture.columns,
        picture.samples,
    ):
        raise ValueError("a JPEG of another size")
    if found.bits > picture.bits_allocated:
        raise ValueError("a JPEG of more bits")
    if jpeg.is_cut_jpeg(frame):
        raise EOFError("the JPEG ends early")


def _unpacked_rle(frame: bytes, picture: Picture) -> NDArray[np.generic]:
    """Unpack run lengths (PS3.5, Annex G), which Pillow bounds and pydicom does not.

    Each segment is one byte of one sample of all pixels, the highest byte first.
    """
    n_planes = picture.samples * picture.bits_allocated // 8
    n_segments, *starts = _RLE_HEADER.unpack_from(frame)
    if n_segments != n_planes:
        raise ValueError("another number of RLE segments")
    ends = [*starts[1:n_segments], len(frame)]
    n_pixels = picture.rows * picture.columns
    planes = np.empty((n_pixels, n_planes), np.uint8)
    for place, (start, end) in enumerate(zip(starts, ends, strict=False)):
        if not start <= end <= len(frame):
            raise EOFError("an RLE segment ends early")
        plane = Image.frombytes("L", (n_pixels, 1), frame[start:end], "packbits", "L")
        planes[:, place] = np.asarray(plane)[0]
    if picture.bits_allocated == 16:
        shape = (picture.rows, picture.columns, picture.samples)
        return planes.view(">u2").reshape(shape).squeeze(axis=2 if picture.samples == 1 else ())
    if picture.samples == 1:
        return planes.reshape(picture.rows, picture.columns)
    return planes.reshape(picture.rows, picture.columns, picture.samples)


# pydicom warns where this package refuses or reads on, and quotes the file: a patient's name must
# not reach the console. Said once for the process, as for Pillow.
warnings.filterwarnings("ignore", module=r"pydicom\b")


def read_dicom(data: bytes, name: object, patient_key: bytes) -> Film:
    """Read a DICOM file that has a preamble.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, several, too small, too large, or packed in a rare way.
        Exception: It is damaged.
    """
    unpacked = unpack(data, name)
    picture = unpacked.picture
    if unpacked.is_grey:
        pixels = shown_grey(unpacked.stored, picture, unpacked.is_packed)
    else:
        pixels = shown_colours(unpacked, name)
    return Film(np.ascontiguousarray(pixels), header_of(picture, patient_key))


@dataclass(frozen=True, slots=True, eq=False)
class Unpacked:
    """A DICOM file's header and its pixels as they are stored."""

    picture: Picture
    stored: NDArray[np.generic]  # shape (H, W) or (H, W, 3), of 8 or 16 bits
    is_packed: bool  # whether a decoder moved the stored bits to the lowest place

    @property
    def is_grey(self) -> bool:
        """Whether its pixels are grey levels and neither colours nor a palette's numbers."""
        is_monochrome = self.picture.photometric in ("MONOCHROME1", "MONOCHROME2")
        return is_monochrome and self.stored.ndim == 2


def unpack(data: bytes, name: object) -> Unpacked:
    """Read the header and unpack the pixels of a DICOM file that has a preamble.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, several, too small, too large, or packed in a rare way.
        Exception: It is damaged.
    """
    syntax = syntax_of(data, name)
    silence_pydicom()
    picture = find_picture(data, syntax, name)
    stored = stored_pixels(data, picture, syntax)
    return Unpacked(picture, stored, syntax.decoder not in ("", "rle"))


def shown_colours(film: Unpacked, name: object) -> NDArray[np.uint8]:
    """A film of colours or of a palette; grey, shape (H, W), where it is not really coloured."""
    return grey_unless_coloured(Image.fromarray(_rgb(film.stored, film.picture)), False, name)


def header_of(picture: Picture, patient_key: bytes = b"") -> FilmHeader:
    """What the file says of its picture."""
    return FilmHeader(
        format="DICOM",
        width=picture.columns,
        height=picture.rows,
        bits=picture.bits_stored,
        channels=3 if picture.photometric == "PALETTE COLOR" else picture.samples,
        has_alpha=False,
        jpeg_quality=None,
        orientation=1,
        patient=patient_hash(picture.header, patient_key),
    )


def _rgb(stored: NDArray[np.generic], picture: Picture) -> NDArray[np.uint8]:
    """Resolve a palette; colour is RGB already. Shape (H, W, 3)."""
    if picture.photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours: NDArray[np.uint16] = apply_color_lut(stored, picture.header)
        stored = colours >> 8 if colours.dtype.itemsize == 2 else colours
    elif stored.dtype.itemsize != 1:
        raise ValueError("colour of more than 8 bits")
    if stored.ndim != 3 or stored.shape[2] != 3:
        raise ValueError("neither grey nor colour")
    return stored.astype(np.uint8)


@cache
def silence_pydicom() -> None:
    """Keep pydicom from writing about damaged files."""
    from pydicom import config

    logger = logging.getLogger("pydicom")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    config.settings.reading_validation_mode = config.IGNORE


if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_WINDOWS = 12
_MOST_LETTERS = 40  # of a window's name
_MOST_UNIT_LETTERS = 16
_FARTHEST = 1e9  # levels: what lies beyond shows nothing of the film, and must not overflow
_MM_RANGE = (0.001, 10.0)  # of a pixel; a film's is 0.1 to 0.2
_NO_UNITS = ("", "US")  # "unspecified" (PS3.3, C.11.1.1.2)


def read_full_dicom(data: bytes, name: object) -> FullDepthFilm:
    """Read a DICOM file that has a preamble.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, several, too small, too large, or packed in a rare way.
        Exception: It is damaged.
    """
    film = unpack(data, name)
    header, spacing = header_of(film.picture), _spacing(film.picture.header)
    if not film.is_grey:
        pixels = np.ascontiguousarray(shown_colours(film, name))
        return FullDepthFilm(pixels, header, Window(0.0, 255.0), spacing=spacing)
    bands, n_levels = stored_levels(film.stored)
    grading = graded(level_counts(bands, n_levels), film.picture, film.is_packed)
    step, first = _scale(grading.values)
    levels = ((grading.values - first) / step).round().clip(0, 2**16 - 1)
    levels = levels.astype(np.uint8 if levels.max() < 2**8 else np.uint16)
    values = np.empty(film.stored.shape, levels.dtype)
    for rows, stored in bands():
        values[rows] = levels[stored]

    def in_levels(window: FileWindow) -> Window:
        low, high = (_bounded((end - first) / step) for end in (window.low, window.high))
        return Window(low, high, window.is_sigmoid)

    return FullDepthFilm(
        values,
        header,
        in_levels(grading.window),
        slope=step,
        intercept=first,
        unit=_unit(film.picture.header),
        is_negative=film.picture.photometric == "MONOCHROME1",
        file_windows=tuple((label, in_levels(window)) for label, window in _windows(film, grading)),
        spacing=spacing,
    )


def _bounded(level: float) -> float:
    return min(max(level, -_FARTHEST), _FARTHEST)


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """What separates two levels, and the number that level 0 stands for."""
    different = np.unique(values)
    first, steps = float(different[0]), np.diff(different)
    if not len(steps):
        return 1.0, first
    whole_range = float(different[-1]) - first
    if not np.isfinite(whole_range):
        raise ValueError("numbers too far apart")
    rounding = 4 * float(np.spacing(np.abs(different).max()))
    if np.ptp(steps) <= max(1e-6 * float(steps.min()), rounding):  # slope and intercept
        return whole_range / len(steps), first
    # A lookup table gives whole numbers of at most 16 bits.
    return max(1.0, whole_range / (2**16 - 1)), first


def _windows(film: Unpacked, grading: Grading) -> list[tuple[str, FileWindow]]:
    """The file's windows and what it calls them; none where its VOI LUT is in their place."""
    if grading.is_lut:
        return []
    header = film.picture.header
    names = _texts(header, "WindowCenterWidthExplanation")
    windows: list[tuple[str, FileWindow]] = []
    try:
        for place in range(_MOST_WINDOWS):
            window = file_window(header, place)
            if window is not None:
                windows.append((names[place] if place < len(names) else "", window))
    except Exception:  # noqa: BLE001 - the first one was read; others may be damaged
        return windows
    return windows


def _spacing(header: "Dataset") -> Spacing | None:
    """How far apart the pixels are (PS3.3, 10.7.1.3): at the patient if known, or the detector."""
    try:
        pixel = _pair(header, "PixelSpacing")
        imager = _pair(header, "ImagerPixelSpacing") or _pair(header, "NominalScannedPixelSpacing")
        if pixel and (pixel != imager or header.get("PixelSpacingCalibrationType")):
            return Spacing(pixel[1], pixel[0], is_at_detector=False)
        if imager is None:
            return None
        # How much larger the patient's shadow is than the patient (PS3.3, C.8.7.10).
        factor = number(header, "EstimatedRadiographicMagnificationFactor")
        if factor is not None and 1 <= factor <= 3:
            return Spacing(imager[1] / factor, imager[0] / factor, is_at_detector=False)
        return Spacing(imager[1], imager[0], is_at_detector=True)
    except Exception:  # noqa: BLE001 - a damaged spacing is as good as none
        return None


def _pair(header: "Dataset", keyword: str) -> tuple[float, float] | None:
    """Millimetres between rows and between columns."""
    down, across = number(header, keyword, 0), number(header, keyword, 1)
    if down is None or across is None:
        return None
    least, most = _MM_RANGE
    return (down, across) if least <= down <= most and least <= across <= most else None


def _unit(header: "Dataset") -> str:
    """What the numbers are counted in; "" where the file does not say."""
    texts = _texts(header, "RescaleType")
    unit = texts[0][:_MOST_UNIT_LETTERS] if texts else ""
    return "" if unit.upper() in _NO_UNITS else unit


def _texts(header: "Dataset", keyword: str) -> list[str]:
    try:
        value: Any = header.get(keyword)
        if value is None:
            return []
        parts = [value] if isinstance(value, str) else list(value)
        printable = ("".join(one for one in str(part) if one.isprintable()) for part in parts)
        return [text.strip()[:_MOST_LETTERS] for text in printable]
    except Exception:  # noqa: BLE001 - a damaged name is as good as none
        return []

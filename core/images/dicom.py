"""DICOM films, as the viewer is meant to see them and with every level they have."""

import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.dicom_header import (
    Picture,
    find_picture,
    patient_hash,
    subject_and_machine,
    syntax_of,
)
from core.images.dicom_pixels import stored_pixels
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
_MOST_WINDOWS = 12
_MOST_LETTERS = 40  # of a window's name
_MOST_UNIT_LETTERS = 16
_FARTHEST = 1e9  # levels: what lies beyond shows nothing of the film, and must not overflow
_MM_RANGE = (0.001, 10.0)  # of a pixel; a film's is 0.1 to 0.2
_NO_UNITS = ("", "US")  # "unspecified" (PS3.3, C.11.1.1.2)

# pydicom warns where this package refuses or reads on, and quotes the file: a patient's name must
# not reach the console. Said once for the process, as for Pillow.
warnings.filterwarnings("ignore", module=r"pydicom\b")


def read_dicom(data: bytes, name: object, patient_key: bytes) -> Film:
    """Read a DICOM file that has a preamble, as it says it is to be seen; see `_unpack` for errors.

    The file's first window or VOI LUT is used; without one, or where it leaves nothing to be
    seen, a film of 8 bits is left as it is and of more bits the central 99 % are shown, as for
    every other format.
    """
    film = _unpack(data, name)
    if not film.is_grey:
        pixels = _shown_colours(film, name)
    else:
        bands, n_levels = _stored_levels(film.stored)
        table = _grade(level_counts(bands, n_levels), film).table
        if film.picture.photometric == "MONOCHROME1":
            table = 255 - table
        pixels = shown(bands, table, (film.stored.shape[0], film.stored.shape[1]))
    return Film(np.ascontiguousarray(pixels), _header_of(film.picture, patient_key))


def read_full_dicom(data: bytes, name: object) -> FullDepthFilm:
    """Read a DICOM file that has a preamble, with every level; see `_unpack` for errors."""
    film = _unpack(data, name)
    header, spacing = _header_of(film.picture), _spacing(film.picture.header)
    if not film.is_grey:
        pixels = np.ascontiguousarray(_shown_colours(film, name))
        return FullDepthFilm(pixels, header, Window(0.0, 255.0), spacing=spacing)
    bands, n_levels = _stored_levels(film.stored)
    grading = _grade(level_counts(bands, n_levels), film)
    step, first = _scale(grading.values)
    levels = ((grading.values - first) / step).round().clip(0, 2**16 - 1)
    levels = levels.astype(np.uint8 if levels.max() < 2**8 else np.uint16)
    values = np.empty(film.stored.shape, levels.dtype)
    for rows, stored in bands():
        values[rows] = levels[stored]

    def in_levels(window: _FileWindow) -> Window:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Unpacked:
    """A DICOM file's header and its pixels as they are stored."""

    picture: Picture
    stored: NDArray[np.generic]  # shape (H, W) or (H, W, 3), of 8 or 16 bits
    is_packed: bool  # whether a decoder moved the stored bits to the lowest place

    @property
    def is_grey(self) -> bool:
        """True where the pixels are grey levels, neither colours nor a palette's numbers."""
        is_monochrome = self.picture.photometric in ("MONOCHROME1", "MONOCHROME2")
        return is_monochrome and self.stored.ndim == 2


def _unpack(data: bytes, name: object) -> _Unpacked:
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
    return _Unpacked(picture, stored, syntax.decoder not in ("", "rle"))


def _shown_colours(film: _Unpacked, name: object) -> NDArray[np.uint8]:
    """Show colours or a palette; grey, shape (H, W), where they are not really coloured."""
    return grey_unless_coloured(Image.fromarray(_rgb(film.stored, film.picture)), False, name)


def _header_of(picture: Picture, patient_key: bytes = b"") -> FilmHeader:
    """Return the header of a film."""
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
        **subject_and_machine(picture.header),
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


@dataclass(frozen=True, slots=True)
class _FileWindow:
    """The values of the file between which its picture goes from black to white."""

    centre: float
    width: float  # from black to white, more than 0
    is_sigmoid: bool = False  # else straight, and clipped at both ends

    @property
    def low(self) -> float:
        """The value that is black, or nearly so."""
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        """The value that is white, or nearly so."""
        return self.centre + self.width / 2

    def table(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the grey of each value."""
        if self.is_sigmoid:
            fraction = 1 / (1 + np.exp((-4 * (values - self.centre) / self.width).clip(-700, 700)))
        else:
            fraction = (values - self.centre) / self.width + 0.5
        return (fraction.clip(0, 1) * 255).round().astype(np.uint8)


def _file_window(header: "Dataset", place: int = 0) -> _FileWindow | None:
    """Return one of the file's windows; None where there is none that is valid.

    Args:
        header: With the window's elements.
        place: Which of several.
    """
    centre, width = (_number(header, "WindowCenter", place), _number(header, "WindowWidth", place))
    if centre is None or width is None or width <= 0:
        return None
    # PS3.3, C.11.2.1.2 and C.11.2.1.3
    match str(header.get("VOILUTFunction") or "LINEAR"):
        case "SIGMOID":
            return _FileWindow(centre, width, is_sigmoid=True)
        case "LINEAR_EXACT":
            return _FileWindow(centre, width)
        case _:
            return _FileWindow(centre - 0.5, max(width - 1, _LEAST_WIDTH))


def _number(header: "Dataset", keyword: str, place: int = 0) -> float | None:
    """Return a value of an element; None where there is none that is a finite number."""
    value = header.get(keyword)
    if value is None or isinstance(value, str):
        return None
    numbers = list(value) if hasattr(value, "__iter__") else [value]
    found = float(numbers[place]) if place < len(numbers) else float("nan")
    return found if np.isfinite(found) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Grading:
    """The values and greys of the stored levels, before a negative is inverted."""

    values: NDArray[np.float64]  # after the modality LUT, or the VOI LUT; shape (n_levels,)
    table: NDArray[np.uint8]  # shape (n_levels,)
    window: _FileWindow  # whose picture the table is
    is_lut: bool = False  # whether the values are those of the file's VOI LUT


def _stored_levels(stored: NDArray[np.generic]) -> tuple[Bands, int]:
    """Return the patterns of bits as unsigned numbers, and how many there can be."""
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows in row_bands(stored.shape[1], stored.shape[0]):
            yield rows, stored[rows].astype(unsigned)

    return bands, 2 ** (8 * stored.dtype.itemsize)


def _grade(counts: NDArray[np.integer], film: _Unpacked) -> _Grading:
    """Return the values and greys of the levels.

    Args:
        counts: How many pixels have each level, shape (n_levels,).
        film: With the header's windows and tables.
    """
    header = film.picture.header
    values = _modality_values(_level_values(len(counts), film), header)
    used = counts > 0
    found: _Grading | None = None
    if lut := _lut(header, "VOILUTSequence", values):
        grey, most = lut
        table = (grey * (255 / most)).clip(0, 255).round().astype(np.uint8)
        found = _Grading(grey, table, _between(0, most), is_lut=True)
    elif window := _file_window(header):
        found = _Grading(values, window.table(values), window)
    if found is not None and (np.ptp(found.table[used]) or not np.ptp(values[used])):
        return found
    if step := _eight_bit_step(values[used], film.picture.bits_stored):
        table = (values / step).clip(0, 255).astype(np.uint8)
        return _Grading(values, table, _between(0, 255 * step))
    table = percentile_table(counts, values)
    return _Grading(values, table, _between(*percentile_window(counts, values)))


def _between(low: float, high: float) -> _FileWindow:
    return _FileWindow((low + high) / 2, high - low)


def _level_values(n_levels: int, film: _Unpacked) -> NDArray[np.int64]:
    """Return the number that each pattern of bits stands for, shape (n_levels,)."""
    picture = film.picture
    n_bits = min(picture.bits_stored, n_levels.bit_length() - 1)
    high_bit = n_bits - 1 if film.is_packed else int(picture.header.get("HighBit", n_bits - 1))
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
    slope = _number(header, "RescaleSlope")
    intercept = _number(header, "RescaleIntercept")
    slope = 1.0 if slope is None or slope == 0 else slope
    modality = values.astype(np.float64) * slope + (0.0 if intercept is None else intercept)
    if not np.isfinite(modality).all():
        raise ValueError("a rescaled value is not a finite number")
    return modality


def _eight_bit_step(used: NDArray[np.float64], bits_stored: int) -> int | None:
    """Return the step between the levels of an 8-bit film stored in more bits, None for others.

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

    Not by pydicom's `apply_modality_lut` and `apply_voi`: version 3 fails on a modality LUT of 12
    bits and on one of 8 bits that is packed two entries a word.

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


def _bounded(level: float) -> float:
    return min(max(level, -_FARTHEST), _FARTHEST)


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the step between two levels, and the number that level 0 stands for."""
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


def _windows(film: _Unpacked, grading: _Grading) -> list[tuple[str, _FileWindow]]:
    """Return the file's windows and their names; none where a VOI LUT takes their place."""
    if grading.is_lut:
        return []
    header = film.picture.header
    names = _texts(header, "WindowCenterWidthExplanation")
    windows: list[tuple[str, _FileWindow]] = []
    try:
        for place in range(_MOST_WINDOWS):
            window = _file_window(header, place)
            if window is not None:
                windows.append((names[place] if place < len(names) else "", window))
    except Exception:  # noqa: BLE001 - the first one was read; others may be damaged
        return windows
    return windows


def _spacing(header: "Dataset") -> Spacing | None:
    """Return the spacing (PS3.3, 10.7.1.3) at the patient if known, else at the detector."""
    try:
        pixel = _pair(header, "PixelSpacing")
        imager = _pair(header, "ImagerPixelSpacing") or _pair(header, "NominalScannedPixelSpacing")
        if pixel and (pixel != imager or header.get("PixelSpacingCalibrationType")):
            return Spacing(pixel[1], pixel[0], is_at_detector=False)
        if imager is None:
            return None
        # How much larger the patient's shadow is than the patient (PS3.3, C.8.7.10).
        factor = _number(header, "EstimatedRadiographicMagnificationFactor")
        if factor is not None and 1 <= factor <= 3:
            return Spacing(imager[1] / factor, imager[0] / factor, is_at_detector=False)
        return Spacing(imager[1], imager[0], is_at_detector=True)
    except Exception:  # noqa: BLE001 - a damaged spacing is as good as none
        return None


def _pair(header: "Dataset", keyword: str) -> tuple[float, float] | None:
    """Return the millimetres between rows and between columns."""
    down, across = _number(header, keyword, 0), _number(header, keyword, 1)
    if down is None or across is None:
        return None
    least, most = _MM_RANGE
    return (down, across) if least <= down <= most and least <= across <= most else None


def _unit(header: "Dataset") -> str:
    """Return the unit of the numbers; "" where the file does not say."""
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

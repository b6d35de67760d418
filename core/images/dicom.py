"""DICOM films, as the viewer is meant to see them and with every level they have."""

import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.dicom_geometry import (
    pixel_ratio,
    spacing_of,
    square_size,
    with_square_pixels,
)
from core.images.dicom_header import (
    Picture,
    find_picture,
    patient_hash,
    subject_and_machine,
    syntax_of,
)
from core.images.dicom_lut import LookupTable, lookup_tables, palette_colours
from core.images.dicom_pixels import Stored, stored_pixels
from core.images.dicom_shutter import shutter_of
from core.images.dicom_values import (
    UnclearNumberError,
    UnsupportedPixelsError,
    number,
    numbers,
    refusing,
    texts,
)
from core.images.film import Film, FilmHeader, FullDepthFilm, Window
from core.images.formats import check_size
from core.images.raster import grey_unless_coloured
from core.images.window import percentile_table, percentile_window, row_bands, shown

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_LEAST_WIDTH = 1e-6
_MOST_WINDOWS = 12
_MOST_UNIT_LETTERS = 16
_FARTHEST = 1e9  # levels: what lies beyond shows nothing of the film, and must not overflow
_NO_UNITS = ("", "US")  # "unspecified" (PS3.3, C.11.1.1.2)

# pydicom warns where this package refuses or reads on, and quotes the file: a patient's name must
# not reach the console. Said once for the process, as for Pillow.
warnings.filterwarnings("ignore", module=r"pydicom\b")


def read_dicom(data: bytes, name: object, patient_key: bytes, frame: int = 1) -> Film:
    """Read a DICOM file as it says it is to be seen; see `_unpack` for errors.

    The file's first VOI LUT or window is used; without one, or where it leaves nothing to be
    seen, a film of 8 bits is left as it is and of more bits the central 99 % are shown, as for
    every other format. Padding and what lies outside the display shutter are black and count
    for nothing.
    """
    with refusing(name):
        film = _unpack(data, name, frame)
        pixels = _shown_greys(film) if film.is_grey else _shown_colours(film, name)
    pixels = with_square_pixels(pixels, film.rows, film.columns)
    return Film(np.ascontiguousarray(pixels), _header_of(film, patient_key))


def _shown_greys(film: "_Unpacked") -> NDArray[np.uint8]:
    """Show grey levels, shape (H, W) as stored."""
    counts = _count(film)
    if counts.is_blank:
        return np.zeros(film.stored.shape, np.uint8)
    table = _grade(film, counts).table
    if film.picture.photometric == "MONOCHROME1":
        table = 255 - table
    if counts.hides:
        table[counts.is_padding] = 0
    pixels = shown(film.bands, table, (film.stored.shape[0], film.stored.shape[1]))
    if counts.shutter is not None:
        pixels[counts.shutter] = 0
    return pixels


def read_full_dicom(data: bytes, name: object, frame: int = 1) -> FullDepthFilm:
    """Read a DICOM file with every level; see `_unpack` for errors."""
    with refusing(name):
        film = _unpack(data, name, frame)
        header, spacing = _header_of(film), spacing_of(film.picture.header)
        rows, columns = film.rows, film.columns
        if spacing is not None:
            spacing = replace(
                spacing,
                across_mm=spacing.across_mm * film.picture.columns / columns,
                down_mm=spacing.down_mm * film.picture.rows / rows,
            )
        if not film.is_grey:
            pixels = with_square_pixels(_shown_colours(film, name), rows, columns)
            window = Window(0.0, 255.0)
            return FullDepthFilm(np.ascontiguousarray(pixels), header, window, spacing=spacing)
        counts = _count(film)
        grading = _grade(film, counts)
    is_negative = film.picture.photometric == "MONOCHROME1"
    step, first = _scale(grading.values)
    levels = ((grading.values - first) / step).round().clip(0, 2**16 - 1)
    levels = levels.astype(np.uint8 if levels.max() < 2**8 else np.uint16)
    used = levels[counts.pixels > 0]
    if len(used):  # no brightness of padding may run into the film where it is drawn smaller
        levels[counts.is_padding] = used.max() if is_negative else used.min()
    values = np.empty(film.stored.shape, levels.dtype)
    padding = np.zeros(film.stored.shape, np.bool_) if counts.is_padding.any() else None
    for band, stored in film.bands():
        values[band] = levels[stored]
        if padding is not None:
            padding[band] = counts.is_padding[stored] | counts.is_blank

    def in_levels(window: Window) -> Window:
        low, high = (_bounded((end - first) / step) for end in (window.low, window.high))
        return replace(window, low=low, high=high)

    def squared(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        return None if mask is None else with_square_pixels(mask, rows, columns)

    return FullDepthFilm(
        np.ascontiguousarray(with_square_pixels(values, rows, columns)),
        header,
        in_levels(grading.window),
        slope=step,
        intercept=first,
        unit=_unit(film.picture.header),
        is_negative=is_negative,
        file_windows=tuple((label, in_levels(window)) for label, window in grading.offered),
        spacing=spacing,
        padding=squared(padding),
        shutter=squared(counts.shutter),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Unpacked:
    """A DICOM file's header and its pixels as they are stored."""

    picture: Picture
    packed: Stored
    rows: int  # once the pixels are square
    columns: int

    @property
    def stored(self) -> NDArray[np.generic]:
        """Shape (H, W) or (H, W, 3), of 8 or 16 bits."""
        return self.packed.pixels

    @property
    def is_grey(self) -> bool:
        """True where the pixels are grey levels, neither colours nor a palette's numbers."""
        is_monochrome = self.picture.photometric in ("MONOCHROME1", "MONOCHROME2")
        return is_monochrome and self.stored.ndim == 2

    @property
    def n_patterns(self) -> int:
        """The number of patterns that the bits of a pixel can have: 256 or 65536."""
        return int(2 ** (8 * self.stored.dtype.itemsize))

    def bands(self) -> Iterator[tuple[slice, NDArray[np.generic]]]:
        """Yield rows and their patterns of bits as unsigned numbers."""
        unsigned = np.dtype(f"u{self.stored.dtype.itemsize}")
        for rows in row_bands(self.stored.shape[1], self.stored.shape[0]):
            yield rows, self.stored[rows].astype(unsigned)


def _unpack(data: bytes, name: object, frame: int) -> _Unpacked:
    """Read the header and unpack the pixels of one frame of a DICOM file.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, no such frame, too small, too large, or packed in a rare way.
        UnclearNumberError: A number of the header is malformed.
        UnsupportedPixelsError: The picture is stored in a rare way.
        Exception: It is damaged.
    """
    syntax = syntax_of(data, name)
    silence_pydicom()
    picture = find_picture(data, syntax, name, frame)
    rows, columns = square_size(picture.rows, picture.columns, pixel_ratio(picture.header))
    check_size(columns, rows, 1, name)
    return _Unpacked(picture, stored_pixels(data, picture, syntax), rows, columns)


def _shown_colours(film: _Unpacked, name: object) -> NDArray[np.uint8]:
    """Show colours or a palette; grey, shape (H, W), where they are not really coloured."""
    return grey_unless_coloured(Image.fromarray(_rgb(film.stored, film.picture)), False, name)


def _header_of(film: _Unpacked, patient_key: bytes = b"") -> FilmHeader:
    """Return the header of a film."""
    picture = film.picture
    return FilmHeader(
        format="DICOM",
        width=film.columns,
        height=film.rows,
        bits=picture.bits_stored,
        channels=3 if picture.photometric == "PALETTE COLOR" else picture.samples,
        has_alpha=False,
        jpeg_quality=None,
        orientation=1,
        patient=patient_hash(picture.header, patient_key),
        **subject_and_machine(picture.header),
        n_frames=picture.n_frames,
    )


def _rgb(stored: NDArray[np.generic], picture: Picture) -> NDArray[np.uint8]:
    """Resolve a palette; colour is RGB already. Shape (H, W, 3)."""
    if picture.photometric == "PALETTE COLOR":
        return palette_colours(stored, picture.header)
    if stored.ndim != 3 or stored.shape[2] != 3:
        known = picture.photometric.replace("_", "").isalnum() and len(picture.photometric) <= 16
        raise UnsupportedPixelsError(picture.photometric if known else "neither grey nor colour")
    if stored.dtype.itemsize != 1:
        raise UnsupportedPixelsError("colours of more than 8 bits")
    return stored.astype(np.uint8)


@cache
def silence_pydicom() -> None:
    """Keep pydicom from writing about damaged files."""
    from pydicom import config

    logger = logging.getLogger("pydicom")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    config.settings.reading_validation_mode = config.IGNORE


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """The patterns of bits of a film, what they stand for, and how often each is there."""

    values: NDArray[np.int64]  # the number that each pattern stands for, shape (n_patterns,)
    pixels: NDArray[np.int64]  # how many have each pattern, without padding and within the shutter
    is_padding: NDArray[np.bool_]  # shape (n_patterns,)
    shutter: NDArray[np.bool_] | None  # the pixels outside, shape (H, W)
    is_blank: bool  # nothing but padding and one level: it is shown black, and so found blank

    @property
    def hides(self) -> bool:
        """True where some pixels take no part."""
        return self.shutter is not None or bool(self.is_padding.any())


def _count(film: _Unpacked) -> _Counts:
    """Count the levels of the picture, without padding and what the shutter covers.

    Raises:
        UnclearNumberError: The padding's value is malformed.
    """
    header = film.picture.header
    shutter = shutter_of(header, film.picture.rows, film.picture.columns)
    everything = np.zeros(film.n_patterns, np.int64)
    within = everything if shutter is None else np.zeros_like(everything)
    for rows, stored in film.bands():
        everything += np.bincount(stored.ravel(), minlength=film.n_patterns)
        if shutter is not None:
            seen = stored[~shutter[rows]]
            within += np.bincount(seen, minlength=film.n_patterns)
    values = _pattern_values(film, everything)
    is_padding = _padding(header, values)
    if not is_padding.any() and shutter is None:
        return _Counts(values, everything, is_padding, None, is_blank=False)
    pixels = np.where(is_padding, 0, within)
    if shutter is not None and not pixels.any():  # it hides the whole picture
        shutter, pixels = None, np.where(is_padding, 0, everything)
    is_used = everything > 0
    hides = shutter is not None or bool((is_used & is_padding).any())
    is_blank = not pixels.any() or (hides and not np.ptp(values[pixels > 0]))
    return _Counts(values, pixels, is_padding & is_used, shutter, is_blank)


def _pattern_values(film: _Unpacked, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number that each pattern of bits stands for, shape (n_patterns,).

    Args:
        film: With its bits.
        counts: How many pixels have each pattern.
    """
    picture, packed = film.picture, film.packed
    patterns = np.arange(film.n_patterns)
    n_allocated = film.n_patterns.bit_length() - 1
    n_bits = min(picture.bits_stored, n_allocated)
    if packed.is_lossy and packed.n_bits is not None and n_bits < packed.n_bits <= n_allocated:
        # A lossy codec may overshoot the stored bits: clamped, for wrapped it were black in white.
        unpacked = _signed(patterns % 2**packed.n_bits, packed.n_bits, picture.is_signed)
        lowest = -(2 ** (n_bits - 1)) if picture.is_signed else 0
        return unpacked.clip(lowest, lowest + 2**n_bits - 1)
    shift = 0
    if packed.n_bits is None:
        n_bits, shift = _bits_and_shift(picture, n_bits, n_allocated, counts)
    # Overlays may lie in the unused bits (PS3.5, 8.1.1, retired).
    return _signed((patterns >> shift) & (2**n_bits - 1), n_bits, picture.is_signed)


def _bits_and_shift(
    picture: Picture, n_bits: int, n_allocated: int, counts: NDArray[np.int64]
) -> tuple[int, int]:
    """Return how many bits a pixel has, and how many lie below; the pixels decide if in doubt.

    High Bit should be one less than Bits Stored (PS3.3, C.7.6.3.1.1); older files may keep the
    stored bits higher up (PS3.5, 8.1.1), and some say so and do not.
    """
    high_bit = int(picture.header.get("HighBit") or n_bits - 1)
    if high_bit == n_bits - 1:
        return n_bits, 0
    used = np.flatnonzero(counts)
    greatest = int(used.max())
    if high_bit < n_bits - 1:
        return (high_bit + 1, 0) if greatest < 2 ** (high_bit + 1) else (n_bits, 0)
    shift = min(high_bit, n_allocated - 1) + 1 - n_bits
    is_low = bool((used % 2**shift).any()) and greatest < 2**n_bits
    return n_bits, 0 if is_low else shift


def _signed(patterns: NDArray[np.int64], n_bits: int, is_signed: bool) -> NDArray[np.int64]:
    """Read patterns of so many bits as two's complement where they are signed."""
    return patterns - ((patterns >> (n_bits - 1)) << n_bits) if is_signed else patterns


def _padding(header: "Dataset", values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which patterns are padding (PS3.3, C.7.5.1.1.2), shape (n_patterns,)."""
    ends = [number(header, key) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if ends[0] is None:
        return np.zeros(len(values), np.bool_)
    whole = [round(end) for end in ends if end is not None]
    # Written with the wrong sign, or with bits beyond those that are stored.
    patterns = [end % len(values) for end in whole if -len(values) <= end < len(values)]
    lows, highs = (whole, [int(values[pattern]) for pattern in patterns])
    is_padding = (values >= min(lows)) & (values <= max(lows))
    if len(highs) == len(whole) and not is_padding.any():
        is_padding = (values >= min(highs)) & (values <= max(highs))
    is_padding[patterns] = True
    return is_padding


@dataclass(frozen=True, slots=True, eq=False)
class _Grading:
    """The values and greys of the stored patterns, before a negative is inverted."""

    values: NDArray[np.float64]  # after the modality LUT; shape (n_patterns,)
    table: NDArray[np.uint8]  # shape (n_patterns,)
    window: Window  # of values, whose picture the table is
    offered: list[tuple[str, Window]]  # VOI LUTs and windows of the file, and their names


def _grade(film: _Unpacked, counts: _Counts) -> _Grading:
    """Return the values and greys of the patterns.

    Raises:
        UnclearNumberError: The slope or the first window is malformed.
    """
    header = film.picture.header
    used = counts.pixels > 0
    if not used.any():
        used = ~used
    values = _modality_values(counts.values, used, header)
    offered = _offered(header, values[used])
    for _, window in offered:
        table = window.greys(values)
        if np.ptp(table[used]) or not np.ptp(values[used]):  # else it shows nothing
            return _Grading(values, table, window, offered)
    if step := _eight_bit_step(values[used], film.picture.bits_stored):
        table = (values / step).clip(0, 255).astype(np.uint8)
        return _Grading(values, table, Window(0, 255 * step), offered)
    table = percentile_table(counts.pixels, values)
    window = Window(*percentile_window(counts.pixels, values))
    return _Grading(values, table, window, offered)


def _modality_values(
    values: NDArray[np.int64], used: NDArray[np.bool_], header: "Dataset"
) -> NDArray[np.float64]:
    """Apply the modality LUT, or else slope and intercept (PS3.3, C.11.1)."""
    if "ModalityLUTSequence" in header and (
        luts := lookup_tables(header, "ModalityLUTSequence", values[used])
    ):
        return luts[0][0].looked_up(values).astype(np.float64)
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope == 0:
        raise UnclearNumberError("RescaleSlope", "0")
    modality = values.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
    if not np.isfinite(modality).all():
        raise UnclearNumberError("RescaleSlope", str(slope))
    return modality


def _offered(header: "Dataset", used: NDArray[np.float64]) -> list[tuple[str, Window]]:
    """Return the VOI LUTs and then the windows of the file, each with its name.

    Args:
        header: With its elements.
        used: The values of the picture, at least one.

    Raises:
        UnclearNumberError: The windows are malformed.
        ValueError: A VOI LUT is broken.
    """
    offered = []
    for lut, item in lookup_tables(header, "VOILUTSequence", used)[:_MOST_WINDOWS]:
        name = (texts(item, "LUTExplanation") or [""])[0]
        offered.append((name, _lut_window(lut)))
    centres, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    names = texts(header, "WindowCenterWidthExplanation")
    function = (texts(header, "VOILUTFunction") or [""])[0].upper()
    for place, (centre, width) in enumerate(zip(centres, widths, strict=False)):
        if width > 0 and len(offered) < _MOST_WINDOWS:
            name = names[place] if place < len(names) else ""
            offered.append((name, _window(centre, width, function)))
    return offered


def _lut_window(lut: LookupTable) -> Window:
    greys = (lut.entries * (255 / lut.white)).clip(0, 255).round().astype(np.uint8)
    return Window(lut.first, lut.first + len(greys) - 1, curve=greys.tobytes())


def _window(centre: float, width: float, function: str) -> Window:
    """Return a window as PS3.3, C.11.2.1.2 and C.11.2.1.3 define it."""
    # LINEAR knows no width below 1, and who writes one thinks of the exact function.
    if function in ("SIGMOID", "LINEAR_EXACT") or width < 1:
        return Window(centre - width / 2, centre + width / 2, function == "SIGMOID")
    width = max(width - 1, _LEAST_WIDTH)
    return Window(centre - 0.5 - width / 2, centre - 0.5 + width / 2)


def _eight_bit_step(used: NDArray[np.float64], bits_stored: int) -> int | None:
    """Return the step between the levels of an 8-bit film stored in more bits, None for others.

    Stretching such a film by its percentiles changed it by 20 grey levels on average; no film of
    more bits uses only multiples of 257, or only the lowest or the highest eight of its bits.
    """
    for step in (1, 257, 2 ** max(0, bits_stored - 8)):
        if used.min() >= 0 and used.max() <= 255 * step and not (used % step).any():
            return step
    return None


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


def _unit(header: "Dataset") -> str:
    """Return the unit of the numbers; "" where the file does not say."""
    found = texts(header, "RescaleType")
    unit = found[0][:_MOST_UNIT_LETTERS] if found else ""
    return "" if unit.upper() in _NO_UNITS else unit

"""DICOM films with all of their grey levels, and what the header says to measure them by."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.data.images.dicom.file_window import FileWindow, file_window, number
from core.data.images.dicom.grey import Grading, graded, stored_levels
from core.data.images.dicom.reading import Unpacked, header_of, shown_colours, unpack
from core.data.images.full_depth_film import FullDepthFilm, Spacing, Window
from core.data.images.window import level_counts

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

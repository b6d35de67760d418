"""The size and shape of a DICOM film's pixels (PS3.3, 10.7.1.3 and C.7.6.3.1.7)."""

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.images.dicom_values import number, numbers
from core.images.film import Spacing

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

P = TypeVar("P", bound=np.generic)

_MM_RANGE: Final = (0.001, 10.0)  # of a pixel; a film's is 0.1 to 0.2
_MOST_RATIO: Final = 8.0  # of a pixel's sides; beyond, the file errs
_SQUARE_ENOUGH: Final = 0.01  # a disc 1 % too wide looks round


def spacing_of(header: "Dataset") -> Spacing | None:
    """Return the distance of pixels at the patient if known, else at the detector."""
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
    """Return the millimetres between rows and between columns."""
    found = numbers(header, keyword)
    if len(found) < 2:
        return None
    down, across = found[:2]
    least, most = _MM_RANGE
    return (down, across) if least <= down <= most and least <= across <= most else None


def pixel_ratio(header: "Dataset") -> float:
    """Return the height of a pixel in widths; 1 where the file does not say, or errs."""
    spacing = spacing_of(header)
    if spacing is not None:
        ratio = spacing.down_mm / spacing.across_mm
    else:
        try:
            down, across = numbers(header, "PixelAspectRatio")[:2]
            ratio = down / across
        except (ValueError, ZeroDivisionError):
            return 1.0
    is_likely = 1 / _MOST_RATIO <= ratio <= _MOST_RATIO
    return ratio if is_likely and abs(ratio - 1) > _SQUARE_ENOUGH else 1.0


def square_size(rows: int, columns: int, ratio: float) -> tuple[int, int]:
    """Return the rows and columns of a film once its pixels, `ratio` high, are square."""
    if ratio >= 1:
        return round(rows * ratio), columns
    return rows, round(columns / ratio)


def with_square_pixels(pixels: NDArray[P], rows: int, columns: int) -> NDArray[P]:
    """Repeat rows or columns, so that a picture (H, W) or (H, W, 3) has so many of them.

    No grey level is mixed with another: every pixel keeps a value that was measured, and padding
    no film.
    """
    for axis, n_wanted in enumerate((rows, columns)):
        n_stored = pixels.shape[axis]
        if n_wanted != n_stored:
            places = ((np.arange(n_wanted) + 0.5) * (n_stored / n_wanted)).astype(np.int64)
            pixels = pixels.take(places.clip(0, n_stored - 1), axis=axis)
    return pixels

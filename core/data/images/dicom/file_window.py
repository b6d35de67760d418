"""The windows that a DICOM file brings along (PS3.3, C.11.2)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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

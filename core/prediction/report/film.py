"""What is taken away of one film: values, and ways to its pixels and reasons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation
    from core.prediction.opinion import Opinion

Pixels = NDArray[np.uint8]  # (H, W) or (H, W, 3)


@dataclass(frozen=True, slots=True, eq=False)
class ReportFilm:
    """One film that a model has read.

    Of a DICOM file's header nothing is taken away but what `dicom` holds, which is there only
    where the user asked for it by name.
    """

    file: str  # as the user named it
    digest: str  # SHA-256 of the file
    opinion: "Opinion"
    true_class: int | None = None
    pixels: Pixels | Callable[[], Pixels] | None = None  # a way to them spares the memory
    explanation: "Explanation | Callable[[], Explanation] | None" = None
    dicom: Mapping[str, str] = field(default_factory=dict)  # keyword -> value, see `dicom_fields`

    def load_pixels(self) -> Pixels | None:
        """The film as a viewer shows it.

        Raises:
            ImageReadError: It cannot be read (any more).
        """
        return self.pixels() if callable(self.pixels) else self.pixels

    def load_explanation(self) -> "Explanation | None":
        """Where the heat is, computed now where it was not before."""
        return self.explanation() if callable(self.explanation) else self.explanation

"""Films in the list of the Read page: read, or refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import Refusal

if TYPE_CHECKING:
    from core.prediction.opinion import Opinion

Part = Literal["train", "validation", "test", "kept"]
PARTS: tuple[Part, ...] = ("train", "validation", "test", "kept")


@dataclass(frozen=True, slots=True, eq=False)
class ReadFilm:
    """One film and what the model says of it."""

    key: int  # its place in the order of arrival; never given twice
    name: str  # for a list
    file: str  # in full, as the user would name it
    path: Path
    digest: str  # SHA-256 of the file
    thumbnail: NDArray[np.uint8]  # (H, W) or (H, W, 3), no side longer than THUMBNAIL_PX
    opinion: "Opinion"
    true_class: str | None  # known of the films of the open dataset
    part: Part | None  # in which part of the model's own films it was
    duplicate_of: str | None  # the name of an earlier film with the same content

    @property
    def predicted(self) -> int:
        """Index of the class with the highest probability."""
        return self.opinion.predicted


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that could not be read as a film."""

    key: int
    name: str
    refusal: Refusal

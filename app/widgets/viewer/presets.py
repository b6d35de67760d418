"""Windows to choose from: the network's own, the film's whole range, and parts of a chest."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.translation import tr
from core.data.images import FullDepthFilm, Window

Kind = Literal["network", "full", "lungs", "bones", "file"]

_FRAME = 0.06  # of each side: borders, markers and collimator leaves are left out of account
_LUNGS = (0.02, 0.72)  # which part of the pixels, from the darkest, gets the greys
_BONES = (0.28, 0.998)
_MOST_COUNTED = 1_000_000  # pixels


@dataclass(frozen=True, slots=True)
class Preset:
    """A window and where it comes from."""

    kind: Kind
    window: Window
    place: int = 0  # among the windows of the file
    name: str = ""  # what the file calls it: foreign text

    def words(self) -> str:
        """What the user reads."""
        match self.kind:
            case "network":
                return tr("As the network sees it")
            case "full":
                return tr("Full range")
            case "lungs":
                return tr("Lungs")
            case "bones":
                return tr("Bones and mediastinum")
            case "file" if self.name:
                return tr("File: {name}", name=self.name)
            case _:
                return tr("File: window {n}", n=self.place + 1)


def presets_of(film: FullDepthFilm) -> tuple[Preset, ...]:
    """The windows that suit a film, the network's first."""
    parts: tuple[tuple[Kind, tuple[float, float]], ...] = (("lungs", _LUNGS), ("bones", _BONES))
    middle = _cumulative(_inner(film))
    presets = [
        Preset("network", film.default),
        Preset("full", _between(float(film.values.min()), float(film.values.max()))),
    ]
    for kind, (first, last) in parts:
        # What is dark on the screen is low or, in a negative, high.
        ends = (1 - last, 1 - first) if film.is_negative else (first, last)
        low, high = np.searchsorted(middle, ends)
        presets.append(Preset(kind, _between(float(low), float(high))))
    presets += [
        Preset("file", window, place, name)
        for place, (name, window) in enumerate(film.file_windows)
    ]
    return tuple(presets)


def _inner(film: FullDepthFilm) -> NDArray[np.unsignedinteger]:
    """Enough of the levels in the middle of the film, shape (n, m)."""
    values = film.values if film.values.ndim == 2 else film.values[..., 1]
    step = max(1, int((values.size / _MOST_COUNTED) ** 0.5))
    down, across = (int(side * _FRAME) for side in values.shape)
    return values[down : values.shape[0] - down : step, across : values.shape[1] - across : step]


def _cumulative(sample: NDArray[np.unsignedinteger]) -> NDArray[np.float64]:
    """Which part of the pixels has each level or a lower one."""
    counts = np.bincount(sample.ravel())
    return counts.cumsum() / sample.size


def _between(low: float, high: float) -> Window:
    return Window(low, max(high, low + 1))

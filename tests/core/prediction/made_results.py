"""Results as a model of three classes would give them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.prediction.acquisition import Acquisition
from core.prediction.novelty import Neighbour, Novelty
from core.prediction.reading import FilmResult
from core.prediction.verdict import Opinion

CLASSES = ("COVID", "NORMAL", "Viral_Pneumonia")  # COVID-19, Normal, Viral pneumonia
COVID, NORMAL, VIRAL = range(3)
STRANGE = Message("Nothing like it was seen.")


def opinion(*probabilities: float, **changes: Any) -> Opinion:
    """An answer that is sure, calibrated, and on a film like the training films."""
    values = np.array(probabilities or (0.75, 0.125, 0.125), np.float32)
    made = Opinion(values, True, (int(values.argmax()),), novelty(), ())
    return dataclasses.replace(made, **changes)


def opinion_of(label: int, probability: float = 0.8, **changes: Any) -> Opinion:
    """An answer for a class; the others share the rest."""
    rest = (1 - probability) / (len(CLASSES) - 1)
    values = [probability if one == label else rest for one in range(len(CLASSES))]
    return opinion(*values, **{"candidates": (label,), **changes})


def novelty(*, is_familiar: bool = True, is_from_elsewhere: bool = False) -> Novelty:
    acquired = acquisition(is_familiar=not is_from_elsewhere)
    if is_familiar:
        return Novelty(
            2.5, 4.0, True, "familiar", Message("It resembles the training films."), acquired
        )
    return Novelty(9.5, 4.0, False, "unlike_training", STRANGE, acquired)


def acquisition(*, is_familiar: bool = True) -> Acquisition:
    """How a film was acquired, from a source of NORMAL films."""
    name = Message("source {letter} ({classes})", letter="A", classes="NORMAL 90")
    return Acquisition(
        distance=3.0 if is_familiar else 30.0,
        limit=8.0,
        source=0,
        source_name=name,
        traits=(Message("sharper"), Message("wider")),
        examples=((0, 0.5), (1, 0.75), (2, 1.0)),
    )


def neighbours(thumbnail: NDArray[np.uint8] | None = None) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(label % 3, "cd" * 32, 0.1, thumbnail) for label in range(5))


def film_result(place: str | Path = "films/a.png", /, **changes: Any) -> FilmResult:
    """A film of this name that was read."""
    path = Path(place)
    values: dict[str, Any] = {
        "path": path,
        "name": path.name,
        "file": str(place),
        "source": path,
        "digest": "0f" * 32,
        "classes": CLASSES,
        "opinion": opinion(),
        "thumbnail": np.full((6, 5), 90, np.uint8),
    }
    return FilmResult(**{**values, **changes})

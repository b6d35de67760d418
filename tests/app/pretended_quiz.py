"""A model for quizzes that knows the truth, or does not, as it is told; no Paddle."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import LoadedDataset
from core.data.records import display_names
from core.models.model_card import ModelCard
from core.prediction.verdict import Opinion
from core.quiz.films import QuizSource, sources_of
from tests.core.prediction.made_results import novelty


class PretendedModel:
    """Says that every film is of class `says`, one film each time the gate lets it.

    Args:
        classes: The class folders it knows.
        split: Digests of the films it learned from or was tested on.
    """

    def __init__(self, classes: Sequence[str], **split: tuple[str, ...]) -> None:
        parts = {"train": (), "validation": (), "test": (), "kept": (), **split}
        shown = {name: display_names(name) for name in classes}
        self.card = cast(
            ModelCard,
            SimpleNamespace(classes=tuple(classes), split=parts, display_names=shown),
        )
        self.path = Path("best.safetensors")
        self.says = 0
        self.gate: threading.Semaphore | None = None  # None: nothing holds it
        self.n_asked = 0
        self.error: Exception | None = None

    def prepare(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return film

    def opinions(self, films: Sequence[NDArray[np.uint8]], prints: object = None) -> list[Opinion]:
        if self.gate is not None:
            assert self.gate.acquire(timeout=60)
        if self.error is not None:
            raise self.error
        self.n_asked += len(films)
        n = len(self.card.classes)
        probabilities = np.full(n, 0.2 / (n - 1), np.float32)
        probabilities[self.says] = 0.8
        opinion = Opinion(probabilities, True, (self.says,), novelty())
        return [opinion] * len(films)


class Clock:
    """Goes on by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sources(loaded: LoadedDataset) -> tuple[QuizSource, ...]:
    return sources_of(loaded.dataset)

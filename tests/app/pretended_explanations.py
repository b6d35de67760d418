"""Explanations that are there at once, or once they are told to be; no network is asked."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.reading import desk_viewmodel as desk_module
from core.errors import Message
from core.prediction.explanation import Explanation
from core.prediction.lungs import LungField
from core.prediction.saliency_checks import HeatMap, SaliencyChecks

DOUBT = Message("Most of the heat lies outside the lungs.")
SIDE = 4  # of the maps


class Explanations:
    """Explains every film; `asked` tells of which, by name and class.

    Args:
        patch: Takes the place of the real explanations for as long as it lasts.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()  # an explanation begins, and is complete once it is open
        self.gate.set()
        self.asked: list[tuple[str, int]] = []
        self.is_trustworthy = True
        patch.setattr(desk_module, "_explain", self._explain)

    def _explain(self, _: object, film: Any, label: int) -> Iterator[Explanation]:
        self.asked.append((film.name, label))
        yield begun(label)
        assert self.gate.wait(60)
        yield complete(label, is_trustworthy=self.is_trustworthy)


def begun(label: int) -> Explanation:
    """The map alone: for each class, heat in the row of its number."""
    cams = np.zeros((SIDE, SIDE, SIDE), np.float32)
    cams[range(SIDE), range(SIDE)] = 1
    return Explanation(label, cams)


def complete(label: int, *, is_trustworthy: bool = True) -> Explanation:
    """All of it; the second method heats the column of the class's number."""
    first = begun(label)
    mask = np.zeros((128, 128), bool)
    mask[32:96, 16:48] = True
    doubts = () if is_trustworthy else (DOUBT,)
    return Explanation(
        label,
        first.cams,
        HeatMap(first.first.values.T.copy()),
        LungField(mask, is_reliable=True, score=1.2),
        SaliencyChecks(0.8, 0.7, 0.1, 0.0, is_trustworthy, doubts, doubts),
    )

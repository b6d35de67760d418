"""Explanations that are there at once, or once they are told to be; no network is asked."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.viewmodels import desk as desk_module
from core.errors import Message

DOUBT = Message("Most of the heat lies outside the lungs.")


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
        self.has_second = True
        patch.setattr(desk_module, "_explain", self._explain)

    def _explain(self, wish: Any) -> Iterator[object]:
        self.asked.append((wish.film.name, wish.label))
        yield desk_module._Explained(wish, explanation_of(wish.label, is_complete=False))
        assert self.gate.wait(60)
        complete = explanation_of(
            wish.label, is_trustworthy=self.is_trustworthy, has_second=self.has_second
        )
        yield desk_module._Explained(wish, complete)


def explanation_of(
    label: int,
    *,
    is_complete: bool = True,
    is_trustworthy: bool = True,
    has_second: bool = True,
) -> Any:
    """A map whose heat is where its class says: the row of its number."""
    cams = np.zeros((3, 4, 4), np.float32)
    cams[range(3), range(3)] = 1
    cam = cams[label]
    honesty = SimpleNamespace(
        lung_share=0.8,
        agreement=0.7,
        random_likeness=0.1,
        is_trustworthy=is_trustworthy,
        reasons=() if is_trustworthy else (DOUBT,),
    )
    mask = np.zeros((128, 128), bool)
    mask[32:96, 16:48] = True
    return SimpleNamespace(
        label=label,
        cams=cams,
        second=(
            SimpleNamespace(values=cam.T.copy(), label=label, method="occlusion")
            if is_complete and has_second
            else None
        ),
        lungs=SimpleNamespace(mask=mask, is_reliable=True) if is_complete else None,
        honesty=honesty if is_complete else None,
    )

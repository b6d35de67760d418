"""Reads one film after the other at full size, behind the window; the latest wish counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import TaskRunner
from core.data.images import load_xray
from core.errors import ImageReadError, Message


@dataclass(frozen=True, slots=True, eq=False)
class FullFilm:
    """A film at full size, or why it cannot be shown."""

    name: str
    image: NDArray[np.uint8] | None  # (H, W) or (H, W, 3)
    reason: Message | None


class FilmReader(QObject):
    """Reads films to be looked at closely.

    Args:
        runner: Where films are read; this object's own.
    """

    film_read = Signal(object)  # FullFilm
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner) -> None:
        super().__init__()
        self._runner = runner
        self._next: tuple[str, Path] | None = None
        runner.reported.connect(self.film_read)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_runner_finished)

    def read(self, name: str, path: Path) -> None:
        """Read `path`, which the user knows as `name`; an earlier wish that waits is dropped."""
        if self._runner.is_running:
            self._next = name, path
        else:
            self._runner.start(lambda: _read(name, path))

    @Slot()
    def _on_runner_finished(self) -> None:
        if self._next is not None:
            (name, path), self._next = self._next, None
            self.read(name, path)


def _read(name: str, path: Path) -> Iterator[FullFilm]:
    try:
        yield FullFilm(name, load_xray(path), None)
    except ImageReadError as error:
        reason = error.message  # it names the unpacked file, which nobody knows
        own = Message(reason.template, **{**reason.values, "file": name})
        yield FullFilm(name, None, own)

"""Reads the films of a quiz a few ahead of the learner."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, Outcome, TaskRunner
from core.errors import Refusal
from core.quiz.films import QuizFilm

if TYPE_CHECKING:  # loads Paddle
    from core.prediction.classifier import Classifier
    from core.quiz.reading import QuizFilmRead

N_AHEAD = 3  # films that are read before they are asked for


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    turn: int
    read: "QuizFilmRead"


@dataclass(frozen=True, slots=True, eq=False)
class _Refused:
    turn: int
    film: QuizFilm
    refusal: Refusal


class QuizReader(QObject):
    """Reads one list of films at a time, each film once.

    Args:
        runner: Where films are read; this object's own.
    """

    film_read = Signal(object)  # QuizFilm; `take` it
    film_refused = Signal(object, object)  # QuizFilm, Refusal
    failed = Signal(object)  # Failure; of this list no film will come any more

    def __init__(self, runner: TaskRunner) -> None:
        super().__init__()
        self._runner = runner
        self._classifier: Classifier | None = None
        self._turn = 0  # of the list; films that were read for an earlier one come too late
        self._turn_at_work = 0
        self._with_heat = False
        self._unread: list[QuizFilm] = []
        self._ready: dict[QuizFilm, QuizFilmRead] = {}
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self._on_runner_failed)
        runner.finished.connect(self._on_runner_finished)

    def read(self, classifier: "Classifier", films: Sequence[QuizFilm], *, with_heat: bool) -> None:
        """Read these films in their order, and those of an earlier list no more."""
        self.stop()
        self._classifier, self._unread, self._with_heat = classifier, list(films), with_heat
        self._read_ahead()

    def take(self, film: QuizFilm) -> "QuizFilmRead | None":
        """Hand over a film once it is read; further ones are read in its place."""
        read = self._ready.pop(film, None)
        self._read_ahead()
        return read

    def stop(self) -> None:
        """Read no more, and let go of what was read."""
        self._turn += 1
        self._unread, self._ready, self._classifier = [], {}, None
        self._runner.stop()

    def _read_ahead(self) -> None:
        classifier, turn = self._classifier, self._turn
        n = N_AHEAD - len(self._ready)
        if classifier is None or n <= 0 or not self._unread or self._runner.is_running:
            return
        films, self._unread = self._unread[:n], self._unread[n:]
        self._turn_at_work = turn
        with_heat = self._with_heat
        self._runner.start(lambda: _read(turn, classifier, films, with_heat))

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        match event:
            case _Read(turn, read) if turn == self._turn:
                self._ready[read.film] = read
                self.film_read.emit(read.film)
            case _Refused(turn, film, refusal) if turn == self._turn:
                self.film_refused.emit(film, refusal)

    @Slot(object)
    def _on_runner_failed(self, failure: Failure) -> None:
        if self._turn_at_work == self._turn:
            self._unread = []
            self.failed.emit(failure)

    @Slot(object)
    def _on_runner_finished(self, _outcome: Outcome) -> None:
        self._read_ahead()


def _read(
    turn: int, classifier: "Classifier", films: Sequence[QuizFilm], with_heat: bool
) -> Iterator[object]:
    from core.quiz.reading import QuizFilmRead, read_quiz_films

    for event in read_quiz_films(classifier, films, with_heat=with_heat):
        if isinstance(event, QuizFilmRead):
            yield _Read(turn, event)
        else:
            yield _Refused(turn, event.film, event.refusal)

"""The state of a quiz: the films on offer, the film in hand, the score."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, TaskQueue, TaskRunner
from core.errors import Message, PneumoScopeError, Refusal
from core.models.model_card import ModelCard
from core.prediction.classifier import Classifier
from core.quiz.films import QuizFilm, QuizPool, QuizSource, choose_films, make_pool
from core.quiz.reading import QuizFilmRead, QuizFilmRefused, read_quiz_films
from core.quiz.score_card import ScoreCard
from core.quiz.session import (
    N_FILMS_RANGE,
    SEED_RANGE,
    QuizPaper,
    QuizSession,
    QuizSettings,
    Stage,
    save_quiz_table,
)

N_AHEAD = 3  # films that are read before they are asked for


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
        self._queue = TaskQueue(runner, self)
        self._classifier: Classifier | None = None
        self._with_heat = False
        self._unread: list[QuizFilm] = []
        self._ready: dict[QuizFilm, QuizFilmRead] = {}
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self._on_queue_failed)
        self._queue.finished.connect(self._read_ahead)

    def read(self, classifier: Classifier, films: Sequence[QuizFilm], *, with_heat: bool) -> None:
        """Read these films in their order, and those of an earlier list no more."""
        self.stop()
        self._classifier, self._unread, self._with_heat = classifier, list(films), with_heat
        self._read_ahead()

    def take(self, film: QuizFilm) -> QuizFilmRead | None:
        """Hand over a film once it is read; further ones are read in its place."""
        read = self._ready.pop(film, None)
        self._read_ahead()
        return read

    def stop(self) -> None:
        """Read no more, and let go of what was read."""
        self._unread, self._ready, self._classifier = [], {}, None
        self._queue.drop()

    @Slot()
    def _read_ahead(self) -> None:
        n = N_AHEAD - len(self._ready)
        if self._classifier is None or n <= 0 or not self._unread or self._queue.is_busy:
            return
        films, self._unread = self._unread[:n], self._unread[n:]
        read = partial(read_quiz_films, self._classifier, films, with_heat=self._with_heat)
        self._queue.put(films, read)

    @Slot(object)
    def _on_queue_reported(self, event: QuizFilmRead | QuizFilmRefused) -> None:
        if isinstance(event, QuizFilmRead):
            self._ready[event.film] = event
            self.film_read.emit(event.film)
        else:
            self.film_refused.emit(event.film, event.refusal)

    @Slot(object)
    def _on_queue_failed(self, failure: Failure) -> None:
        self._unread = []
        self.failed.emit(failure)


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    """A model and the films that a quiz can ask about."""

    classifier: Classifier
    pool: QuizPool


class QuizViewModel(QObject):
    """Holds one quiz at a time; films are read a few ahead of the learner.

    A quiz under way keeps the model and the films that it began with, whatever is offered
    meanwhile.

    Args:
        runner: Where films are read; this view-model's own.
        clock: Seconds, only ever forward.
    """

    changed = Signal()  # anything but the clock
    noted = Signal()  # a table was saved or not
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._reader, self._clock = QuizReader(runner), clock
        self._offer: _Offer | None = None
        self._used: _Offer | None = None  # by the quiz under way or just over
        self.n_asked = 0  # films that the quiz began with
        self._is_in_sight, self._is_saved = True, False
        self.settings = QuizSettings()
        self.session: QuizSession | None = None  # None: not begun
        self.shown: QuizFilmRead | None = None  # the film in hand, once it is there
        self.chosen: int | None = None  # the label that would be the answer now
        self.score: ScoreCard | None = None  # of a quiz that is over
        self.note: Message | None = None  # on the last table
        self.reviewing: int | None = None  # the place of the answer whose film is looked at again
        self.reviewed: QuizFilmRead | None = None  # that film, once it is there
        self.review_refusal: Message | None = None  # why it cannot be
        self._reader.film_read.connect(self._on_film_read)
        self._reader.film_refused.connect(self._on_film_refused)
        self._reader.failed.connect(self._on_reader_failed)

    # Before it begins.

    def prepare(self, sources: Sequence[QuizSource], classifier: Classifier | None) -> None:
        """Offer films and a model for the next quiz; one under way goes on with its own.

        Args:
            sources: Films whose class is known; those the model learned from are sorted out.
            classifier: The model to compare the learner with; None: there is none.
        """
        self._offer = None
        if classifier is not None and sources:
            self._offer = _Offer(classifier, make_pool(classifier.card, sources))
        self.changed.emit()

    @property
    def pool(self) -> QuizPool | None:
        """The films that the next quiz can choose from; None: no model or no dataset."""
        return self._offer.pool if self._offer is not None else None

    @property
    def n_usable(self) -> int:
        """Films that the next quiz may ask about."""
        pool = self.pool
        return len(pool.usable(with_learned=self.settings.with_learned)) if pool else 0

    @property
    def can_start(self) -> bool:
        """True where there are films enough for a quiz, and none is under way."""
        return self.stage is None and self.n_usable >= N_FILMS_RANGE[0]

    def change(self, **values: Any) -> None:
        """Hold the next quiz otherwise; the names are those of `QuizSettings`."""
        if self.session is None:  # what is under way is held as it began
            self.settings = dataclasses.replace(self.settings, **values)
            self.changed.emit()

    def start(self) -> None:
        """Begin a quiz with what is offered."""
        offer, settings = self._offer, self.settings
        if offer is None or not self.can_start:
            return
        films = choose_films(
            offer.pool, settings.n_films, settings.seed, with_learned=settings.with_learned
        )
        self._used, self.n_asked, self._is_saved = offer, len(films), False
        self.session = QuizSession(films=films, shows_truth=settings.shows_truth)
        self._reader.read(offer.classifier, films, with_heat=settings.allows_heat_map)
        self._go_on()

    # Under way.

    @property
    def stage(self) -> Stage | None:
        """The step of the quiz; None: not begun."""
        return self.session.stage if self.session is not None else None

    @property
    def card(self) -> ModelCard | None:
        """The card of the quiz's model; before it begins, of the one on offer."""
        offer = self._used if self.session is not None else self._offer
        return offer.classifier.card if offer is not None else None

    @property
    def seconds(self) -> float:
        """The seconds that the film in hand has been thought about."""
        return self.session.seconds(self._clock()) if self.session is not None else 0.0

    @property
    def opinion(self) -> QuizFilmRead | None:
        """The film in hand with what the model says of it, once the learner may hear that."""
        return self.shown if self.stage in ("with_model", "truth") else None

    def choose(self, label: int) -> None:
        """Make a class the answer to the film in hand; it counts once it is confirmed."""
        card = self.card
        is_asked = self.stage in ("alone", "with_model")
        if is_asked and card is not None and 0 <= label < len(card.classes):
            self.chosen = label
            self.changed.emit()

    @property
    def can_confirm(self) -> bool:
        """True where `confirm` does anything now."""
        if self.stage in ("alone", "with_model"):
            return self.chosen is not None
        return self.stage == "truth"

    def confirm(self) -> None:
        """Give the chosen answer, or go on from a film whose truth was seen."""
        session, chosen, shown = self.session, self.chosen, self.shown
        if session is None or not self.can_confirm:
            return
        if session.stage == "alone" and chosen is not None:
            self.session = session.answered_alone(chosen, self._clock())
        elif session.stage == "with_model" and chosen is not None and shown is not None:
            self.session = session.decided(chosen, shown.result, self._clock())
        elif session.stage == "truth":
            self.session = session.went_on()
        self._go_on()

    def set_in_sight(self, is_in_sight: bool) -> None:
        """Know that the learner sees the film or not; while not, the clock stands still."""
        self._is_in_sight = is_in_sight
        self._keep_time()

    def end(self) -> None:
        """Stop early, with the score so far; without an answer there is none."""
        if self.session is not None and self.stage != "over":
            self.session = self.session.ended()
            self._go_on()

    # When it is over.

    def review(self, place: int | None) -> None:
        """Look again at the film of an answer, 0 the first; None: at none any more."""
        session, used = self.session, self._used
        if session is None or used is None or session.stage != "over":
            return
        if place is None:
            self._reader.stop()
        elif 0 <= place < len(session.answers):
            film = session.answers[place].film
            with_heat = self.settings.allows_heat_map
            self._reader.read(used.classifier, [film], with_heat=with_heat)
        else:
            return
        self.reviewing, self.reviewed, self.review_refusal = place, None, None
        self.changed.emit()

    def leave(self) -> None:
        """Put the quiz away, whatever it has come to; the next one asks other films."""
        if self.session is None:
            return
        if self.session.answers:
            seed = (self.settings.seed + 1) % (SEED_RANGE[1] + 1)
            self.settings = dataclasses.replace(self.settings, seed=seed)
        self._drop()
        self.changed.emit()

    @property
    def table_name(self) -> str:
        """The file name of the table: after the learner, as far as that can be one."""
        learner = "".join(one if one.isalnum() else "_" for one in self.settings.learner)
        return f"quiz_{learner}.csv" if learner else "quiz.csv"

    @property
    def would_be_missed(self) -> bool:
        """True where there is a score that a learner has signed and nobody has saved."""
        return self.score is not None and bool(self.settings.learner) and not self._is_saved

    @property
    def holds_answers(self) -> bool:
        """True where answers were given that nobody has saved."""
        is_begun = self.session is not None and self.score is None
        return is_begun or self.would_be_missed

    def save_table(self, path: Path) -> None:
        """Write the answers for the teacher; `note` tells how that went."""
        session, used = self.session, self._used
        if session is None or used is None:
            return
        paper = QuizPaper(
            classes=used.classifier.card.classes,
            model=used.classifier.path.name,
            n_asked=self.n_asked,
            settings=self.settings,
        )
        try:
            save_quiz_table(path, session.answers, paper)
        except PneumoScopeError as error:
            self.note = error.message
        else:
            self.note = Message("Saved in {file}", file=str(path))
            self._is_saved = True
        self.noted.emit()

    # How it goes on.

    def _go_on(self) -> None:
        """Bring the next film, or the score, and tell of it."""
        session = self.session
        if session is None:
            return
        if session.stage in ("waiting", "over"):
            self.shown = self.chosen = None
        film = session.film
        if session.stage == "waiting" and film is not None:
            self.shown = self._reader.take(film)
            if self.shown is not None:
                self.session = session.begun(self._clock())
        if session.stage == "over":
            self._finish(session)
        self._keep_time()
        self.changed.emit()

    def _finish(self, session: QuizSession) -> None:
        self._reader.stop()
        card = self.card
        if session.answers and card is not None:
            self.score = ScoreCard.of(session.answers, len(card.classes))
        elif not session.refused:  # stopped before the first answer: nothing to tell of
            self._drop()

    def _drop(self) -> None:
        self._reader.stop()
        self._used = self.session = self.shown = self.chosen = self.score = self.note = None
        self.reviewing = self.reviewed = self.review_refusal = None

    def _keep_time(self) -> None:
        if self.session is not None:
            now = self._clock()
            step = self.session.resumed if self._is_in_sight else self.session.paused
            self.session = step(now)

    @property
    def _film_again(self) -> QuizFilm | None:
        """The film that is looked at again."""
        if self.session is None or self.reviewing is None:
            return None
        return self.session.answers[self.reviewing].film

    @Slot(object)
    def _on_film_read(self, film: QuizFilm) -> None:
        if film == self._film_again:
            self.reviewed = self._reader.take(film)
            self.changed.emit()
        elif self.stage == "waiting":
            self._go_on()

    @Slot(object, object)
    def _on_film_refused(self, film: QuizFilm, refusal: Refusal) -> None:
        if film == self._film_again:
            self.review_refusal = refusal.reason
            self.changed.emit()
        elif self.session is not None:
            self.session = self.session.without(film, refusal)
            self._go_on()

    @Slot(object)
    def _on_reader_failed(self, failure: Failure) -> None:
        if self._film_again is not None:
            self.review_refusal = failure.message
            self.changed.emit()
        self.end()  # with what was answered: no film would come any more
        self.failed.emit(failure)

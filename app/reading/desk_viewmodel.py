"""The films that are looked at: their pictures at full depth, and why the model said so."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, TaskRunner
from core.errors import ImageReadError, Message
from core.images.film import FullDepthFilm
from core.images.reading import load_xray, read_full
from core.prediction.reading import FilmResult

if TYPE_CHECKING:  # load Paddle
    from core.prediction.classifier import Classifier
    from core.prediction.explanation import Explanation

MAX_BYTES = 384 * 2**20  # of films kept at full depth
MAX_EXPLANATIONS = 500
MIN_FILMS = 4  # as many as can be in sight


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """A film's file was read again."""

    key: int
    film: FullDepthFilm | Message  # or why it cannot be


@dataclass(frozen=True, slots=True, eq=False)
class _Explained:
    wish: "_Wish"
    explanation: "Explanation"


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A film whose answer is to be explained."""

    classifier: "Classifier"
    film: FilmResult
    label: int  # the class the heat map is for


@dataclass(frozen=True, slots=True, eq=False)
class _Unexplained:
    """The film's file cannot be read any more."""

    wish: _Wish


class DeskViewModel(QObject):
    """Reads and explains the films that are looked at; what is out of sight is dropped.

    Args:
        viewing: Where films are read again; this view-model's own.
        explaining: Where answers are explained; likewise.
    """

    film_loaded = Signal(int, object)  # key, FullDepthFilm
    film_failed = Signal(int, object)  # key, Message
    explained = Signal(int, object)  # key, Explanation: first the map, then all of it
    explain_failed = Signal(int)  # key: nothing more will be found out of it
    failed = Signal(object)  # Failure

    def __init__(self, viewing: TaskRunner, explaining: TaskRunner) -> None:
        super().__init__()
        self._viewing, self._explaining = viewing, explaining
        self._classifier: Classifier | None = None
        self._films: OrderedDict[int, FullDepthFilm] = OrderedDict()  # the longest unused first
        self._explanations: OrderedDict[tuple[int, int], Explanation] = OrderedDict()
        self._unread: list[FilmResult] = []  # in sight
        self._unexplained: list[_Wish] = []  # likewise
        self._at_work: tuple[int, int] | None = None  # what is being explained
        self._hopeless: set[tuple[int, int]] = set()  # what was tried in vain
        viewing.reported.connect(self._on_viewing_reported)
        viewing.failed.connect(self.failed)
        viewing.finished.connect(self._load_next)
        explaining.reported.connect(self._on_explaining_reported)
        explaining.failed.connect(self._on_explaining_failed)
        explaining.finished.connect(self._explain_next)

    def use(self, classifier: "Classifier") -> None:
        """Explain with another model from now on; keys are given anew."""
        self._classifier = classifier
        self.forget()

    def forget(self) -> None:
        """All films were put away."""
        self._films.clear()
        self._explanations.clear()
        self._hopeless.clear()
        self.look_at([])

    def look_at(self, sights: Sequence[tuple[FilmResult, int]]) -> None:
        """Read and explain these films, those in front first, and no others any more.

        Args:
            sights: Films, each with the class whose heat map is wanted.
        """
        for film, _ in sights:
            self.film(film.key)  # what is let go to make room is out of sight
        self._unread = [film for film, _ in sights if film.key not in self._films]
        classifier = self._classifier
        self._unexplained = [
            _Wish(classifier, film, label)
            for film, label in sights
            if classifier is not None and not self._is_explained(film.key, label)
        ]
        wanted = {(film.key, label) for film, label in sights}
        if self._at_work is not None and self._at_work not in wanted:
            self._explaining.stop()
        self._load_next()
        self._explain_next()

    def film(self, key: int) -> FullDepthFilm | None:
        """A film at full depth; None: it was not read yet, or let go."""
        if key in self._films:
            self._films.move_to_end(key)
        return self._films.get(key)

    def explanation(self, key: int, label: int) -> "Explanation | None":
        """Why the model says what it says of a film, as far as it was found out.

        None: nothing was, or it was let go.
        """
        return self._explanations.get((key, label))

    def is_given_up(self, key: int, label: int) -> bool:
        """Whether it was tried in vain to find out more."""
        return (key, label) in self._hopeless

    def _is_explained(self, key: int, label: int) -> bool:
        found = self._explanations.get((key, label))
        return self.is_given_up(key, label) or (found is not None and found.is_complete)

    @Slot()
    def _load_next(self) -> None:
        while self._unread and not self._viewing.is_running:
            film = self._unread.pop(0)
            if film.key not in self._films:  # it may have been asked for twice
                self._viewing.start(partial(_look, film))

    @Slot()
    def _explain_next(self) -> None:
        if self._explaining.is_running:
            return
        self._at_work = None
        while self._unexplained and self._at_work is None:
            wish = self._unexplained.pop(0)
            if not self._is_explained(wish.film.key, wish.label):  # likewise
                self._at_work = wish.film.key, wish.label
                self._explaining.start(partial(_explain, wish))

    @Slot(object)
    def _on_viewing_reported(self, looked: _Looked) -> None:
        if isinstance(looked.film, Message):
            self.film_failed.emit(looked.key, looked.film)
            return
        self._films[looked.key] = looked.film
        while len(self._films) > MIN_FILMS and _n_bytes(self._films) > MAX_BYTES:
            self._films.popitem(last=False)
        self.film_loaded.emit(looked.key, looked.film)

    @Slot(object)
    def _on_explaining_failed(self, failure: Failure) -> None:
        self._give_up()
        self.failed.emit(failure)

    def _give_up(self) -> None:
        if self._at_work is not None:
            self._hopeless.add(self._at_work)
            self.explain_failed.emit(self._at_work[0])

    @Slot(object)
    def _on_explaining_reported(self, event: object) -> None:
        if isinstance(event, _Unexplained):
            if event.wish.classifier is self._classifier:
                self._give_up()
            return
        if not isinstance(event, _Explained) or event.wish.classifier is not self._classifier:
            return
        key = event.wish.film.key
        self._explanations[key, event.wish.label] = event.explanation
        while len(self._explanations) > MAX_EXPLANATIONS:
            self._explanations.popitem(last=False)
        self.explained.emit(key, event.explanation)


def _n_bytes(films: OrderedDict[int, FullDepthFilm]) -> int:
    return sum(film.values.nbytes for film in films.values())


def _look(film: FilmResult) -> Iterator[_Looked]:
    try:
        yield _Looked(film.key, read_full(film.path))
    except ImageReadError as error:  # moved away since it was read; its answer stays
        own = Message(error.message.template, **{**error.message.values, "file": film.name})
        yield _Looked(film.key, own)


def _explain(wish: _Wish) -> Iterator[object]:
    from core.prediction.explanation import explain

    try:
        pixels = load_xray(wish.film.path)
    except ImageReadError:  # `_look` says why
        yield _Unexplained(wish)
        return
    for event in explain(wish.classifier, pixels, wish.label):
        yield _Explained(wish, event)

"""State of the films in sight: their pictures at full depth and their explanations."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, Outcome, TaskQueue, TaskRunner
from core.errors import ImageReadError, Message
from core.images.film import FullDepthFilm
from core.images.reading import load_xray, read_full
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation, explain
from core.prediction.reading import FilmResult

MAX_BYTES = 384 * 2**20  # of films kept at full depth
MAX_EXPLANATIONS = 500
MIN_FILMS = 4  # as many as can be in sight


_Sight = tuple[int, int]  # key of a film, class of its heat map


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
        self._viewing, self._explaining = TaskQueue(viewing, self), TaskQueue(explaining, self)
        self._classifier: Classifier | None = None
        self._films: OrderedDict[int, FullDepthFilm] = OrderedDict()  # the longest unused first
        self._explanations: OrderedDict[_Sight, Explanation] = OrderedDict()
        self._wanted: dict[_Sight, FilmResult] = {}  # to be explained, those in front first
        self._hopeless: set[_Sight] = set()  # what was tried in vain
        self._viewing.reported.connect(self._on_viewing_reported)
        self._viewing.failed.connect(self.failed)
        self._explaining.reported.connect(self._on_explaining_reported)
        self._explaining.failed.connect(self._on_explaining_failed)
        self._explaining.finished.connect(self._on_explaining_finished)

    def use(self, classifier: Classifier) -> None:
        """Explain with another model from now on; keys are given anew."""
        self._classifier = classifier
        self.forget()

    def forget(self) -> None:
        """Forget all films."""
        self._films.clear()
        self._explanations.clear()
        self._hopeless.clear()
        self._wanted = {}
        self._viewing.drop()
        self._explaining.drop()

    def end(self) -> None:
        """Begin nothing more: the program is closing."""
        self._viewing.close()
        self._explaining.close()

    def look_at(self, sights: Sequence[tuple[FilmResult, int]]) -> None:
        """Read and explain these films, those in front first, and no others any more.

        Args:
            sights: Films, each with the class whose heat map is wanted.
        """
        for film, _ in sights:
            self.film(film.key)  # what is let go to make room is out of sight
        self._viewing.drop_waiting()
        unread = {film.key: film for film, _ in sights if film.key not in self._films}
        for key, film in unread.items():
            if key != self._viewing.current:
                self._viewing.put(key, partial(_look, film))
        self._wanted = {(film.key, label): film for film, label in sights}
        if self._explaining.current not in self._wanted:
            self._explaining.stop()  # what it has found until then is kept
        self._explain_wanted()

    def film(self, key: int) -> FullDepthFilm | None:
        """Return a film at full depth; None: it was not read yet, or let go."""
        if key in self._films:
            self._films.move_to_end(key)
        return self._films.get(key)

    def explanation(self, key: int, label: int) -> Explanation | None:
        """Return the explanation of a film's class, as far as it was found out.

        None: nothing was, or it was let go.
        """
        return self._explanations.get((key, label))

    def is_given_up(self, key: int, label: int) -> bool:
        """True where it was tried in vain to find out more."""
        return (key, label) in self._hopeless

    def _is_explained(self, key: int, label: int) -> bool:
        found = self._explanations.get((key, label))
        return self.is_given_up(key, label) or (found is not None and found.is_complete)

    def _explain_wanted(self) -> None:
        """Queue what is wanted anew, in its order."""
        self._explaining.drop_waiting()
        classifier = self._classifier
        for (key, label), film in self._wanted.items():
            is_due = (key, label) != self._explaining.current and not self._is_explained(key, label)
            if classifier is not None and is_due:
                self._explaining.put((key, label), partial(_explain, classifier, film, label))

    @Slot(object, object)
    def _on_viewing_reported(self, film: FullDepthFilm | Message, key: int) -> None:
        if isinstance(film, Message):
            self.film_failed.emit(key, film)
            return
        self._films[key] = film
        while len(self._films) > MIN_FILMS and _n_bytes(self._films) > MAX_BYTES:
            self._films.popitem(last=False)
        self.film_loaded.emit(key, film)

    @Slot(object, object)
    def _on_explaining_reported(self, explanation: Explanation | None, sight: _Sight) -> None:
        if explanation is None:
            self._give_up(sight)
            return
        self._explanations[sight] = explanation
        while len(self._explanations) > MAX_EXPLANATIONS:
            self._explanations.popitem(last=False)
        self.explained.emit(sight[0], explanation)

    @Slot(object, object)
    def _on_explaining_failed(self, failure: Failure, sight: _Sight) -> None:
        self._give_up(sight)
        self.failed.emit(failure)

    @Slot(object, object)
    def _on_explaining_finished(self, outcome: Outcome, sight: _Sight) -> None:
        if outcome is not Outcome.CANCELLED:  # else it may be wanted again by now
            self._wanted.pop(sight, None)
        self._explain_wanted()

    def _give_up(self, sight: _Sight) -> None:
        self._hopeless.add(sight)
        self.explain_failed.emit(sight[0])


def _n_bytes(films: OrderedDict[int, FullDepthFilm]) -> int:
    return sum(film.values.nbytes for film in films.values())


def _look(film: FilmResult) -> Iterator[FullDepthFilm | Message]:
    """Read a film's file again; where that cannot be, say why."""
    try:
        yield read_full(film.path, film.frame)
    except ImageReadError as error:  # moved away since it was read; its answer stays
        yield Message(error.message.template, **{**error.message.values, "file": film.name})


def _explain(classifier: Classifier, film: FilmResult, label: int) -> Iterator[Explanation | None]:
    """Explain an answer step by step; None: the film's file cannot be read any more."""
    try:
        pixels = load_xray(film.path, film.frame)
    except ImageReadError:  # `_look` says why
        yield None
        return
    yield from explain(classifier, pixels, label)

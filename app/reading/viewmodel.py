"""State of the Read page: a model, and the films that it read."""

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.drops import PastedPictures, Picture
from app.tasks import Outcome, TaskQueue, TaskRunner
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.events import Progress
from core.models.model_card import ModelCard
from core.prediction.classifier import Classifier
from core.prediction.explanation import Explanation
from core.prediction.film_search import FoundFilm, RefusedFilm, SeenFilms, find_films
from core.prediction.novelty import Neighbour
from core.prediction.reading import FilmResult, read_films
from core.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Films that wait to be read, in any of the ways in which they may have come."""

    paths: tuple[Path, ...] = ()  # files, folders and zips, not looked into yet
    films: tuple[FoundFilm, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def n(self) -> int:
        """The number of things that were dropped."""
        return len(self.paths) + len(self.films) + len(self.pictures)


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model that waits to be opened."""

    path: Path
    kept_from: LoadedDataset | None


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """A request to read what was dropped."""

    wanted: tuple[Wanted, ...]
    first_key: int  # of its first film


def open_wanted(model: WantedModel) -> Iterator[Progress | Classifier]:
    """Open a model file."""
    yield Progress(Message("Opening the model …"), 0, 0)
    yield Classifier.open(model.path)


def read_wanted(
    classifier: Classifier, wanted: Sequence[Wanted], store: Path, pasted: PastedPictures
) -> Iterator[FilmResult | RefusedFilm | Progress]:
    """Find the films in what was dropped, and read them as they are found."""
    found = _find(wanted, store, pasted)
    with closing(found), closing(read_films(classifier, found)) as events:
        yield from events


def kept_films(loaded: LoadedDataset, card: ModelCard) -> tuple[FoundFilm, ...]:
    """Return the films that training kept for a last look."""
    kept = set(card.split["kept"])
    return tuple(
        FoundFilm(
            path=record.path,
            name=record.name.rsplit("/", 1)[-1],
            file=record.name,
            source=record.path,
        )
        for record in loaded.dataset.records
        if record.digest in kept
    )


def _find(
    wanted: Iterable[Wanted], store: Path, pasted: PastedPictures
) -> Generator[FoundFilm | Path | RefusedFilm | Progress, None, None]:
    for some in wanted:
        yield from some.films
        yield from pasted.save(some.pictures)
        with closing(find_films(some.paths, store)) as found:
            yield from found


class ReadingViewModel(QObject):
    """Opens a model and reads films with it; films dropped meanwhile wait their turn.

    Args:
        runner: Where the work is done; this view-model's own.
        workspace: Where zips are unpacked and pasted pictures are kept.
    """

    changed = Signal()  # model or busy
    progressed = Signal(object)  # Progress of a search
    model_opened = Signal(object)  # Classifier
    cleared = Signal()
    film_read = Signal(object)  # FilmResult
    film_weighed = Signal(object)  # FilmResult of which more is known now
    film_refused = Signal(object)  # RefusedFilm
    film_repeated = Signal(object)  # FilmResult that is in the list already
    films_removed = Signal(object)  # frozenset of keys
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._queue, self._workspace = TaskQueue(runner, self), workspace
        self._pasted = PastedPictures(workspace.root / "pasted")
        self._open_next: WantedModel | None = None
        self._waiting: list[Wanted] = []
        self._is_interrupted = False  # by another model, which reads it from the start
        self._put_back_from: int | None = None  # key of the first film that will be read again
        self._seen = SeenFilms()
        self._next_key = 0
        self._keys: dict[tuple[Path, int], int] = {}  # of what was read last: file, frame
        self._dataset: LoadedDataset | None = None
        self._class_of: dict[str, str] = {}  # digest -> class, of the open dataset
        self.classifier: Classifier | None = None
        self.model: Path | None = None
        self.films: dict[int, FilmResult] = {}  # by key, in the order in which they came
        self.refused: list[RefusedFilm] = []
        self.n_repeated = 0  # films that were dropped again and are in the list already
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self._on_queue_finished)

    @property
    def card(self) -> ModelCard | None:
        """The card of the open model."""
        return self.classifier.card if self.classifier is not None else None

    @property
    def is_busy(self) -> bool:
        """True while a model is being opened or films are being read."""
        return self._queue.is_busy

    @property
    def n_waiting(self) -> int:
        """The number of things that were dropped and not looked at yet."""
        return sum(wanted.n for wanted in self._waiting)

    def set_dataset(self, loaded: LoadedDataset) -> None:
        """Know the films of the open dataset again by their classes and their looks."""
        self._dataset = loaded
        records = loaded.dataset.records
        self._class_of = {one.digest: loaded.dataset.classes[one.label] for one in records}

    def with_pictures(self, film: FilmResult) -> FilmResult:
        """Add the pictures of the nearest training films, where the open dataset has them."""

        def picture_of(one: Neighbour) -> NDArray[np.uint8] | None:
            return one.thumbnail if one.thumbnail is not None else self._picture_of(one.digest)

        return replace(film, opinion=film.opinion.with_pictures(picture_of))

    def reveal(self, key: int) -> None:
        """Tell the answer to a film though it is not reliable, because somebody asked."""
        film = self.films.get(key)
        if film is not None and film.hides_answer:
            self.films[key] = replace(film, is_revealed=True)
            self.film_weighed.emit(self.films[key])

    def weigh(self, key: int, explanation: Explanation) -> None:
        """Take the checks of a heat map as evidence for or against a film's answer."""
        film = self.films.get(key)
        if film is None or film.checks is not None:
            return
        weighed = film.explained(explanation)
        if weighed is not film:
            self.films[key] = weighed
            self.film_weighed.emit(weighed)

    def _picture_of(self, digest: str) -> NDArray[np.uint8] | None:
        if self._dataset is None or digest not in self._dataset.cache.rows:
            return None
        return self._dataset.cache.thumbnail(digest)

    def open_model(self, path: Path, kept_from: LoadedDataset | None = None) -> None:
        """Use another model from now on; the films read with the old one are read again.

        Args:
            path: A model file.
            kept_from: Where to look for the films that training kept for a last look; they
                are read at once, their true classes being known.
        """
        self._open_next = WantedModel(path, kept_from)
        if isinstance(self._queue.current, _Reading):
            self._is_interrupted = True
            self._queue.stop()
        self._work()

    def read(self, paths: Sequence[Path], pictures: Sequence[Picture] = ()) -> None:
        """Ask the model about the films in these files, folders and zips, and about pictures."""
        self._waiting.append(Wanted(paths=tuple(paths), pictures=tuple(pictures)))
        self._work()

    def read_frame(self, key: int, frame: int) -> None:
        """Ask the model about another frame of a film's file, as a film of its own.

        Args:
            key: The film's.
            frame: From 1.
        """
        film = self.films[key]
        other = FoundFilm(
            path=film.path,
            name=f"{film.name} [{frame}]",
            file=film.file,
            source=film.source,
            frame=frame,
        )
        self._waiting.append(Wanted(films=(other,)))
        self._work()

    @Slot(list)
    def remove(self, keys: Collection[int]) -> None:
        """Put films away, or files that were refused."""
        going = frozenset(keys)
        gone = {self.films.pop(key).identity for key in going if key in self.films}
        for identity in gone - {film.identity for film in self.films.values()}:
            self._seen.forget(identity)
        self.refused = [one for one in self.refused if one.key not in going]
        self.films_removed.emit(going)
        self.changed.emit()

    def clear(self) -> None:
        """Put away all films."""
        self._drop_waiting()
        if isinstance(self._queue.current, _Reading):
            self._queue.drop()  # films on their way come too late
        self._empty()
        self._work()

    def cancel(self) -> None:
        """Leave what waits unread."""
        self._drop_waiting()
        self._queue.stop()

    def end(self) -> None:
        """Leave what waits and remove what was pasted, for the window closes."""
        self._drop_waiting()
        self._queue.close()
        if not self.is_busy:
            self._pasted.remove()

    def _drop_waiting(self) -> None:
        self._waiting = []
        self._is_interrupted, self._put_back_from = False, None

    def _empty(self) -> None:
        self.films, self.refused, self.n_repeated = {}, [], 0
        self._keys = {}
        self._seen.clear()
        self.cleared.emit()

    def _work(self) -> None:
        """Start on what waits, unless it is being worked on already."""
        if self.is_busy:
            return
        if self._open_next is not None:
            model, self._open_next = self._open_next, None
            self._queue.put(model, lambda: open_wanted(model))
        elif self._waiting and self.classifier is not None:
            wanted, classifier = tuple(self._waiting), self.classifier
            self._waiting, self._put_back_from = [], None
            store, pasted = self._workspace.datasets, self._pasted
            self._queue.put(
                _Reading(wanted, self._next_key + 1),
                lambda: read_wanted(classifier, wanted, store, pasted),
            )
        self.changed.emit()

    @Slot(object, object)
    def _on_queue_reported(self, event: object, request: WantedModel | _Reading) -> None:
        match event:
            case Progress():
                self.progressed.emit(event)
            case FilmResult():
                self._take(event)
            case RefusedFilm():
                self._refuse(event)
            case _ if isinstance(request, WantedModel):
                self._use(request, cast(Classifier, event))

    def _refuse(self, refused: RefusedFilm) -> None:
        refused = replace(refused, key=self._new_key())
        self.refused.append(refused)
        self.film_refused.emit(refused)

    def _take(self, film: FilmResult) -> None:
        known = self.films.get(self._keys.get((film.path, film.frame), 0))
        if known is not None and known.digest == film.digest:
            self.n_repeated += 1
            self.film_repeated.emit(known)
            return
        film = replace(
            film,
            key=self._new_key(),
            true_class=self._class_of.get(film.digest),
            duplicate_of=self._seen.register(film.identity, film.name),
        )
        self.films[film.key] = film
        self._keys[film.path, film.frame] = film.key
        self.film_read.emit(film)

    def _use(self, wanted: WantedModel, classifier: Classifier) -> None:
        card = classifier.card
        self.model, self.classifier = wanted.path, classifier
        if wanted.kept_from is not None:
            self.set_dataset(wanted.kept_from)
        end = self._next_key + 1 if self._put_back_from is None else self._put_back_from
        again = tuple(
            film
            for film in self.films.values()
            if film.key < end and (film.part != "kept" or wanted.kept_from is None)
        )
        refused = [one for one in self.refused if one.key < end]
        self._empty()
        for one in refused:  # no model can read them
            self._refuse(one)
        self._waiting = [Wanted(films=again), *self._waiting] if again else self._waiting
        if wanted.kept_from is not None and self._open_next is None:
            kept = kept_films(wanted.kept_from, card)
            self._waiting = [Wanted(films=kept), *self._waiting] if kept else self._waiting
        self.model_opened.emit(classifier)

    def _new_key(self) -> int:
        self._next_key += 1
        return self._next_key

    @Slot(object, object)
    def _on_queue_finished(self, outcome: Outcome, request: WantedModel | _Reading) -> None:
        is_cancelled = outcome is Outcome.CANCELLED
        if self._is_interrupted and is_cancelled and isinstance(request, _Reading):
            self._waiting = [*request.wanted, *self._waiting]
            self._put_back_from = request.first_key
        self._is_interrupted = False
        self.changed.emit()
        self._work()

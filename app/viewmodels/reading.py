"""The Read page's state: a model, and the films it was asked about."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Outcome, TaskRunner
from core.data.images import is_named_as_image, load_xray, shrink
from core.data.loading import LoadedDataset
from core.errors import ImageReadError, Message, Refusal
from core.events import FilmRead, FilmRefused, Progress
from core.models.model_card import ModelCard

if TYPE_CHECKING:  # loads Paddle
    from core.prediction.classifier import Classifier


THUMBNAIL_PX = 128
VIEW_PX = 1024  # of a film's longer side, as it is looked at
MAX_VIEWS = 60  # films kept at that size: 60 MB of grey ones


@dataclass(frozen=True, slots=True, eq=False)
class ReadFilm:
    """One film and what the model says of it."""

    name: str
    path: Path
    thumbnail: NDArray[np.uint8]  # (H, W) or (H, W, 3), no side longer than THUMBNAIL_PX
    probabilities: NDArray[np.float32]  # (C,), sums to 1
    true_class: str | None  # known only of the images kept from the dataset

    @property
    def predicted(self) -> int:
        """Index of the class with the highest probability."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A film at the size it is looked at, fresh from the network or from its file again."""

    path: Path
    image: NDArray[np.uint8] | None  # None: the file cannot be read any more


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A film that waits to be read."""

    path: Path
    name: str
    true_class: str | None = None


@dataclass(frozen=True, slots=True)
class _WantedModel:
    """A model that waits to be opened."""

    path: Path
    kept_from: LoadedDataset | None


@dataclass(frozen=True, slots=True)
class _ModelOpened:
    wanted: _WantedModel
    classifier: "Classifier"


class ReadingViewModel(QObject):
    """Opens a model and reads films with it; films dropped meanwhile wait their turn.

    Args:
        runner: Where the work is done; this view-model's own.
        viewing: Where films are read again to be looked at; likewise.
    """

    changed = Signal()  # model or busy
    view_loaded = Signal(object)  # Path of a film whose picture is there now
    cleared = Signal()
    film_read = Signal(object)  # ReadFilm
    film_refused = Signal(object)  # Refusal
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, viewing: TaskRunner) -> None:
        super().__init__()
        self._runner, self._viewing = runner, viewing
        # Large pictures of the latest films only: ten thousand would fill the memory.
        self._views: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
        self._view_next: Path | None = None
        self._classifier: Classifier | None = None
        self._open_next: _WantedModel | None = None
        self._is_opening = False
        self._is_discarding = False
        self._waiting: list[_Wanted] = []
        self.model: Path | None = None
        self.films: list[ReadFilm] = []
        self.refused: list[Refusal] = []
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_runner_finished)
        viewing.reported.connect(self._on_viewing_reported)
        viewing.finished.connect(self._on_viewing_finished)

    @property
    def card(self) -> ModelCard | None:
        """What the open model says about itself."""
        return self._classifier.card if self._classifier is not None else None

    @property
    def is_busy(self) -> bool:
        """Whether a model is being opened or films are being read."""
        return self._runner.is_running

    @property
    def n_waiting(self) -> int:
        """Films that were dropped and not looked at yet."""
        return len(self._waiting)

    def open_model(self, path: Path, kept_from: LoadedDataset | None = None) -> None:
        """Use another model from now on; the films read with the old one are read again.

        Args:
            path: A model file.
            kept_from: Where to look for the films that training kept for a last look; they
                are read at once, their true classes being known.
        """
        self._open_next = _WantedModel(path, kept_from)
        self._work()

    def read(self, paths: Sequence[Path]) -> None:
        """Ask the model about these films."""
        self._waiting += [_Wanted(path, path.name) for path in paths]
        self._work()

    def view(self, film: ReadFilm) -> NDArray[np.uint8] | None:
        """The film's picture; None: it is being read again, `view_loaded` will tell."""
        image = self._views.get(film.path)
        if image is None:
            self._view_next = film.path
            self._load_view()
        return image

    def clear(self) -> None:
        """Put away all films."""
        self._waiting = []
        if not self._is_opening:
            self._runner.stop()
        self._is_discarding = self.is_busy  # films on their way come too late
        self.films, self.refused = [], []
        self.cleared.emit()

    def cancel(self) -> None:
        """Leave what waits unread."""
        self._waiting = []
        self._runner.stop()

    def _work(self) -> None:
        """Start on what waits, unless it is being worked on already."""
        if self.is_busy:
            return
        if self._open_next is not None:
            model, self._open_next = self._open_next, None
            self._is_opening = True
            self._runner.start(lambda: _open(model))
        elif self._waiting and self._classifier is not None:
            wanted, classifier = self._waiting, self._classifier
            self._waiting = []
            self._runner.start(lambda: _read(classifier, wanted))
        self.changed.emit()

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        match event:
            case ReadFilm() | FilmRefused() if self._is_discarding:
                pass
            case _View():
                self._keep_view(event)
            case ReadFilm():
                self.films.append(event)
                self.film_read.emit(event)
            case FilmRefused(refusal):
                self.refused.append(refusal)
                self.film_refused.emit(refusal)
            case _ModelOpened(model, classifier):
                self.model, self._classifier = model.path, classifier
                again = [
                    _Wanted(film.path, film.name) for film in self.films if film.true_class is None
                ]
                self.films, self.refused = [], []
                self._waiting = [*again, *self._waiting]
                self.cleared.emit()
                if model.kept_from is not None and self._open_next is None:
                    kept = _kept_films(model.kept_from, classifier.card)
                    self._waiting = [*kept, *self._waiting]

    @Slot(object)
    def _on_runner_finished(self, _outcome: Outcome) -> None:
        self._is_opening = self._is_discarding = False
        self.changed.emit()
        self._work()

    def _keep_view(self, view: _View) -> None:
        if view.image is not None:
            self._views[view.path] = view.image
            self._views.move_to_end(view.path)
            if len(self._views) > MAX_VIEWS:
                self._views.popitem(last=False)

    def _load_view(self) -> None:
        if self._view_next is not None and not self._viewing.is_running:
            path, self._view_next = self._view_next, None
            self._viewing.start(lambda: _load(path))

    @Slot(object)
    def _on_viewing_reported(self, view: _View) -> None:
        self._keep_view(view)
        if view.image is not None:
            self.view_loaded.emit(view.path)

    @Slot(object)
    def _on_viewing_finished(self, _outcome: Outcome) -> None:
        self._load_view()


def _kept_films(loaded: LoadedDataset, card: ModelCard) -> Iterator[_Wanted]:
    kept = set(card.split["kept"])
    for record in loaded.dataset.records:
        if record.digest in kept:
            name = record.name.rsplit("/", 1)[-1]
            yield _Wanted(record.path, name, loaded.dataset.classes[record.label])


def _open(model: _WantedModel) -> Iterator[object]:
    yield Progress(Message("Loading the deep-learning library"), 0, 0)
    from core.prediction.classifier import Classifier

    yield _ModelOpened(model, Classifier.open(model.path))


def _read(classifier: "Classifier", wanted: Sequence[_Wanted]) -> Iterator[object]:
    from core.prediction.classifier import read_films

    files = [film for item in wanted for film in _files_of(item)]
    known = iter(files)
    with closing(read_films(classifier, [film.path for film in files])) as events:
        for event in events:
            film = next(known)  # films come back in the order they were asked for
            if isinstance(event, FilmRead):
                yield _View(film.path, event.image)
                small = shrink(event.image, THUMBNAIL_PX)
                yield ReadFilm(
                    film.name, film.path, small.copy(), event.probabilities, film.true_class
                )
            else:
                yield FilmRefused(Refusal(film.name, event.refusal.reason))


def _files_of(wanted: _Wanted) -> Iterator[_Wanted]:
    """The film itself; of a folder, every file below it that is named as an image."""
    if not wanted.path.is_dir():
        yield wanted
        return
    for path in sorted(wanted.path.rglob("*")):
        if is_named_as_image(path.name) and path.is_file():
            yield _Wanted(path, path.relative_to(wanted.path.parent).as_posix())


def _load(path: Path) -> Iterator[_View]:
    try:
        yield _View(path, shrink(load_xray(path), VIEW_PX))
    except ImageReadError:
        yield _View(path, None)  # moved away since it was read; its answer stays

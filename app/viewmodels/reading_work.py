"""What is done behind the Read page's window: open a model, find films, read them."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.dropped import Picture
from app.pasted_pictures import PastedPictures
from core.data.images import shrink
from core.data.loading import LoadedDataset
from core.errors import Message
from core.events import FilmRefused, Progress
from core.models.model_card import ModelCard
from core.prediction.film_search import FoundFilm, find_films
from core.workspace import Workspace

if TYPE_CHECKING:  # load Paddle
    from core.prediction.classifier import Classifier
    from core.prediction.opinion import Opinion

THUMBNAIL_PX = 96  # of the longer side: twice what a list draws, for fine screens


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Films that wait to be read, in any of the ways in which they may have come."""

    paths: tuple[Path, ...] = ()  # files, folders and zips, not looked into yet
    films: tuple[FoundFilm, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def n(self) -> int:
        """How many things were dropped."""
        return len(self.paths) + len(self.films) + len(self.pictures)


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model that waits to be opened."""

    path: Path
    kept_from: LoadedDataset | None


@dataclass(frozen=True, slots=True)
class ModelOpened:
    """A model is ready to read films."""

    wanted: WantedModel
    classifier: "Classifier"


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A film was read; small enough to keep ten thousand of."""

    found: FoundFilm
    digest: str
    thumbnail: NDArray[np.uint8]
    opinion: "Opinion"


def open_wanted(model: WantedModel) -> Iterator[Progress | ModelOpened]:
    """Open a model file; Paddle is loaded here where it is not yet."""
    yield Progress(Message("Loading the deep-learning library"), 0, 0)
    from core.prediction.classifier import Classifier

    yield ModelOpened(model, Classifier.open(model.path))


def speed_up(classifier: "Classifier", workspace: Workspace) -> Iterator[Progress]:
    """Find or build the model's fast form, which takes seconds the first time."""
    classifier.speed_up(workspace, may_build=True)
    yield from ()


def read_wanted(
    classifier: "Classifier", wanted: Sequence[Wanted], store: Path, pasted: PastedPictures
) -> Iterator[Answered | FilmRefused | Progress]:
    """Find the films in what was dropped, and read them as they are found."""
    from core.prediction.reading import FilmRead, read_films

    found = _find(wanted, store, pasted)
    with closing(found), closing(read_films(classifier, found)) as events:
        for event in events:
            if isinstance(event, FilmRead):
                film = FoundFilm(event.path, event.name, event.file, event.path)
                small = shrink(event.image, THUMBNAIL_PX).copy()
                yield Answered(film, event.digest, small, event.opinion)
            else:
                yield event


def kept_films(loaded: LoadedDataset, card: ModelCard) -> tuple[FoundFilm, ...]:
    """The films that training kept for a last look."""
    kept = set(card.split["kept"])
    return tuple(
        FoundFilm(record.path, record.name.rsplit("/", 1)[-1], record.name, record.path)
        for record in loaded.dataset.records
        if record.digest in kept
    )


def _find(
    wanted: Iterable[Wanted], store: Path, pasted: PastedPictures
) -> Generator[FoundFilm | Path | FilmRefused | Progress, None, None]:
    for some in wanted:
        yield from some.films
        yield from pasted.save(some.pictures)
        with closing(find_films(some.paths, store)) as found:
            yield from found

"""Read films with a model as they are found: files decode ahead while the network computes."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageReadError, Message, Refusal
from core.events import FilmRefused, Progress
from core.images.film import shrink
from core.images.reading import content_of, load_xray
from core.prediction.classifier import Classifier, Opinion
from core.prediction.film_search import FoundFilm
from core.runtime.threads import map_ahead, physical_core_count

BATCH_SIZE = 8  # films; small enough that a list fills while one watches
VIEW_SIZE = 1024  # pixels of a film's longer side, as it is kept for looking at


@dataclass(frozen=True, slots=True, eq=False)
class FilmRead:
    """One X-ray was classified."""

    file: str  # as the user named it
    path: Path
    digest: str  # SHA-256 of the file's bytes, hexadecimal: the same film is known by it
    opinion: Opinion
    image: NDArray[np.uint8]  # (H, W) or (H, W, 3), no side longer than VIEW_SIZE
    name: str = ""  # for a list: shorter than `file`


@dataclass(frozen=True, slots=True)
class _Film:
    """A film as it waits for the network."""

    found: FoundFilm
    digest: str
    prepared: NDArray[np.uint8]  # (S, S) or (S, S, 3)
    view: NDArray[np.uint8]


Found = Path | FoundFilm | FilmRefused | Progress


def read_films(
    classifier: Classifier, found: Iterable[Found], batch_size: int = BATCH_SIZE
) -> Generator[FilmRead | FilmRefused | Progress, None, None]:
    """Classify films in order; files decode ahead in threads.

    Args:
        classifier: The model to ask.
        found: Files, or what `film_search.find_films` finds, taken a few ahead; what is no film
            is refused and the others go on.
        batch_size: Films that go through the network together, but for the first, which
            somebody waits for.
    """
    ready: list[_Film] = []
    wanted = 1
    load = partial(_load, classifier)
    with closing(map_ahead(load, found, physical_core_count(), batch_size)) as films:
        for film in films:
            if isinstance(film, Progress):
                yield film
                continue
            if isinstance(film, _Film):
                ready.append(film)
            if isinstance(film, FilmRefused) or len(ready) >= wanted:
                yield from _classify(classifier, ready)
                ready, wanted = [], batch_size
            if isinstance(film, FilmRefused):
                yield film
        yield from _classify(classifier, ready)


def _classify(classifier: Classifier, films: Sequence[_Film]) -> Iterator[FilmRead]:
    if not films:
        return
    opinions = classifier.opinions([film.prepared for film in films])
    for film, opinion in zip(films, opinions, strict=True):
        found = film.found
        yield FilmRead(found.file, found.path, film.digest, opinion, film.view, found.name)


def _load(classifier: Classifier, found: Found) -> _Film | FilmRefused | Progress:
    if isinstance(found, FilmRefused | Progress):
        return found
    if isinstance(found, Path):
        found = FoundFilm(found, found.name, str(found), found)
    try:
        content = content_of(found.path)
        film = load_xray(content)
    except ImageReadError as error:
        # The reader does not know what the user calls the file.
        own = Message(error.message.template, **{**error.message.values, "file": found.name})
        return FilmRefused(Refusal(found.file, own, error.kind))
    digest = hashlib.sha256(content).hexdigest()
    return _Film(found, digest, classifier.prepare(film), shrink(film, VIEW_SIZE))

"""What a search finds, and how it tells of what is no film without drowning the films in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.names import readable, showable
from core.errors import Message, Refusal
from core.events import FilmRefused

MAX_TOLD = 20  # files of one folder or zip that are refused one by one; the others are counted
_MAX_NAME = 120  # characters of a name in a sentence


@dataclass(frozen=True, slots=True)
class FoundFilm:
    """A file that may be a film; only reading it will tell."""

    path: Path  # what to open
    name: str  # for a list: `film.png`, `ward/film.png`, `films.zip/NORMAL/film.png`
    file: str  # as the user would name it in full; inside a zip, the zip's path and the name in it
    source: Path  # what was dropped or named


@dataclass(frozen=True, slots=True)
class RefusedFilm(FilmRefused):
    """What is no film, or cannot be read; `refusal.file` is its full name."""

    name: str  # for a list
    source: Path


class LeftOut:
    """The refusals inside one folder or zip: the first one by one, the others as a number.

    Ten thousand films may have a text beside each.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self.n_files = 0

    def tell(self, file: str, name: str, reason: Message) -> Iterator[RefusedFilm]:
        """Refuse one more."""
        self.n_files += 1
        if self.n_files <= MAX_TOLD:
            yield RefusedFilm(Refusal(file, reason), name, self._source)

    def tell_rest(self) -> Iterator[RefusedFilm]:
        """Say how many more there were."""
        rest = self.n_files - MAX_TOLD
        if rest > 0:
            reason = Message(
                "{n} more files in {file} are no films either and were passed over.",
                n=rest,
                file=called(self._source),
            )
            yield refused(self._source, reason)


def refused(path: Path, reason: Message) -> RefusedFilm:
    """The refusal of what was dropped as a whole."""
    return RefusedFilm(Refusal(str(path), reason), called(path), path)


def called(path: Path) -> str:
    """The last part of a path, fit for one line of a sentence."""
    name = showable(readable(path.name or path.absolute().name or str(path)))
    half = _MAX_NAME // 2
    return name if len(name) <= _MAX_NAME else f"{name[:half]} … {name[-half:]}"

"""The films in a zip, unpacked where they can be read like any file."""

import io
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from core.data.archive import extract
from core.data.unpacked import Unpacked
from core.data.zip_entries import BoundedReader, open_zip, usable_entries
from core.errors import ArchiveError, Message, Refusal
from core.events import Progress
from core.prediction.film_search.found import FoundFilm, LeftOut, RefusedFilm, called, refused
from core.prediction.film_search.kinds import cannot_open, head_of, is_zip


def films_in_zip(archive: Path, store: Path) -> Iterator[FoundFilm | RefusedFilm | Progress]:
    """Unpack a zip below `store`, once for all times it is asked for, and give its films.

    Yields:
        Progress, then the films in the order of their names, then what was left out.
    """
    try:
        reason = _why_not(archive)
        if reason is not None:
            yield refused(archive, reason)
            return
        steps = extract(archive, store)
        assert isinstance(steps, Generator)
        with closing(steps):
            for step in steps:
                if isinstance(step, Unpacked):
                    yield from _films_of(archive, step)
                else:
                    yield step
    except ArchiveError as error:
        yield refused(archive, error.message)
    except OSError as error:
        yield refused(archive, cannot_open(archive, error))


def _films_of(archive: Path, unpacked: Unpacked) -> Iterator[FoundFilm | RefusedFilm]:
    for film in unpacked.files:
        name = f"{called(archive)}/{film.name}"
        yield FoundFilm(film.path, name, str(archive / film.name), archive)
    left_out = LeftOut(archive)
    for one in unpacked.left_out:
        name = f"{called(archive)}/{one.file}"
        yield from left_out.tell(str(archive / one.file), name, one.reason)
    yield from left_out.tell_rest()


def _why_not(archive: Path) -> Message | None:
    """Why there is nothing to unpack, in words for films rather than for datasets.

    Raises:
        ArchiveError: The list of files is broken or giant.
        OSError: It cannot be opened.
    """
    if not is_zip(head_of(archive)) and not zipfile.is_zipfile(archive):
        return Message(
            "{file} is called a zip and is none. Get it again, or add the films themselves.",
            file=called(archive),
        )
    left_out: list[Refusal] = []
    with BoundedReader(io.FileIO(archive)) as file, open_zip(called(archive), file) as zipped:
        if usable_entries(zipped, left_out) or left_out:
            return None
    return Message("{file} is an empty zip. Put films into it.", file=called(archive))

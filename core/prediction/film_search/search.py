"""Go through what was dropped, piece by piece."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path

from core.data.images import is_named_as_image
from core.errors import ImageReadError, Message
from core.events import Progress
from core.prediction.film_search.drives import Drives, no_answer
from core.prediction.film_search.folder_films import LOOKING, films_in_folder
from core.prediction.film_search.found import FoundFilm, RefusedFilm, called, refused
from core.prediction.film_search.kinds import (
    cannot_open,
    head_of,
    is_model,
    is_other_archive,
    is_zip,
    kind_of,
)
from core.prediction.film_search.zip_films import films_in_zip

Found = Generator[FoundFilm | RefusedFilm | Progress, None, None]
_REPORT_EVERY = 100


def find_films(paths: Sequence[Path], store: Path, *, keep_repeated: bool = False) -> Found:
    """Find the films in files, folders and zips, each as soon as it is met.

    Args:
        paths: What was dropped or named, in any mixture.
        store: Where zips are unpacked.
        keep_repeated: Whether a file that is named twice, or lies in a folder that is named
            as well, is found twice.

    Yields:
        Films in the order of `paths`, refusals in plain words, and Progress counting `paths`.
        Closing the generator stops the search; what was half unpacked is removed.
    """
    drives = Drives.of_computer()
    met: set[str] = set()
    for done, path in enumerate(paths):
        if done % _REPORT_EVERY == 0:
            yield Progress(LOOKING, done, len(paths))
        if not (yield from drives.answers(path)):
            yield refused(path, no_answer(path))
            continue
        yield from _open(path, store, drives, None if keep_repeated else met)


def _open(path: Path, store: Path, drives: Drives, met: set[str] | None) -> Found:
    try:
        is_folder = kind_of(path) == "folder"
        if met is not None:
            real = os.path.realpath(path)
            if real in met:
                return
            met.add(real)
        if is_folder:
            yield from films_in_folder(path, drives, met)
        elif is_model(path.name):
            reason = Message(
                "{file} is a model file, not a film. Open it as the model in order to read films "
                "with it.",
                file=called(path),
            )
            yield refused(path, reason)
        elif is_named_as_image(path.name):
            yield _film(path)
        else:
            yield from _look_into(path, head_of(path), store)
    except ImageReadError as error:
        yield refused(path, error.message)
    except OSError as error:
        yield refused(path, cannot_open(path, error))


def _look_into(path: Path, head: bytes, store: Path) -> Found:
    """A file whose name does not say that it is an image."""
    if path.suffix.lower() == ".zip" or is_zip(head):
        yield from films_in_zip(path, store)
    elif is_other_archive(head):
        reason = Message(
            "{file} is packed in a way that is not opened here. Unpack it and add the folder, or "
            "pack the films as a zip.",
            file=called(path),
        )
        yield refused(path, reason)
    else:
        yield _film(path)  # its reader says best what is wrong with it


def _film(path: Path) -> FoundFilm:
    return FoundFilm(path, called(path), str(path), path)

"""The films below a folder, one after the other as they are met."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.data.admission import UnusableFileError, check_format
from core.data.images import is_named_as_image
from core.data.names import is_junk, readable, showable
from core.errors import ImageReadError, Message
from core.events import Progress
from core.prediction.film_search.drives import Drives
from core.prediction.film_search.found import FoundFilm, LeftOut, RefusedFilm, called, refused
from core.prediction.film_search.kinds import (
    LINKED_FOLDER,
    MODEL,
    cannot_open,
    head_of,
    is_model,
    kind_of,
)

LOOKING: Final = Message("Looking for images")
_REPORT_EVERY = 200  # files that are no films


def films_in_folder(
    folder: Path, drives: Drives, met: set[str] | None
) -> Iterator[FoundFilm | RefusedFilm | Progress]:
    """Walk a folder in the order of names; only the folder at hand is listed in front.

    What is named as an image is a film until it is read; of all other files the first bytes
    are looked at, because those of hospitals are often called by a number. Hidden files and
    what systems put beside films are passed over. Links to files are followed, to folders not.

    Args:
        folder: Where to look.
        drives: Know the folders in which the system tells of itself.
        met: Real paths that were found before and are not found again; None: all are.

    Yields:
        What is found, and now and then Progress, in order to be stopped.
    """
    left_out = LeftOut(folder)
    real_folder = os.path.realpath(folder)
    n_films = n_passed = 0
    for entry, inside in _walk(folder, drives, left_out):
        if not isinstance(entry, os.DirEntry):
            yield entry
            continue
        name, file = f"{called(folder)}/{inside}", entry.path
        reason = _why_no_film(entry)
        if reason is not None:
            yield from left_out.tell(file, name, reason)
            n_passed += 1
            if n_passed % _REPORT_EVERY == 0:
                yield Progress(LOOKING, 0, 1)
            continue
        n_films += 1
        if met is not None:
            real = os.path.join(real_folder, os.path.relpath(entry.path, folder))
            real = os.path.realpath(entry.path) if entry.is_symlink() else real
            if real in met:
                continue
            met.add(real)
        yield FoundFilm(Path(entry.path), name, file, folder)
    yield from left_out.tell_rest()
    if not n_films and not left_out.n_files:
        yield refused(
            folder,
            Message(
                "The folder {file} holds no film. Choose one that has PNG, JPEG, BMP, TIFF or "
                "DICOM files in it or below.",
                file=called(folder),
            ),
        )


def _walk(
    folder: Path, drives: Drives, left_out: LeftOut
) -> Iterator[tuple["os.DirEntry[str] | RefusedFilm | Progress", str]]:
    """Every file below with its name as shown; depth first, without recursion."""
    waiting = [_listed(folder, "", left_out)]
    while waiting:
        try:
            entry, inside = next(waiting[-1])
        except StopIteration:
            waiting.pop()
            continue
        if not isinstance(entry, os.DirEntry) or not _is_folder(entry):
            yield entry, inside
        elif entry.path not in drives.of_system:
            waiting.append(_listed(Path(entry.path), inside + "/", left_out))


def _listed(
    folder: Path, prefix: str, left_out: LeftOut
) -> Iterator[tuple["os.DirEntry[str] | RefusedFilm | Progress", str]]:
    """What lies in one folder, in order, as if the files of its folders were called `name/...`."""
    yield Progress(LOOKING, 0, 1), ""
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not _is_passed_over(entry.name)]
    except OSError as error:
        reason = Message(
            "The folder {file} cannot be read: {why}. Check its permissions.",
            file=called(folder),
            why=error.strerror or type(error).__name__,
        )
        yield from ((one, "") for one in left_out.tell(str(folder), called(folder), reason))
        return
    entries.sort(key=lambda entry: entry.name + "/" if _is_folder(entry) else entry.name)
    for entry in entries:
        yield entry, prefix + showable(readable(entry.name))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or is_junk(name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # Windows junctions are folders to scandir, and may lead round in a circle.
    is_junction = getattr(os.path, "isjunction", None)
    if is_junction is not None and is_junction(entry.path):
        return False
    return entry.is_dir(follow_symlinks=False)


def _why_no_film(entry: "os.DirEntry[str]") -> Message | None:
    """Why a file is passed over; None: it is a film by its name or its first bytes."""
    path = Path(entry.path)
    try:
        if not entry.is_file(follow_symlinks=False) and kind_of(path) == "folder":
            return LINKED_FOLDER
        if is_model(entry.name):
            return MODEL
        if not is_named_as_image(entry.name):
            check_format(head_of(path))
    except (ImageReadError, UnusableFileError) as error:
        return error.message
    except OSError as error:
        return cannot_open(path, error)
    return None

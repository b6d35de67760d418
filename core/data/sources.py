"""Open whatever was dropped: zips and folders, one after the other."""

import hashlib
import os
import stat
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.data import unpacked
from core.data.archive import extract
from core.data.unpacked import (
    PIECE_BYTES,
    ReadingPace,
    SourceFile,
    Unpacked,
    UnusableFileError,
    check_format,
    check_name_and_size,
    in_order,
    is_junk,
    readable,
    showable,
)
from core.errors import ArchiveError, Message, Refusal
from core.events import Progress
from core.files import in_time, read_at_most

__all__ = ["SourceFile", "Unpacked", "list_folder", "showable"]

_LISTING = Message("Looking for images")
_READING = Message("Reading the folder")


class _Found(NamedTuple):
    name: str  # as it is shown
    path: Path
    status: os.stat_result
    key: str  # what it is remembered by: two names that cannot be shown may look the same


def list_folder(folder: Path, store: Path | None = None) -> Iterator[Progress | Unpacked]:
    """Hash every image below `folder`, in place; links are not followed.

    With a `store`, films whose size and time of change are as they were the last time are
    not read again.

    Yields:
        Progress, and at last one Unpacked with at least one file.

    Raises:
        ArchiveError: The folder cannot be read or holds no image.
    """
    left_out: list[Refusal] = []
    found: list[_Found] = []
    for item in _walk(folder, left_out):
        if item is None:
            yield Progress(_LISTING, 0, 1)
        else:
            found.append(item)
    found.sort(key=lambda item: (item.name, item.path))
    if store is None:
        files = yield from _hash_films(found, {}, left_out)
    else:
        files = yield from _hash_changed_films(folder, found, store, left_out)
    yield in_order(folder, folder.name, files, left_out)


def _hash_changed_films(
    folder: Path, found: list[_Found], store: Path, left_out: list[Refusal]
) -> Generator[Progress, None, list[SourceFile]]:
    """Hash as `_hash_films` and remember what was read, even when the user cancels."""
    cache_path = unpacked.folder_hash_cache(store, folder)
    before = unpacked.read(cache_path)
    there = {item.key for item in found}
    known = {name: value for name, value in before.items() if name in there}
    try:
        return (yield from _hash_films(found, known, left_out))
    finally:
        if known != before:
            unpacked.write(cache_path, known)


def _hash_films(
    found: list[_Found], known: unpacked.Known, left_out: list[Refusal]
) -> Generator[Progress, None, list[SourceFile]]:
    """Return the films among `found`; `known` spares reading them, and gets what it lacks."""
    files: list[SourceFile] = []
    pace = ReadingPace(_READING, len(found))
    for item in found:
        stamp = unpacked.film_stamp(item.status)
        old_stamp, digest = known.get(item.key, ((), ""))
        if stamp != old_stamp:
            content = hashlib.sha256()
            try:
                for piece in _read_pieces(item.path):
                    content.update(piece)
                    yield from pace.read(len(piece))
            except UnusableFileError as error:
                known.pop(item.key, None)
                left_out.append(Refusal(item.name, error.message, error.kind))
                yield from pace.file_done()
                continue
            digest = content.hexdigest()
            if unpacked.is_settled(item.status):
                known[item.key] = (stamp, digest)
        files.append(SourceFile(item.name, item.path, digest))
        yield from pace.file_done()
    return files


def _read_pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of an image file, a MiB at a time; other files end at the first piece.

    Raises:
        UnusableFileError: The file cannot be read, or is no image.
    """
    try:
        file, piece = in_time(lambda: _begin(path))
        with file:
            check_format(piece)
            while piece:
                yield piece
                if len(piece) < PIECE_BYTES:
                    return  # the end, for which nobody need be asked
                piece = in_time(lambda: file.read(PIECE_BYTES))
    except OSError as error:
        raise UnusableFileError(_unreadable(error), "unreadable") from error


def _begin(path: Path) -> tuple[BinaryIO, bytes]:
    file = path.open("rb")
    try:
        return file, file.read(PIECE_BYTES)
    except BaseException:
        file.close()
        raise


def _listed(folder: Path) -> list[tuple["os.DirEntry[str]", os.stat_result | OSError]]:
    """List a folder with the status of each entry, or why there is none."""
    found: list[tuple[os.DirEntry[str], os.stat_result | OSError]] = []
    with os.scandir(folder) as scan:
        for entry in scan:
            try:
                found.append((entry, entry.stat(follow_symlinks=False)))
            except OSError as error:
                found.append((entry, error))
    return found


def _unreadable(error: OSError) -> Message:
    return Message("It cannot be read: {why}.", why=error.strerror or type(error).__name__)


def _walk(folder: Path, left_out: list[Refusal]) -> Iterator[_Found | None]:
    """Each ordinary file; None after each folder, so that one can cancel."""
    waiting = [(folder, "")]
    while waiting:
        here, prefix = waiting.pop()
        try:
            entries = in_time(partial(_listed, here))
        except OSError as error:
            if here == folder:
                raise ArchiveError(
                    Message(
                        "The folder {file} cannot be read: {why}. Check its permissions.",
                        file=folder.name,
                        why=error.strerror or type(error).__name__,
                    )
                ) from error
            left_out.append(Refusal(prefix, _unreadable(error), "unreadable"))
            continue
        for entry, status in entries:
            name = prefix + showable(readable(entry.name))
            if is_junk(name):
                continue
            try:
                if isinstance(status, OSError):
                    raise status
                is_folder = _is_folder(status)
                check_name_and_size(name, 0 if is_folder else status.st_size)
            except UnusableFileError as error:
                left_out.append(Refusal(name, error.message, error.kind))
            except OSError as error:
                left_out.append(Refusal(name, _unreadable(error), "unreadable"))
            else:
                if is_folder:
                    waiting.append((Path(entry.path), f"{name}/"))
                else:
                    yield _Found(
                        name, Path(entry.path), status, os.path.relpath(entry.path, folder)
                    )
        yield None


def _is_folder(status: os.stat_result) -> bool:
    """Tell folders from files.

    Raises:
        UnusableFileError: It is neither, but a link, pipe or device.
    """
    # Windows junctions are folders to stat, and may lead round in a circle.
    is_junction = getattr(status, "st_reparse_tag", 0) == 0xA0000003
    if stat.S_ISLNK(status.st_mode) or is_junction:
        raise UnusableFileError(Message("A link; put the file itself there."))
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise UnusableFileError(Message("Not an ordinary file."))
    return stat.S_ISDIR(status.st_mode)


def open_sources(
    paths: Sequence[Path], store: Path
) -> Iterator[Progress | tuple[tuple[Unpacked, Path], ...]]:
    """Open each of `paths`; one that is named twice is opened once.

    Yields:
        Progress, and at last what each source holds, in the order of `paths`.

    Raises:
        ArchiveError: There is no path, or one of them cannot be used as a whole.
    """
    if not paths:
        raise ArchiveError(
            Message("Nothing was chosen. Choose a zip file or a folder that holds class folders.")
        )
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(_identity(path), path)
    opened: list[tuple[Unpacked, Path]] = []
    for path in first.values():
        for step in open_source(path, store):
            if isinstance(step, Unpacked):
                opened.append((step, path))
            else:
                yield step
    yield tuple(opened)


def open_source(path: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Open one source: a zip is unpacked below `store`, a folder is read in place.

    Yields:
        Progress, and at last one Unpacked.

    Raises:
        ArchiveError: It is neither, or cannot be used as a whole.
    """
    yield from list_folder(path, store) if _is_dir(path) else extract(path, store)


def _touch(path: Path) -> None:
    """Read the first byte.

    Raises:
        TimeoutError: The file does not answer; opening it for good says what else is wrong.
    """
    try:
        read_at_most(path, 1)
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return


def _is_dir(path: Path) -> bool:
    """Tell a folder from a file, which begins to be read here: some never answer.

    Raises:
        ArchiveError: It does not answer.
    """
    try:
        # os.path, because Path.is_dir raises for names that are too long.
        is_folder = in_time(lambda: os.path.isdir(path))
        if not is_folder:
            _touch(path)
        return is_folder
    except TimeoutError as error:
        raise ArchiveError(
            Message(
                "{file} does not answer. Check the connection to its drive, or copy it to this "
                "computer.",
                file=path.name,
            )
        ) from error


def _identity(path: Path) -> str:
    """Return a path that is the same for all names of one file."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # too long, or with a null; opening it says so
        return os.fspath(path)

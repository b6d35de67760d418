"""Unpack a zip of images safely: generated file names, checked sizes, nothing else believed."""

import contextlib
import errno
import hashlib
import io
import os
import shutil
import zipfile
from bisect import bisect_left
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path

from core import atomic_file
from core.data import memo
from core.data.abandoned import part_folder, remove_abandoned
from core.data.admission import UnusableFileError, check_format
from core.data.images import SUFFIXES
from core.data.unpack_index import read_index, write_index
from core.data.unpacked import PIECE_BYTES, ReadingPace, SourceFile, Unpacked, in_order
from core.data.zip_entries import (
    BoundedReader,
    check_structure,
    open_zip,
    read_entry,
    usable_entries,
)
from core.errors import ArchiveError, Message, Refusal
from core.events import Progress

MAX_TOTAL_BYTES = 64 * 2**30
SPARE_DISK_BYTES = 64 * 2**20
_HASHED_AT_ONCE = 8 * PIECE_BYTES
_CHECKING = Message("Checking the archive")
_UNPACKING = Message("Unpacking")


def extract(archive: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Unpack the images of a zip into a folder of `store` named by its hash.

    An archive that was unpacked before is found again, without reading it where it has not
    changed since. A file that cannot be used is left out with a reason; an archive whose
    structure is broken or hostile is refused. Closing the generator removes what was written.

    Yields:
        Progress, and at last one Unpacked with at least one file.

    Raises:
        ArchiveError: The archive is refused, or the disk is full or cannot be written.
    """
    if not os.path.isfile(archive):
        raise ArchiveError(
            Message(
                "{file} is not there. Choose a zip file or a folder with one folder of images "
                "for each class.",
                file=archive.name,
            )
        )
    try:
        with BoundedReader(io.FileIO(archive)) as file:
            status = os.fstat(file.fileno())
            stamp = memo.archive_stamp(status)
            known = _remembered(archive, stamp, store)
            if known:
                yield Progress(_CHECKING, 1, 1)
                yield known
                return
            with open_zip(archive.name, file) as zipped:
                check_structure(archive.name, file, zipped)
                digest = (yield from _hash(file, zipped))[:32]
                store.mkdir(parents=True, exist_ok=True)
                remove_abandoned(store)
                known = read_index(store / digest)
                unpacked = known or (yield from _unpack(archive.name, zipped, store, digest))
            if memo.is_settled(status):
                memo.remember_archive(store, archive, stamp, digest)
            yield unpacked
    except OSError as error:
        raise ArchiveError(_disk_trouble(archive, error)) from error


def _remembered(archive: Path, stamp: memo.Stamp, store: Path) -> Unpacked | None:
    """What this very archive was unpacked into, if that is still whole."""
    known = memo.read(memo.archive_memo(store)).get(os.path.abspath(archive))
    if known is None or known[0] != stamp:
        return None
    return read_index(store / known[1])


def _disk_trouble(archive: Path, error: OSError) -> Message:
    if error.errno == errno.ENOSPC:
        return Message(
            "The disk became full while {file} was unpacked. Free some space and try again.",
            file=archive.name,
        )
    return Message(
        "{file} cannot be unpacked: {why} ({where}). Check that it can be read and that the "
        "disk can be written.",
        file=archive.name,
        why=error.strerror or type(error).__name__,
        where=Path(os.fsdecode(error.filename)).name if error.filename else archive.name,
    )


def _hash(file: io.BufferedReader, zipped: zipfile.ZipFile) -> Generator[Progress, None, str]:
    """The sha256 of the whole archive; progress counts the files that lie in what was read."""
    digest = hashlib.sha256()
    starts = sorted(info.header_offset for info in zipped.infolist())
    n_files = max(1, len(starts))
    file.seek(0)
    while piece := file.read(_HASHED_AT_ONCE):
        yield Progress(_CHECKING, bisect_left(starts, file.tell() - len(piece)), n_files)
        digest.update(piece)
    return digest.hexdigest()


def _unpack(
    source_name: str, zipped: zipfile.ZipFile, store: Path, digest: str
) -> Generator[Progress, None, Unpacked]:
    left_out: list[Refusal] = []
    entries = usable_entries(zipped, left_out)
    _check_space(source_name, store, sum(info.file_size for _, info in entries))
    part = part_folder(store, digest)
    try:
        files = yield from _write_files(zipped, entries, part, left_out)
        write_index(in_order(part, source_name, files, left_out))
        return _publish(part, store / digest)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_space(source_name: str, store: Path, total: int) -> None:
    if total > MAX_TOTAL_BYTES:
        raise ArchiveError(
            Message(
                "{file} would unpack to {size} GiB; the limit is {limit} GiB. Unpack it yourself "
                "and choose the folder.",
                file=source_name,
                size=total >> 30,
                limit=MAX_TOTAL_BYTES >> 30,
            )
        )
    free = shutil.disk_usage(store).free
    if total + SPARE_DISK_BYTES > free:
        raise ArchiveError(
            Message(
                "{file} needs {size} MiB of disk space and {free} MiB are free. Free some space "
                "and try again.",
                file=source_name,
                size=(total + SPARE_DISK_BYTES) >> 20,
                free=free >> 20,
            )
        )


def _write_files(
    zipped: zipfile.ZipFile,
    entries: list[tuple[str, zipfile.ZipInfo]],
    part: Path,
    left_out: list[Refusal],
) -> Generator[Progress, None, list[SourceFile]]:
    """Write each image under a number; what turns out unusable is removed and reported."""
    files: list[SourceFile] = []
    pace = ReadingPace(_UNPACKING, len(entries))
    for name, info in entries:
        digest = hashlib.sha256()
        target: Path | None = None
        try:
            pieces = read_entry(zipped, info)
            head = next(pieces)  # what is no image ends here, before a file is made for it
            target = part / f"{len(files) + 1:06d}{SUFFIXES[check_format(head)]}"
            with target.open("xb") as file:
                for piece in chain([head], pieces):
                    file.write(piece)
                    digest.update(piece)
                    yield from pace.read(len(piece))
        except UnusableFileError as error:
            if target:
                target.unlink()
            left_out.append(Refusal(name, error.message, error.kind))
        else:
            files.append(SourceFile(name, target, digest.hexdigest()))
        yield from pace.file_done()
    return files


def _publish(part: Path, target: Path) -> Unpacked:
    """Give the finished folder its name, unless another process was quicker."""
    for is_last in (False, False, True):
        try:
            os.replace(part, target)
            atomic_file.sync_folder(target.parent)
        except OSError:
            if is_last and read_index(target) is None:
                raise
        known = read_index(target)
        if known:
            return known
        # What lies there is incomplete; moved in one step, no other process sees half of it.
        grave = part_folder(target.parent, target.name)
        with contextlib.suppress(OSError):
            os.replace(target, grave / "old")
        shutil.rmtree(grave, ignore_errors=True)
    raise OSError(errno.EIO, "the unpacked files vanished", str(target))

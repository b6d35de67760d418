"""Unpack a zip of images safely: generated file names, checked sizes, nothing else believed."""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path

from core import atomic_file
from core.data.abandoned import part_folder, remove_abandoned
from core.data.folder import (
    PIECE_BYTES,
    ReadingPace,
    SourceFile,
    Unpacked,
    UnusableFileError,
    image_suffix,
    list_folder,
    unpacked,
)
from core.data.zip_entries import (
    BoundedReader,
    check_structure,
    open_zip,
    read_entry,
    usable_entries,
)
from core.errors import ArchiveError, Message, Refusal
from core.events import Progress

__all__ = ["SourceFile", "Unpacked", "extract", "list_folder", "open_source"]

MAX_TOTAL_BYTES = 64 * 2**30
SPARE_DISK_BYTES = 64 * 2**20
INDEX_VERSION = 1  # raise it when another rule would keep other files
_INDEX = "index.json"
_CHECKING = Message("Checking the archive")
_UNPACKING = Message("Unpacking")


def open_source(path: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Open whatever was dropped: a zip is unpacked below `store`, a folder is read in place.

    Yields:
        Progress, and at last one Unpacked.

    Raises:
        ArchiveError: It is neither, or cannot be used as a whole.
    """
    # os.path, because Path.is_dir raises for names that are too long.
    yield from list_folder(path) if os.path.isdir(path) else extract(path, store)


def extract(archive: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Unpack the PNG and JPEG files of a zip into a folder of `store` named by its hash.

    An archive that was unpacked before is found again. A file that cannot be used is left
    out with a reason; an archive whose structure is broken or hostile is refused. Closing
    the generator removes what was written.

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
            digest = (yield from _hash(file))[:32]
            store.mkdir(parents=True, exist_ok=True)
            remove_abandoned(store)
            known = _read_index(store / digest)
            yield known or (yield from _unpack(archive.name, file, store, digest))
    except OSError as error:
        raise ArchiveError(_disk_trouble(archive, error)) from error


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


def _hash(file: io.BufferedReader) -> Generator[Progress, None, str]:
    """The sha256 of the whole archive."""
    digest = hashlib.sha256()
    step_bytes = 8 * PIECE_BYTES
    n_steps = -(-os.fstat(file.fileno()).st_size // step_bytes)
    for step in range(n_steps):
        yield Progress(_CHECKING, step, n_steps)
        digest.update(file.read(step_bytes))
    return digest.hexdigest()


def _unpack(
    source_name: str, file: io.BufferedReader, store: Path, digest: str
) -> Generator[Progress, None, Unpacked]:
    left_out: list[Refusal] = []
    with open_zip(source_name, file) as zipped:
        check_structure(source_name, file, zipped)
        entries = usable_entries(zipped, left_out)
        _check_space(source_name, store, sum(info.file_size for _, info in entries))
        part = part_folder(store, digest)
        try:
            files = yield from _write_files(zipped, entries, part, left_out)
            _write_index(unpacked(part, source_name, files, left_out))
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
        bare = part / f"{len(files) + 1:06d}"
        digest = hashlib.sha256()
        head = b""
        try:
            with bare.open("xb") as target:
                for piece in read_entry(zipped, info):
                    head = head or piece[:8]
                    target.write(piece)
                    digest.update(piece)
                    yield from pace.read(len(piece))
        except UnusableFileError as error:
            bare.unlink()
            left_out.append(Refusal(name, error.message))
        else:
            path = bare.rename(bare.with_suffix(image_suffix(head)))
            files.append(SourceFile(name, path, digest.hexdigest()))
        yield from pace.file_done()
    return files


def _publish(part: Path, target: Path) -> Unpacked:
    """Give the finished folder its name, unless another process was quicker."""
    for is_last in (False, False, True):
        try:
            os.replace(part, target)
            atomic_file.sync_folder(target.parent)
        except OSError:
            if is_last and _read_index(target) is None:
                raise
        known = _read_index(target)
        if known:
            return known
        # What lies there is incomplete; moved in one step, no other process sees half of it.
        grave = part_folder(target.parent, target.name)
        with contextlib.suppress(OSError):
            os.replace(target, grave / "old")
        shutil.rmtree(grave, ignore_errors=True)
    raise OSError(errno.EIO, "the unpacked files vanished", str(target))


def _write_index(content: Unpacked) -> None:
    values = {
        "version": INDEX_VERSION,
        "files": [
            [file.name, file.path.name, file.path.stat().st_size, file.digest]
            for file in content.files
        ],
        "left_out": [
            [refusal.file, refusal.reason.template, refusal.reason.values]
            for refusal in content.left_out
        ],
    }
    atomic_file.write_text(content.folder / _INDEX, json.dumps(values, ensure_ascii=False))


def _read_index(folder: Path) -> Unpacked | None:
    """What was unpacked into `folder`, or None where that is incomplete or of another version."""
    try:
        values = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        if values["version"] != INDEX_VERSION:
            return None
        files = []
        for name, file_name, n_bytes, digest in values["files"]:
            path = folder / Path(file_name).name
            if path.stat().st_size != n_bytes:
                return None
            files.append(SourceFile(name, path, digest))
        left_out = [
            Refusal(name, Message(template, **fields))
            for name, template, fields in values["left_out"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Unpacked(folder, tuple(files), tuple(left_out))

"""Unpack a zip of images safely: generated file names, checked sizes, nothing else believed."""

import contextlib
import errno
import hashlib
import io
import os
import re
import shutil
import stat
import struct
import zipfile
from bisect import bisect_left
from collections.abc import Generator, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel

from core import files as storage
from core.data import unpacked as hash_cache
from core.data.unpacked import (
    EMPTY,
    PIECE_BYTES,
    ReadingPace,
    SourceFile,
    Unpacked,
    UnusableFileError,
    check_format,
    check_name_and_size,
    in_order,
    is_junk,
    showable,
)
from core.errors import ArchiveError, Message, Refusal, RefusalKind
from core.events import Progress
from core.files import part_folder, remove_stale
from core.images.formats import SUFFIXES
from core.sealed_json import read_sealed, write_sealed

INDEX_VERSION: Final = 3  # raise it when another rule would keep other files
_INDEX = "index.json"


class _Index(BaseModel):
    """Contents of a folder of unpacked images."""

    version: Literal[3] = INDEX_VERSION
    files: list[tuple[str, str, int, str]]  # name, file name, bytes, digest
    left_out: list[tuple[str, str, dict[str, Any], RefusalKind]]  # name, template, values, kind


def write_index(content: Unpacked) -> None:
    """Write down the contents of `content.folder`.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    index = _Index(
        files=[
            (file.name, file.path.name, file.path.stat().st_size, file.digest)
            for file in content.files
        ],
        left_out=[
            (refusal.file, refusal.reason.template, refusal.reason.values, refusal.kind)
            for refusal in content.left_out
        ],
    )
    write_sealed(content.folder / _INDEX, index.model_dump(mode="json"))


def read_index(folder: Path) -> Unpacked | None:
    """Return what was unpacked into `folder`; None where that is incomplete or outdated."""
    try:
        index = _Index.model_validate(read_sealed(folder / _INDEX))
        files = []
        for name, file_name, n_bytes, digest in index.files:
            path = folder / Path(file_name).name
            if path.stat().st_size != n_bytes:
                return None
            files.append(SourceFile(name, path, digest))
    except (OSError, ValueError):
        return None
    left_out = [
        Refusal(name, Message(template, **values), kind)
        for name, template, values, kind in index.left_out
    ]
    return Unpacked(folder, tuple(files), tuple(left_out))


# Films are already compressed: the real sets pack one to one, deflate reaches 1032.
MAX_RATIO = 200
MAX_RATIO_FREE_BYTES = 256 * 2**20  # a zip this small unpacked does no harm at any ratio
# zipfile needs 480 bytes for each file it lists, and copies all that is written about it.
MAX_FILES = 200_000
MAX_DIRECTORY_BYTES = 32 * 2**20
_DIRECTORY_ENTRY = b"PK\x01\x02"
_DIRECTORY_ENTRY_BYTES = 46  # without name, extra field and comment (APPNOTE 4.3.12)
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of name, length of extra field
_ENCRYPTED_BITS = 0x1 | 0x40
_UTF8_BIT = 0x800
_UNIX_SYSTEMS = (3, 19)  # the entry's attributes hold a Unix file mode


# Shared, because a hostile zip can list so many files that a sentence for each costs much memory.
_ABSOLUTE = Message("Its name is an absolute path; zip the folder itself.")
_LEADS_OUT = Message("Its name leads out of the archive; zip the folder again.")
_LINK = Message("A link; put the file itself there.")
_NO_FILE = Message("Not an ordinary file.")
_LOCKED = Message("Locked with a password; zip it again without one.")
_UNUSUAL = Message("Packed with an unusual method; zip it again with the method Deflate.")
_SECOND = Message("Another file of the same name comes before it.")
_DAMAGED = Message("Damaged inside the zip; add it again from the original.")


class TooManyFilesError(Exception):
    """The list of a zip is longer than memory should hold."""


class BoundedReader(io.BufferedReader):
    """Keeps zipfile from reading a giant list of files into memory in one go."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("central directory too large")
        content = super().read(size)
        if len(content) > MAX_FILES * _DIRECTORY_ENTRY_BYTES:
            n_files = content.count(_DIRECTORY_ENTRY)
            if n_files > MAX_FILES:
                raise TooManyFilesError(n_files)
        return content


def open_zip(source_name: str, file: io.BufferedReader) -> zipfile.ZipFile:
    """Read the list of files.

    Raises:
        ArchiveError: It is not a zip, or cut short, or its list is broken or giant.
    """
    file.seek(0)
    head = file.read(4)
    try:
        return zipfile.ZipFile(file)
    except TooManyFilesError as error:
        raise ArchiveError(
            Message(
                "{file} lists more than {limit} files. Unpack it yourself and choose the folder.",
                file=source_name,
                limit=MAX_FILES,
            )
        ) from error
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error
        if head == b"PK\x03\x04":
            raise ArchiveError(
                Message(
                    "{file} is cut short or damaged: its list of files cannot be read. Copy or "
                    "download it again.",
                    file=source_name,
                )
            ) from error
        raise ArchiveError(
            Message(
                "{file} is not a zip file. Pack the class folders into a zip, or choose the "
                "folder that holds them.",
                file=source_name,
            )
        ) from error


def check_structure(source_name: str, file: io.BufferedReader, zipped: zipfile.ZipFile) -> None:
    """Refuse archives whose entries share bytes or unpack to far more than they hold.

    Both make a small file fill a disk (D. Fifield, "A better zip bomb", WOOT 2019).
    """
    n_bytes = file.seek(0, io.SEEK_END)
    spans = [(zipped.start_dir, n_bytes)]
    for info in zipped.infolist():
        file.seek(min(max(0, info.header_offset), n_bytes))  # zip64 offsets have no limit
        header = file.read(_LOCAL_HEADER.size)
        length = _LOCAL_HEADER.size + info.compress_size
        if len(header) == _LOCAL_HEADER.size:
            _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            length += name_length + extra_length
        spans.append((info.header_offset, info.header_offset + length))
    spans.sort()
    if spans[0][0] < 0 or any(one[1] > other[0] for one, other in pairwise(spans)):
        raise ArchiveError(
            Message(
                "{file} is damaged or malicious: its entries overlap. Get it again from a "
                "source you trust.",
                file=source_name,
            )
        )
    packed = sum(info.compress_size for info in zipped.infolist())
    total = sum(info.file_size for info in zipped.infolist())
    if total > max(MAX_RATIO_FREE_BYTES, MAX_RATIO * packed):
        raise ArchiveError(
            Message(
                "{file} would unpack to {n} times its size, as only a malicious file does. "
                "Get it again from a source you trust.",
                file=source_name,
                n=total // max(1, packed),
            )
        )


def usable_entries(
    zipped: zipfile.ZipFile, left_out: list[Refusal]
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Names and entries worth opening, in the order in which they lie in the file."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in zipped.infolist():
        raw = _decoded_name(info).replace("\\", "/")
        name = "/".join(part for part in showable(raw).split("/") if part not in ("", "."))
        if raw.endswith("/") or not name or is_junk(name):
            continue
        try:
            _check_entry(raw, info)
            check_name_and_size(name, info.file_size)
            if name in entries:
                raise UnusableFileError(_SECOND)
        except UnusableFileError as error:
            left_out.append(Refusal(name, error.message, error.kind))
        else:
            entries[name] = info
    return sorted(entries.items(), key=lambda item: item[1].header_offset)


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """The name as its maker meant it; Chinese Windows writes GBK and does not say so."""
    if info.flag_bits & _UTF8_BIT:
        return info.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return info.orig_filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return info.orig_filename


def _check_entry(raw_name: str, info: zipfile.ZipInfo) -> None:
    """Raise UnusableFileError for what must not or cannot be unpacked."""
    if raw_name.startswith("/") or re.match("[A-Za-z]:", raw_name):
        raise UnusableFileError(_ABSOLUTE)
    if ".." in raw_name.split("/"):
        raise UnusableFileError(_LEADS_OUT)
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system in _UNIX_SYSTEMS else 0
    if kind == stat.S_IFLNK:
        raise UnusableFileError(_LINK)
    if kind not in (0, stat.S_IFREG):
        raise UnusableFileError(_NO_FILE)
    if info.flag_bits & _ENCRYPTED_BITS:
        raise UnusableFileError(_LOCKED)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnusableFileError(_UNUSUAL)
    if not info.file_size:
        raise UnusableFileError(EMPTY, "unreadable")


def read_entry(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an image in pieces of a MiB, at least one; zipfile compares the CRC at the end.

    Raises:
        UnusableFileError: The entry is damaged, or no image.
    """
    n_left = info.file_size
    try:
        with zipped.open(info) as source:
            piece = source.read(PIECE_BYTES)
            check_format(piece)
            while piece:
                n_left -= len(piece)
                yield piece
                piece = source.read(PIECE_BYTES)
        if n_left:
            raise zipfile.BadZipFile("the entry does not have the length the directory gives")
    except UnusableFileError:
        raise
    # BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError, NotImplementedError, ...
    except Exception as error:
        raise UnusableFileError(_DAMAGED, "unreadable") from error


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
            stamp = hash_cache.archive_stamp(status)
            known = _remembered(archive, stamp, store)
            if known:
                yield Progress(_CHECKING, 1, 1)
                yield known
                return
            with open_zip(archive.name, file) as zipped:
                check_structure(archive.name, file, zipped)
                digest = (yield from _hash(file, zipped))[:32]
                store.mkdir(parents=True, exist_ok=True)
                remove_stale(store)
                known = read_index(store / digest)
                unpacked = known or (yield from _unpack(archive.name, zipped, store, digest))
            if hash_cache.is_settled(status):
                hash_cache.remember_archive(store, archive, stamp, digest)
            yield unpacked
    except OSError as error:
        raise ArchiveError(_disk_trouble(archive, error)) from error


def _remembered(archive: Path, stamp: hash_cache.Stamp, store: Path) -> Unpacked | None:
    """Return the contents this very archive was unpacked into, if they are still whole."""
    known = hash_cache.read(hash_cache.archive_hash_cache(store)).get(os.path.abspath(archive))
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
            storage.sync_folder(target.parent)
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

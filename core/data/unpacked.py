"""Opened sources of images: their files, the refused ones, remembered hashes, shown names."""

import contextlib
import hashlib
import os
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from core.errors import ArchiveError, Message, PneumoScopeError, Refusal, RefusalKind
from core.events import Progress
from core.images.documents import NOT_AN_XRAY, document_kind, is_office_document
from core.images.formats import MAX_FILE_BYTES, Format, format_of
from core.sealed_json import read_sealed, write_sealed

MAX_NAME_LENGTH = 1000
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")
# Shared, because a hostile zip can list so many files that a sentence for each costs much memory.
EMPTY = Message("It is empty.")
_HIDDEN = Message("Hidden file: its name or its folder's starts with a dot.")
_LONG_NAME = Message("Its name is longer than {n} characters.", n=MAX_NAME_LENGTH)
_ARCHIVE = Message("An archive inside; unpack it and add its images themselves.")
_NO_IMAGE = Message("Not a PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM image.")


class UnusableFileError(PneumoScopeError):
    """One file among many is left out; message and kind become its refusal."""

    def __init__(self, message: Message, kind: RefusalKind = "other") -> None:
        super().__init__(message)
        self.kind = kind


def check_name_and_size(name: str, n_bytes: int) -> None:
    """Refuse hidden files and those no X-ray needs.

    Raises:
        UnusableFileError: with the reason.
    """
    if name.startswith(".") or "/." in name:
        raise UnusableFileError(_HIDDEN)
    if len(name) > MAX_NAME_LENGTH:
        raise UnusableFileError(_LONG_NAME)
    if n_bytes > MAX_FILE_BYTES:
        raise UnusableFileError(
            Message(
                "It is {size} MiB large; an image may have {limit} MiB.",
                size=n_bytes >> 20,
                limit=MAX_FILE_BYTES >> 20,
            )
        )


def check_format(head: bytes) -> Format:
    """Tell the format by the first bytes, whatever the file is called.

    Args:
        head: The first `core.images.formats.HEAD_BYTES` or more; all where the file is shorter.

    Raises:
        UnusableFileError: It is no image.
    """
    if not head:
        raise UnusableFileError(EMPTY, "unreadable")
    found = format_of(head)
    if found:
        return found
    if head.startswith(_ARCHIVE_MAGIC) and not is_office_document(head):
        raise UnusableFileError(_ARCHIVE, "not_an_image")
    document = document_kind(head)
    raise UnusableFileError(NOT_AN_XRAY[document] if document else _NO_IMAGE, "not_an_image")


Stamp = tuple[int, ...]
Known = dict[str, tuple[Stamp, str]]  # name: stamp and digest, 32 or 64 hexadecimal digits

_MAX_ARCHIVES = 200
_FOLDER_CACHES = "folders"
# A file changed again within the clock tick of its file system (FAT: 2 s) keeps its stamp.
_SETTLED_NS = 3 * 10**9
Digest = Annotated[str, Field(pattern="^(?:[0-9a-f]{32}){1,2}$")]


class _HashCache(BaseModel):
    """Hashes of files that did not change since."""

    version: Literal[1] = 1
    files: dict[str, tuple[Stamp, Digest]]


def archive_stamp(status: os.stat_result) -> Stamp:
    """Return what changes when an archive changes."""
    return (*film_stamp(status), status.st_ino)


def film_stamp(status: os.stat_result) -> Stamp:
    """Return what changes when a film changes; scandir knows no inode on Windows."""
    # Many a tool gives back the time of change; nobody can give back the inode's (on POSIX).
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_settled(status: os.stat_result) -> bool:
    """Tell that a later change to the file would show in its stamp."""
    return status.st_mtime_ns < time.time_ns() - _SETTLED_NS


def archive_hash_cache(store: Path) -> Path:
    """Return the file of remembered hashes of archives, by absolute path."""
    return store / "archives.json"


def folder_hash_cache(store: Path, folder: Path) -> Path:
    """Return the file of remembered hashes of the films in `folder`, by name."""
    key = hashlib.sha256(os.fsencode(os.path.abspath(folder))).hexdigest()[:32]
    return store / _FOLDER_CACHES / f"{key}.json"


def read(path: Path) -> Known:
    """Return what was remembered; nothing where that cannot be read or believed."""
    try:
        return _HashCache.model_validate(read_sealed(path)).files
    except (OSError, ValueError):
        return {}


def write(path: Path, known: Mapping[str, tuple[Stamp, str]]) -> None:
    """Remember `known` in place of what was remembered."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(path, {"version": 1, "files": known})


def forget(store: Path) -> None:
    """Read every file again the next time; a stamp has lied."""
    archive_hash_cache(store).unlink(missing_ok=True)
    shutil.rmtree(store / _FOLDER_CACHES, ignore_errors=True)


def remember_archive(store: Path, archive: Path, stamp: Stamp, digest: str) -> None:
    """Add one archive; the oldest are forgotten."""
    path = archive_hash_cache(store)
    known = read(path)
    key = os.path.abspath(archive)
    known.pop(key, None)
    known[key] = (stamp, digest)
    write(path, dict(list(known.items())[-_MAX_ARCHIVES:]))


# What a system or a DICOM disc puts beside the films by itself.
_JUNK = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini", "dicomdir"}
# What could break a line, hide or turn round what a user reads; Cs stands for undecodable bytes.
_UNSHOWABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def showable(name: str) -> str:
    """`name` as one line of text: composed characters, control characters replaced."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNSHOWABLE else character
        for character in unicodedata.normalize("NFC", name)
    )


def readable(name: str) -> str:
    """A file's name whose bytes are no UTF-8, read as GBK: old zips leave such names on Linux.

    Bytes that are neither stay visible one by one, so that two names never become one.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(name).decode("gb18030", "backslashreplace")
    return name


def is_junk(name: str) -> bool:
    """Tell that a program put this file there by itself."""
    parts = name.casefold().split("/")
    return not _JUNK.isdisjoint(parts) or parts[-1].startswith("._")


PIECE_BYTES = 2**20
_CANCEL_BYTES = 8 * 2**20
_REPORTS = 40


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One image file that can be opened at `path`."""

    name: str  # as in the archive or folder, separators "/"
    path: Path
    digest: str  # sha256 of the bytes, hexadecimal


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Contents of a dropped archive or folder."""

    folder: Path
    files: tuple[SourceFile, ...]  # sorted by name
    left_out: tuple[Refusal, ...]  # sorted by name
    # How names were read that do not say so themselves; "" where all do, or are ASCII.
    code_page: str = ""


def in_order(
    folder: Path, source_name: str, files: list[SourceFile], left_out: list[Refusal]
) -> Unpacked:
    """Bring the outcome into its order.

    Raises:
        ArchiveError: There is no image at all.
    """
    left_out = sorted(left_out, key=lambda refusal: refusal.file)
    if files:
        return Unpacked(folder, tuple(sorted(files, key=lambda file: file.name)), tuple(left_out))
    if left_out:
        raise ArchiveError(
            Message(
                "{file} holds no image that can be used; {n} files were left out, such as "
                "{example}: {reason}",
                file=source_name,
                n=len(left_out),
                example=left_out[0].file,
                reason=left_out[0].reason,
            )
        )
    raise ArchiveError(
        Message(
            "{file} is empty. Put one folder of images for each class into it.",
            file=source_name,
        )
    )


class ReadingPace:
    """Reports files done about 40 times, and gives a cancel point at least every 8 MiB."""

    def __init__(self, stage: Message, total: int) -> None:
        self._stage = stage
        self._total = total
        self._done = 0
        self._unreported_bytes = 0

    def read(self, n_bytes: int) -> Iterator[Progress]:
        """Count bytes inside a file."""
        self._unreported_bytes += n_bytes
        if self._unreported_bytes >= _CANCEL_BYTES:
            yield self._report()

    def file_done(self) -> Iterator[Progress]:
        """Count a finished file."""
        self._done += 1
        if self._done % max(1, self._total // _REPORTS) == 0 or self._done == self._total:
            yield self._report()

    def _report(self) -> Progress:
        self._unreported_bytes = 0
        return Progress(self._stage, self._done, self._total)

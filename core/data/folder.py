"""The image files of a plain folder, and what any source of images looks like once unpacked."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.images import MAX_FILE_BYTES
from core.errors import ArchiveError, Message, PneumoScopeError, Refusal
from core.events import Progress

PIECE_BYTES = 2**20
MAX_NAME_LENGTH = 1000
_CANCEL_BYTES = 8 * 2**20
_REPORTS = 40
_IMAGE_MAGIC = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")
_JUNK = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini"}
# What could break a line, hide or turn round what a user reads; Cs stands for undecodable bytes.
_UNSHOWABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_LISTING = Message("Looking for images")
_READING = Message("Reading the folder")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One PNG or JPEG file that can be opened at `path`."""

    name: str  # as in the archive or folder, separators "/"
    path: Path
    digest: str  # sha256 of the bytes, hexadecimal


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a dropped archive or folder holds."""

    folder: Path
    files: tuple[SourceFile, ...]  # sorted by name
    left_out: tuple[Refusal, ...]  # sorted by name


class UnusableFileError(PneumoScopeError):
    """One file among many is left out; the message becomes its refusal."""


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
    """Whether an operating system put this file there by itself."""
    parts = name.casefold().split("/")
    return not _JUNK.isdisjoint(parts) or parts[-1].startswith("._")


def check_name_and_size(name: str, n_bytes: int) -> None:
    """Refuse hidden files and those no X-ray needs.

    Raises:
        UnusableFileError: with the reason.
    """
    if any(part.startswith(".") for part in name.split("/")):
        raise UnusableFileError(Message("Hidden file: its name or its folder's starts with a dot."))
    if len(name) > MAX_NAME_LENGTH:
        raise UnusableFileError(
            Message("Its name is longer than {n} characters.", n=MAX_NAME_LENGTH)
        )
    if n_bytes > MAX_FILE_BYTES:
        raise UnusableFileError(
            Message(
                "It is {size} MiB large; an image may have {limit} MiB.",
                size=n_bytes >> 20,
                limit=MAX_FILE_BYTES >> 20,
            )
        )


def image_suffix(head: bytes) -> str:
    """Tell PNG from JPEG by the first bytes, whatever the file is called.

    Raises:
        UnusableFileError: It is neither.
    """
    if not head:
        raise UnusableFileError(Message("It is empty."))
    for magic, suffix in _IMAGE_MAGIC.items():
        if head.startswith(magic):
            return suffix
    if head.startswith(_ARCHIVE_MAGIC):
        raise UnusableFileError(
            Message("An archive inside; unpack it and add its images themselves.")
        )
    raise UnusableFileError(Message("Not a PNG or JPEG image."))


def read_pieces(path: Path) -> Iterator[bytes]:
    """The bytes of an image file, a MiB at a time; other files end at the first piece.

    Raises:
        UnusableFileError: The file cannot be read, or is not a PNG or JPEG.
    """
    try:
        with path.open("rb") as file:
            piece = file.read(PIECE_BYTES)
            image_suffix(piece)
            while piece:
                yield piece
                piece = file.read(PIECE_BYTES)
    except OSError as error:
        raise UnusableFileError(
            Message("It cannot be read: {why}.", why=error.strerror or type(error).__name__)
        ) from error


def list_folder(folder: Path) -> Iterator[Progress | Unpacked]:
    """Hash every PNG and JPEG below `folder`, in place; links are not followed.

    Yields:
        Progress, and at last one Unpacked with at least one file.

    Raises:
        ArchiveError: The folder cannot be read or holds no image.
    """
    left_out: list[Refusal] = []
    found: list[tuple[str, Path]] = []
    for item in _walk(folder, left_out):
        if item is None:
            yield Progress(_LISTING, 0, 1)
        else:
            found.append(item)
    pace = ReadingPace(_READING, len(found))
    files: list[SourceFile] = []
    for name, path in sorted(found):
        digest = hashlib.sha256()
        try:
            for piece in read_pieces(path):
                digest.update(piece)
                yield from pace.read(len(piece))
        except UnusableFileError as error:
            left_out.append(Refusal(name, error.message))
        else:
            files.append(SourceFile(name, path, digest.hexdigest()))
        yield from pace.file_done()
    yield unpacked(folder, folder.name, files, left_out)


def unpacked(
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
                "{file} holds no PNG or JPEG image that can be used; {n} files were left out, "
                "such as {example}: {reason}",
                file=source_name,
                n=len(left_out),
                example=left_out[0].file,
                reason=left_out[0].reason,
            )
        )
    raise ArchiveError(
        Message(
            "{file} is empty. Put one folder of PNG or JPEG images for each class into it.",
            file=source_name,
        )
    )


def _walk(folder: Path, left_out: list[Refusal]) -> Iterator[tuple[str, Path] | None]:
    """Name and path of each ordinary file; None after each folder, so that one can cancel."""
    waiting = [(folder, "")]
    while waiting:
        here, prefix = waiting.pop()
        try:
            with os.scandir(here) as scan:
                entries = list(scan)
        except OSError as error:
            why = error.strerror or type(error).__name__
            if here == folder:
                raise ArchiveError(
                    Message(
                        "The folder {file} cannot be read: {why}. Check its permissions.",
                        file=folder.name,
                        why=why,
                    )
                ) from error
            left_out.append(Refusal(prefix, Message("It cannot be read: {why}.", why=why)))
            continue
        for entry in entries:
            name = prefix + showable(readable(entry.name))
            if is_junk(name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
                is_folder = _is_folder(status)
                check_name_and_size(name, 0 if is_folder else status.st_size)
            except UnusableFileError as error:
                left_out.append(Refusal(name, error.message))
            except OSError as error:
                why = error.strerror or type(error).__name__
                left_out.append(Refusal(name, Message("It cannot be read: {why}.", why=why)))
            else:
                if is_folder:
                    waiting.append((Path(entry.path), f"{name}/"))
                else:
                    yield name, Path(entry.path)
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

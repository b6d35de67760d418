"""Unpack zips and tars of images safely: generated file names, checked sizes, nothing believed."""

import contextlib
import errno
import gzip
import hashlib
import io
import os
import shutil
import zlib
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel

from core import files as storage
from core.data import unpacked as hash_cache
from core.data.members import (
    DAMAGED,
    MAX_FILES,
    MAX_RATIO,
    MAX_RATIO_FREE_BYTES,
    SECOND,
    ArchiveKind,
    Member,
    archive_kind,
    folder_of_archive,
    unzipped_name,
)
from core.data.tar_file import tar_members
from core.data.unpacked import (
    PIECE_BYTES,
    ReadingPace,
    SourceFile,
    Unpacked,
    UnusableFileError,
    check_format,
    check_name_and_size,
    in_order,
)
from core.data.zip_file import BoundedReader, check_structure, open_zip, zip_members
from core.data.zip_names import CODE_PAGES
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
    code_page: str = ""  # see `Unpacked`


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
        code_page=content.code_page,
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
    return Unpacked(folder, tuple(files), tuple(left_out), index.code_page)


MAX_TOTAL_BYTES = 64 * 2**30
SPARE_DISK_BYTES = 64 * 2**20
_HASHED_AT_ONCE = 8 * PIECE_BYTES
_CHECKING = Message("Checking the archive")
_UNPACKING = Message("Unpacking")


def extract(archive: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Unpack the images of a zip or tar into a folder of `store` named by its hash.

    An archive that was unpacked before is found again, without reading it where it has not
    changed since. A file that cannot be used is left out with a reason; an archive whose
    structure is broken or hostile is refused. Archives inside it are unpacked too, each as a
    folder. Closing the generator removes what was written.

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
            with _opened(archive.name, file) as opened:
                digest = (yield from _hash(file, opened.starts))[:32]
                store.mkdir(parents=True, exist_ok=True)
                remove_stale(store)
                folder = _folder_of(store, digest)
                unpacked = read_index(folder) or (
                    yield from _unpack(archive.name, file, opened, folder, digest)
                )
            if hash_cache.is_settled(status):
                hash_cache.remember_archive(store, archive, stamp, digest)
            yield unpacked
    except OSError as error:
        raise ArchiveError(_disk_trouble(archive, error)) from error


def choose_code_page(archive: Path, store: Path, code_page: str) -> None:
    """Remember how names of an archive are encoded that do not say so; it is unpacked anew.

    Args:
        archive: The archive, known by its content.
        store: Where archives are unpacked.
        code_page: One of `CODE_PAGES`; "" to guess it again.

    Raises:
        ArchiveError: The archive cannot be read, or the store cannot be written.
        ValueError: No such code page.
    """
    if code_page and code_page not in CODE_PAGES:
        raise ValueError(code_page)
    try:
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
        chosen = _chosen_code_pages(store) | {digest: code_page}
        store.mkdir(parents=True, exist_ok=True)
        text = _CodePages(chosen={key: page for key, page in chosen.items() if page})
        storage.write_text(store / _CODE_PAGES_FILE, text.model_dump_json())
    except OSError as error:
        raise ArchiveError(_disk_trouble(archive, error)) from error


class _CodePages(BaseModel):
    """Code pages that the user chose, by the digest of the archive."""

    version: Literal[1] = 1
    chosen: dict[str, str] = {}


_CODE_PAGES_FILE = "zip_names.json"


def _chosen_code_pages(store: Path) -> dict[str, str]:
    try:
        chosen = _CodePages.model_validate_json((store / _CODE_PAGES_FILE).read_bytes()).chosen
    except (OSError, ValueError):
        return {}
    return {digest: page for digest, page in chosen.items() if page in CODE_PAGES}


def _folder_of(store: Path, digest: str) -> Path:
    """Return where an archive is unpacked; another code page gives other names."""
    code_page = _chosen_code_pages(store).get(digest)
    if code_page is None:
        return store / digest
    return store / hashlib.sha256(f"{digest} {code_page}".encode()).hexdigest()[:32]


def _remembered(archive: Path, stamp: hash_cache.Stamp, store: Path) -> Unpacked | None:
    """Return the contents this very archive was unpacked into, if they are still whole."""
    known = hash_cache.read(hash_cache.archive_hash_cache(store)).get(os.path.abspath(archive))
    if known is None or known[0] != stamp:
        return None
    return read_index(_folder_of(store, known[1]))


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


class _Opened(NamedTuple):
    """An archive that is open: its members, and what was left out of it already."""

    kind: ArchiveKind
    members: Sequence[Member]
    left_out: list[Refusal]
    n_bytes: int  # of the archive
    code_page: str  # see `Unpacked`

    @property
    def starts(self) -> list[int]:
        """Offsets of the members in the archive, in order."""
        return sorted(member.start for member in self.members)


@contextlib.contextmanager
def _opened(
    name: str, file: io.BufferedReader, code_page: str = ""
) -> Generator[_Opened, None, None]:
    """Read and check the list of files.

    Raises:
        ArchiveError: It is no archive, cut short, broken or hostile.
    """
    n_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    kind = archive_kind(file.read(PIECE_BYTES))
    left_out: list[Refusal] = []
    if kind == "gzip":
        yield _Opened(kind, [_unzipped(name, file)], left_out, n_bytes, "")
    elif kind == "tar":
        members, code_page = tar_members(name, file, left_out, code_page)
        yield _Opened(kind, members, left_out, n_bytes, code_page)
    else:
        with open_zip(name, file) as zipped:
            check_structure(name, file, zipped)
            members, code_page = zip_members(zipped, left_out, code_page)
            yield _Opened("zip", members, left_out, n_bytes, code_page)


def _unzipped(name: str, file: io.BufferedReader) -> Member:
    """Return the one file that gzip packed, of a length that no place tells reliably."""
    return Member(unzipped_name(name), 0, 0, partial(_unzipped_pieces, file))


def _unzipped_pieces(file: io.BufferedReader) -> Iterator[bytes]:
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) as source:
            while piece := source.read(PIECE_BYTES):
                yield piece
    except EOFError as error:
        raise UnusableFileError(_CUT, "truncated") from error
    except (OSError, zlib.error, ValueError) as error:  # BadGzipFile is an OSError
        raise UnusableFileError(DAMAGED, "unreadable") from error


def _hash(file: io.BufferedReader, starts: Sequence[int]) -> Generator[Progress, None, str]:
    """Hash the whole archive; progress counts the files that lie in what was read."""
    digest = hashlib.sha256()
    n_files = max(1, len(starts))
    file.seek(0)
    while piece := file.read(_HASHED_AT_ONCE):
        yield Progress(_CHECKING, bisect_left(starts, file.tell() - len(piece)), n_files)
        digest.update(piece)
    return digest.hexdigest()


def _unpack(
    source_name: str, file: io.BufferedReader, opened: _Opened, folder: Path, digest: str
) -> Generator[Progress, None, Unpacked]:
    if chosen := _chosen_code_pages(folder.parent).get(digest, ""):
        with _opened(source_name, file, chosen) as renamed:
            return (yield from _unpack_members(source_name, renamed, folder, chosen))
    return (yield from _unpack_members(source_name, opened, folder, ""))


def _unpack_members(
    source_name: str, opened: _Opened, folder: Path, chosen: str
) -> Generator[Progress, None, Unpacked]:
    total = sum(member.n_bytes for member in opened.members)
    _check_space(source_name, folder.parent, total)
    part = part_folder(folder.parent, folder.name)
    try:
        unpacking = _Unpacking(source_name, part, opened, chosen)
        yield from unpacking.write(opened.members)
        write_index(unpacking.outcome())
        return _publish(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_space(source_name: str, store: Path, total: int, *, needed: int | None = None) -> None:
    """Refuse what the limits or the disk do not allow.

    Args:
        source_name: What to call the archive.
        store: Where it is unpacked.
        total: Bytes that it unpacks to.
        needed: Bytes of these that are not written yet; None: all.

    Raises:
        ArchiveError: It is too large.
    """
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
    needed = total if needed is None else needed
    if needed + SPARE_DISK_BYTES > free:
        raise ArchiveError(
            Message(
                "{file} needs {size} MiB of disk space and {free} MiB are free. Free some space "
                "and try again.",
                file=source_name,
                size=(needed + SPARE_DISK_BYTES) >> 20,
                free=free >> 20,
            )
        )


_MOST_ARCHIVES_DEEP = 4  # an archive inside an archive inside ...
_CUT = Message("Its end is missing; copy or download it again.")
_TOO_DEEP = Message("An archive inside too many others; unpack it and add its images themselves.")
_TOO_MANY = Message("Too many files in archives inside; unpack it and add its images themselves.")
_BOMB = Message(
    "{file} would unpack to far more than its size, as only a malicious file does. Get it again "
    "from a source you trust."
)


class _Unpacking:
    """Writes the images of an archive, and of the archives inside it, under numbers.

    Args:
        source_name: What to call the archive.
        part: The folder to write to.
        opened: The archive.
        code_page: Of names, as the user chose it; "" to guess it.
    """

    def __init__(self, source_name: str, part: Path, opened: _Opened, code_page: str) -> None:
        self._source_name = source_name
        self._part = part
        self._kind = opened.kind
        self._chosen = code_page
        self._code_page = opened.code_page
        self._left_out = list(opened.left_out)
        self._files: list[SourceFile] = []
        self._names: set[str] = set()
        self._n_members = len(opened.members)
        self._pace = ReadingPace(_UNPACKING, len(opened.members))
        # All that is written counts, archives inside among it: none can be a bomb on its own.
        self._n_written = self._n_checked = 0
        self._most = max(MAX_RATIO_FREE_BYTES, MAX_RATIO * opened.n_bytes)

    def outcome(self) -> Unpacked:
        """Return what was unpacked.

        Raises:
            ArchiveError: There is no image at all.
        """
        found = in_order(self._part, self._source_name, self._files, self._left_out)
        return Unpacked(found.folder, found.files, found.left_out, self._code_page)

    def write(
        self, members: Sequence[Member], prefix: str = "", depth: int = 0
    ) -> Generator[Progress, None, None]:
        """Write each image; what turns out unusable is removed and reported.

        Args:
            members: Of one archive.
            prefix: The folder that the archive stands for.
            depth: How many archives it lies in.

        Raises:
            ArchiveError: It is more than an honest archive holds, or than the disk does.
        """
        for member in members:
            name = prefix + member.name
            try:
                yield from self._write_member(name, member, depth)
            except UnusableFileError as error:
                self._left_out.append(Refusal(name, error.message, error.kind))
            if not depth:
                yield from self._pace.file_done()

    def _write_member(
        self, name: str, member: Member, depth: int
    ) -> Generator[Progress, None, None]:
        pieces = member.pieces()
        head = next(pieces, b"")  # what is no image ends here, before a file is made for it
        if kind := archive_kind(head):
            yield from self._write_archive(name, kind, chain([head], pieces), depth + 1)
            return
        suffix = SUFFIXES[check_format(head)]
        check_name_and_size(name, member.n_bytes)
        if name in self._names:
            raise UnusableFileError(SECOND)
        digest = hashlib.sha256()
        target = self._part / f"{len(self._files) + 1:06d}{suffix}"
        try:
            with target.open("xb") as file:
                for piece in chain([head], pieces):
                    digest.update(piece)
                    yield from self._write_piece(file, piece)
                check_name_and_size(name, file.tell())
        except UnusableFileError:
            target.unlink()
            raise
        self._names.add(name)
        self._files.append(SourceFile(name, target, digest.hexdigest()))

    def _write_piece(self, file: io.BufferedIOBase, piece: bytes) -> Iterator[Progress]:
        self._n_written += len(piece)
        if self._n_written > self._most:
            raise ArchiveError(Message(_BOMB.template, file=self._source_name))
        if self._n_written >= self._n_checked + SPARE_DISK_BYTES // 2:
            self._n_checked = self._n_written
            _check_space(self._source_name, self._part, self._n_written, needed=len(piece))
        file.write(piece)
        yield from self._pace.read(len(piece))

    def _write_archive(
        self, name: str, kind: ArchiveKind, pieces: Iterator[bytes], depth: int
    ) -> Generator[Progress, None, None]:
        """Unpack an archive inside; it lies in a file of its own meanwhile."""
        if depth > _MOST_ARCHIVES_DEEP:
            raise UnusableFileError(_TOO_DEEP, "not_an_image")
        path = self._part / f"inside-{depth}"
        try:
            with path.open("xb") as target:
                for piece in pieces:
                    yield from self._write_piece(target, piece)
            with BoundedReader(io.FileIO(path)) as file, contextlib.ExitStack() as stack:
                try:
                    opened = stack.enter_context(_opened(name, file, self._chosen))
                except ArchiveError as error:
                    raise UnusableFileError(error.message, "unreadable") from error
                self._n_members += len(opened.members)
                if self._n_members > MAX_FILES:
                    raise UnusableFileError(_TOO_MANY)
                self._code_page = self._code_page or opened.code_page
                yield from self._write_members_inside(name, kind, opened, depth)
        finally:
            path.unlink(missing_ok=True)

    def _write_members_inside(
        self, name: str, kind: ArchiveKind, opened: _Opened, depth: int
    ) -> Generator[Progress, None, None]:
        members = opened.members
        if kind == "gzip":  # one file, in the place of the packed one
            prefix = name.rpartition("/")[0]
            members = [replace(one, name=one.name.rpartition("/")[2]) for one in members]
        else:
            # A tar.gz is one archive to whoever made it.
            is_whole = self._kind == "gzip" and depth == 1
            prefix = "" if is_whole else folder_of_archive(name)
        prefix = prefix and prefix + "/"
        self._left_out += [replace(one, file=prefix + one.file) for one in opened.left_out]
        yield from self.write(members, prefix, depth)


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

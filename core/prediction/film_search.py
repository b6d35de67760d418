"""Find the X-rays in files, folders and zips that were dropped or named, each as it is met."""

import errno
import io
import os
import stat
import sys
import threading
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, Literal

import psutil

from core.data.archive import extract
from core.data.members import archive_kind
from core.data.unpacked import (
    Unpacked,
    UnusableFileError,
    check_format,
    is_junk,
    readable,
    showable,
)
from core.data.zip_file import BoundedReader, open_zip, zip_members
from core.errors import ArchiveError, ImageReadError, Message, Refusal
from core.events import Progress
from core.files import in_time
from core.images.documents import document_kind, is_a_document
from core.images.formats import is_named_as_image

MAX_TOLD = 20  # files of one folder or zip that are refused one by one; the others are counted
_MAX_NAME = 120  # characters of a name in a sentence
PATIENCE_S = 6.0
_ASK_AGAIN_S = 0.2  # a point where the user can cancel
_WAITING: Final = Message("Waiting for the network drive")
_NETWORK: Final = frozenset(
    {"9p", "afs", "autofs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.gvfsd-fuse",
     "fuse.rclone", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
     "webdav", "afpfs"}
)  # fmt: skip
# What the system tells of itself in the form of files: no films, and some wait for ever.
_SYSTEM: Final = frozenset(
    {"bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
     "fusectl", "mqueue", "proc", "pstore", "securityfs", "sysfs", "tracefs"}
)  # fmt: skip
MODEL_ENDING = ".safetensors"
_OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ\0")
_HEAD_BYTES = 512  # that tell a tar
# A pipe without a writer would make `open` wait for ever.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
MODEL = Message("A model file, not a film. Open it as the model in order to read films with it.")
LINKED_FOLDER = Message("A link to a folder, which may lead in a circle. Add that folder itself.")
LOOKING: Final = Message("Looking for images")
_REPORT_EVERY_PASSED = 200  # files that are no films
_REPORT_EVERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFilm:
    """A file that may be an X-ray; only reading it will tell."""

    key: int = 0  # its number in a list, never given twice
    path: Path  # to open
    name: str  # for a list: `film.png`, `ward/film.png`, `films.zip/NORMAL/film.png`
    file: str  # as the user would name it in full; inside a zip, the zip's path and the name in it
    source: Path  # the file, folder or zip that was dropped or named
    frame: int = 1  # of a DICOM file that holds several

    @classmethod
    def at(cls, path: Path) -> "FoundFilm":
        """Take a file that was named by itself."""
        return FoundFilm(path=path, name=called(path), file=str(path), source=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFilm:
    """A file that is no X-ray, or cannot be read."""

    key: int = 0  # its number in a list, never given twice
    name: str  # for a list
    refusal: Refusal  # `refusal.file` is the full name


class LeftOut:
    """The refusals inside one folder or zip: the first one by one, the others as a number.

    Ten thousand films may have a text beside each.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self.n_files = 0

    def tell(self, file: str, name: str, reason: Message) -> Iterator[RefusedFilm]:
        """Refuse one more."""
        self.n_files += 1
        if self.n_files <= MAX_TOLD:
            yield RefusedFilm(name=name, refusal=Refusal(file, reason))

    def tell_rest(self) -> Iterator[RefusedFilm]:
        """Say how many more there were."""
        rest = self.n_files - MAX_TOLD
        if rest > 0:
            reason = Message(
                "{n} more files in {file} are no films either and were passed over.",
                n=rest,
                file=called(self._source),
            )
            yield refused(self._source, reason)


class Drives:
    """The mounts of this computer, as they are when a search begins.

    Args:
        mounts: Folder and file system of each.
    """

    def __init__(self, mounts: Iterable[tuple[str, str]]) -> None:
        known = list(mounts)
        self._network = [folder for folder, system in known if system in _NETWORK]
        self.of_system = frozenset(folder for folder, system in known if system in _SYSTEM)
        self._dead: set[str] = set()

    @classmethod
    def of_computer(cls) -> "Drives":
        """Read the list of mounts, which asks no drive."""
        if sys.platform == "win32":
            return cls(())  # there, a list would ask the drives; their paths tell, see `_drive_of`
        try:
            return cls((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))
        except (OSError, RuntimeError):  # no /proc in a bare chroot
            return cls(())

    def answers(self, path: Path) -> Generator[Progress, None, bool]:
        """True where `path` can be asked for without waiting for ever."""
        drive = self._drive_of(path)
        if not (drive or self._network):
            return True  # where there is a drive, a link may lead there from anywhere
        if drive in self._dead:
            return False
        has_answered = threading.Event()

        def ask() -> None:
            touch(path)
            has_answered.set()

        threading.Thread(target=ask, name="network drive", daemon=True).start()
        deadline = monotonic() + PATIENCE_S
        while not has_answered.wait(_ASK_AGAIN_S):
            if monotonic() >= deadline:
                if drive:
                    self._dead.add(drive)
                return False
            yield Progress(_WAITING, 0, 1)
        return True

    def _drive_of(self, path: Path) -> str:
        """Return the network drive on which `path` lies by its name; "" where it lies on none."""
        full = os.path.abspath(path)
        if sys.platform == "win32":
            return path.drive if path.drive.startswith("\\\\") else ""
        around = [one for one in self._network if full == one or full.startswith(one + "/")]
        return max(around, key=len, default="")


def touch(path: Path) -> None:
    """Ask for a file or folder, whatever the answer."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return  # said no at once, which is an answer


Found = Generator[FoundFilm | RefusedFilm | Progress, None, None]


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
            reason = Message(
                "{file} lies on a network drive that does not answer. Check the connection, or "
                "copy the films to this computer.",
                file=called(path),
            )
            yield refused(path, reason)
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
            yield FoundFilm.at(path)
        else:
            yield from _look_into(path, head_of(path), store)
    except ImageReadError as error:
        yield refused(path, error.message)
    except OSError as error:
        yield refused(path, cannot_open(path, error))


def _look_into(path: Path, head: bytes, store: Path) -> Found:
    """Open a file whose name does not say that it is an image."""
    if path.suffix.lower() == ".zip" or archive_kind(head):
        yield from films_in_archive(path, head, store)
    elif head.startswith(_OTHER_ARCHIVES):
        reason = Message(
            "{file} is packed in a way that is not opened here. Unpack it and add the folder, or "
            "pack the films as a zip.",
            file=called(path),
        )
        yield refused(path, reason)
    elif document := document_kind(head):
        yield refused(path, is_a_document(called(path), document).message)
    else:
        yield FoundFilm.at(path)  # its reader says best what is wrong with it


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
            if n_passed % _REPORT_EVERY_PASSED == 0:
                yield Progress(LOOKING, 0, 1)
            continue
        n_films += 1
        if met is not None:
            real = os.path.join(real_folder, os.path.relpath(entry.path, folder))
            real = os.path.realpath(entry.path) if entry.is_symlink() else real
            if real in met:
                continue
            met.add(real)
        yield FoundFilm(path=Path(entry.path), name=name, file=file, source=folder)
    yield from left_out.tell_rest()
    if not n_films and not left_out.n_files:
        yield refused(
            folder,
            Message(
                "The folder {file} holds no film. Choose one that has PNG, JPEG, BMP, TIFF, "
                "WebP, JPEG 2000 or DICOM files in it or below.",
                file=called(folder),
            ),
        )


def _walk(
    folder: Path, drives: Drives, left_out: LeftOut
) -> Iterator[tuple["os.DirEntry[str] | RefusedFilm | Progress", str]]:
    """Yield every file below with its name as shown; depth first, without recursion."""
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
    """Yield the content of one folder in order, as if its folders were called `name/`."""
    yield Progress(LOOKING, 0, 1), ""
    try:
        entries = in_time(lambda: _entries(folder))
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


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as scan:
        return [e for e in scan if not (e.name.startswith(".") or is_junk(e.name))]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # Windows junctions are folders to scandir, and may lead round in a circle.
    is_junction = getattr(os.path, "isjunction", None)
    if is_junction is not None and is_junction(entry.path):
        return False
    return entry.is_dir(follow_symlinks=False)


def _why_no_film(entry: "os.DirEntry[str]") -> Message | None:
    """Say why a file is passed over; None: it is a film by its name or its first bytes."""
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


def films_in_archive(
    archive: Path, head: bytes, store: Path
) -> Iterator[FoundFilm | RefusedFilm | Progress]:
    """Unpack a zip or tar below `store`, once for all times it is asked for, and give its films.

    Yields:
        Progress, then the films in the order of their names, then what was left out.
    """
    try:
        reason = _why_not(archive) if archive_kind(head) in ("zip", None) else None
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
        yield FoundFilm(path=film.path, name=name, file=str(archive / film.name), source=archive)
    left_out = LeftOut(archive)
    for one in unpacked.left_out:
        name = f"{called(archive)}/{one.file}"
        yield from left_out.tell(str(archive / one.file), name, one.reason)
    yield from left_out.tell_rest()


def _why_not(archive: Path) -> Message | None:
    """Say why there is nothing to unpack, in words for films rather than for datasets.

    Raises:
        ArchiveError: The list of files is broken or giant.
        OSError: It cannot be opened.
    """
    if archive_kind(head_of(archive)) != "zip" and not zipfile.is_zipfile(archive):
        return Message(
            "{file} is called a zip and is none. Get it again, or add the films themselves.",
            file=called(archive),
        )
    left_out: list[Refusal] = []
    with BoundedReader(io.FileIO(archive)) as file, open_zip(called(archive), file) as zipped:
        if zip_members(zipped, left_out)[0] or left_out:
            return None
    return Message("{file} is an empty zip. Put films into it.", file=called(archive))


class SeenFilms:
    """Content digests, each with the name under which it came first."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def register(self, digest: str, name: str) -> str | None:
        """Note a film.

        Args:
            digest: The sha256 of its file.
            name: As the user knows it.

        Returns:
            The name of the film with the same content that came before; None: it is new.
        """
        first = self._names.get(digest)
        if first is None:
            self._names[digest] = name
        return first

    def forget(self, digest: str) -> None:
        """Forget a film that was put away: when it comes again, it is new."""
        self._names.pop(digest, None)

    def clear(self) -> None:
        """Forget all."""
        self._names.clear()


def kind_of(path: Path) -> Literal["file", "folder"]:
    """Tell files from folders; links are followed.

    Raises:
        ImageReadError: It is neither, or not there.
    """
    try:
        mode = in_time(lambda: os.stat(path)).st_mode
    except OSError as error:
        raise ImageReadError(_missing(path, error), "other") from error
    except ValueError as error:  # a null in its name
        raise ImageReadError(
            Message("No file can be called {file}. Choose it again.", file=called(path)), "other"
        ) from error
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        raise ImageReadError(special(path), "other")
    return "file"


def head_of(path: str | Path) -> bytes:
    """Read the first bytes of an ordinary file; never waits for a pipe or device.

    Raises:
        OSError: It cannot be opened.
        ImageReadError: It is no ordinary file, or became none meanwhile.
    """

    def read() -> bytes:
        descriptor = os.open(path, _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ImageReadError(special(Path(path)), "other")
            return os.read(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)

    return in_time(read)


def is_model(name: str) -> bool:
    """True for the name of a model file."""
    return name.lower().endswith(MODEL_ENDING)


def called(path: Path) -> str:
    """Return the last part of a path, fit for one line of a sentence."""
    name = showable(readable(path.name or path.absolute().name or str(path)))
    half = _MAX_NAME // 2
    return name if len(name) <= _MAX_NAME else f"{name[:half]} … {name[-half:]}"


def refused(path: Path, reason: Message) -> RefusedFilm:
    """Refuse as a whole what was dropped."""
    return RefusedFilm(name=called(path), refusal=Refusal(str(path), reason))


def special(path: Path) -> Message:
    """Refuse a device, pipe or socket."""
    return Message(
        "{file} is a device or a pipe, not an ordinary file, and is never opened. Choose the "
        "film's own file.",
        file=called(path),
    )


def cannot_open(path: Path, error: OSError) -> Message:
    """Refuse a file that the system does not open, in the words of the reader of images."""
    return Message(
        "{file} cannot be opened: {why}. Check that it is still there and may be read.",
        file=called(path),
        why=error.strerror or type(error).__name__,
    )


def _missing(path: Path, error: OSError) -> Message:
    if error.errno == errno.ENAMETOOLONG:
        return Message(
            "{file} has a longer name than this system can open. Give it a shorter one, or move "
            "it up some folders.",
            file=called(path),
        )
    if error.errno == errno.ELOOP:
        return Message(
            "{file} is a link that leads in a circle. Choose the film itself.", file=called(path)
        )
    if os.path.islink(path):
        return Message(
            "{file} is a link to something that is not there ({why}). Choose the film itself.",
            file=called(path),
            why=error.strerror or type(error).__name__,
        )
    return cannot_open(path, error)

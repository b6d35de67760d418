"""The only writer of files that must survive: all of the new content, or all of the old."""

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from core.errors import Message, RunFolderError

# Names of what is not finished: `.NAME.PROCESS.RANDOM.part`. Only this module makes them, so that
# what killed processes leave behind is known, and removed at the next start.
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
# Version 0.1.0 had eight characters, and nothing about the machine.
_PART = re.compile(
    r"\..*\.(?P<process>[0-9]+)\.(?P<random>[0-9a-f]{16}|[0-9a-z_]{8})\.part", re.DOTALL
)
_FOREIGN_S = 7 * 24 * 3600  # another machine's process cannot be asked for; a week is long enough
_LONGEST_NAME = 200  # bytes; a file system takes 255
T = TypeVar("T")
_swept: set[Path] = set()  # folders that this process has looked through


def part_path(path: Path) -> Path:
    """Return a new name beside `path` for a file or folder that is to become `path`."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return path.with_name(f".{name}.{os.getpid()}.{_HOST}{secrets.token_hex(4)}.part")


def part_folder(store: Path, name: str) -> Path:
    """Make a folder in `store`, to be renamed to `name` once it is whole."""
    store.mkdir(parents=True, exist_ok=True)
    folder = part_path(store / name)
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Lend a folder for files that nobody needs afterwards, in the system's own place for them."""
    folder = part_folder(Path(tempfile.gettempdir()), "pneumoscope")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Delete what killed processes left unfinished in `folder`; living ones keep theirs.

    Args:
        folder: Not looked into deeper; need not be there.
    """
    try:
        with os.scandir(folder) as scan:
            names = [entry.name for entry in scan if entry.name.endswith(".part")]
    except OSError:  # not there, or its owner shuts others out
        return
    for part in (folder / name for name in names):
        if not _is_stale(part):
            continue
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                part.unlink()


def remove_stale_temporary_folders() -> None:
    """Delete what killed processes left in the system's place for temporary files."""
    remove_stale(Path(tempfile.gettempdir()))


def _is_stale(part: Path) -> bool:
    """Tell that the process that made `part` is gone; its number may be in use again."""
    import psutil  # not there yet when app.bootstrap writes its files

    made = _PART.fullmatch(part.name)
    if made is None:
        return False
    try:
        changed = part.lstat().st_mtime
        if len(made["random"]) > len(_HOST) and not made["random"].startswith(_HOST):
            return time.time() - changed > _FOREIGN_S
        return psutil.Process(int(made["process"])).create_time() > changed
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, OSError, OverflowError):
        return False


PATIENCE_S = 4.0  # a drive that sleeps wakes within it; whoever stops the work waits no longer
_MOST_STUCK = 8  # after so many nobody waits long for the next one
_SHORT_PATIENCE_S = 0.2
_stuck: set[threading.Thread] = set()


def in_time(work: Callable[[], T]) -> T:
    """Return `work()`, done on another thread: dead drives and some files never answer.

    Raises:
        TimeoutError: It has not ended within PATIENCE_S; its thread stays behind until it does.
        Exception: That of `work`.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            errors.append(error)

    _stuck.difference_update([thread for thread in _stuck if not thread.is_alive()])
    thread = threading.Thread(target=do, name="file", daemon=True)
    thread.start()
    thread.join(PATIENCE_S if len(_stuck) < _MOST_STUCK else _SHORT_PATIENCE_S)
    if errors:
        raise errors[0]
    if not results:
        _stuck.add(thread)
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    return results[0]


def read_at_most(path: Path, n_bytes: int) -> bytes:
    """Read an ordinary file, or its beginning; never wait for ever.

    Raises:
        OSError: It cannot be read, is no ordinary file, or does not answer in time.
    """

    def read() -> bytes:
        descriptor = os.open(path, _READ_FLAGS)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            whole = file.read(min(n_bytes, status.st_size)) or b""  # in one copy
            piece = file.read(min(n_bytes - len(whole), _PIECE_BYTES))
            if not piece:
                return whole
            content = bytearray(whole)  # it grows, or the system tells no size
            while piece:
                content += piece
                piece = file.read(min(n_bytes - len(content), _PIECE_BYTES))
            return bytes(content)

    return in_time(read)


_PIECE_BYTES = 2**20
# A pipe without a writer would make `open` wait for ever.
_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace `path` by `content` so that a crash or full disk leaves the old file whole.

    Raises:
        OSError: The folder cannot be written or the disk is full; the temporary is removed.
    """
    if path.parent not in _swept:  # once, for a folder may hold a hundred thousand files
        _swept.add(path.parent)
        remove_stale(path.parent)
    # Not tempfile: its files are for their owner alone, and a model is there to be shared.
    temporary = part_path(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut (POSIX only; Windows does it itself)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_user_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file for the user, whole or not at all.

    A link is followed and stays a link; a pipe or character device (`/dev/stdout`) gets the
    content and is never replaced.

    Raises:
        RunFolderError: It cannot be written.
    """
    try:
        target = _target(path)
        if target is None:
            _write_through(path, content)
        else:
            mode = _mode_of(target)
            write_bytes(target, content)
            if mode is not None:
                target.chmod(mode)
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError | ValueError | Message) -> RunFolderError:
    """Say that a file of the user's cannot be written, and why."""
    reason: object = error if isinstance(error, Message) else Message("it names no file")  # "."
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
    return RunFolderError(
        Message(
            "{file} cannot be written ({reason}). Choose another file.",
            file=escaped(str(path)),
            reason=reason,
        )
    )


def _target(path: Path) -> Path | None:
    """Return the ordinary file, there or not, that stands behind `path`; None: it is a stream.

    Raises:
        RunFolderError: It is neither.
        OSError: It cannot be asked for.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return behind(path)
    if stat.S_ISREG(mode):
        # /dev/stdout may be a file that the shell holds open: replaced, it would be lost.
        is_held = path.is_symlink() and path.absolute().parts[:2] in (
            (os.sep, "dev"),
            (os.sep, "proc"),
        )
        if not is_held and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return None if is_held else behind(path)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise cannot_write(path, Message("it is a device or a socket"))


def behind(path: Path) -> Path:
    """Return the file that a link leads to; `path` itself where it is none."""
    return path.resolve() if path.is_symlink() else path


def _mode_of(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def _write_through(path: Path, content: bytes | memoryview) -> None:
    # Not to wait for ever for somebody who reads a pipe.
    flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(path, flags)
    try:
        os.set_blocking(descriptor, True)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


FileKind = Literal["csv", "pdf", "onnx", "pdparams"]
# With what the files begin that the program writes: a BOM, a header, the version of ONNX, a pickle.
_BEGINNINGS: dict[FileKind, bytes] = {
    "csv": b"\xef\xbb\xbf",
    "pdf": b"%PDF-",
    "onnx": b"\x08",
    "pdparams": b"\x80",
}


def check_replaceable(path: Path, kind: FileKind) -> None:
    """Refuse to write over a file of another kind, which is hardly what the user wants.

    Raises:
        RunFolderError: There is such a file, or what can never be written.
    """
    try:
        target = _target(path)
        if target is None or not target.exists():
            return
        with target.open("rb") as file:
            head = file.read(len(_BEGINNINGS[kind]))
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error
    if head and head != _BEGINNINGS[kind]:
        raise RunFolderError(
            Message(
                "{file} exists already and is another kind of file. Choose another name, or add "
                "--force to write over it.",
                file=escaped(str(path)),
            )
        )


# What could break a line, hide, or turn round what a person reads; Cs: bytes that are no text.
_UNSHOWABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def escaped(text: str) -> str:
    r"""Return `text` as one line; what a terminal would obey or turn round becomes \x1b and such.

    A byte of a file name that is no text (os.fsdecode) is shown as that byte.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escape(character) if unicodedata.category(character) in _UNSHOWABLE else character
        for character in text
    )


def _escape(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


_NOT_ASCII = re.compile("[^\n -~]+")


def json_text(values: object) -> str:
    """Return JSON that a person can read; what `escaped` escapes is escaped as JSON does."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1)

    def escape(found: re.Match[str]) -> str:
        if found[0].isprintable():
            return found[0]
        return "".join(
            json.dumps(character)[1:-1]
            if unicodedata.category(character) in _UNSHOWABLE
            else character
            for character in found[0]
        )

    return _NOT_ASCII.sub(escape, text)


_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; a number stays one."""
    is_formula = cell.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(cell)
    return "'" + cell if is_formula else cell


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows of text, each cell one line and no formula, as UTF-8 with a BOM.

    Raises:
        RunFolderError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    for row in rows:
        table.writerow([inert(escaped(cell)) for cell in row])
    # A file name need not be text; the table must be.
    write_user_file(path, text.getvalue().encode("utf-8-sig", "backslashreplace"))

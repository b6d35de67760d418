"""The only writer of files that must survive: all of the new content, or all of the old."""

import csv
import io
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import Message, RunFolderError


def part_folder(store: Path, name: str) -> Path:
    """Make `.NAME.PROCESS.RANDOM.part` in `store`, to be renamed to `name` once it is whole."""
    store.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=store, prefix=f".{name}.{os.getpid()}.", suffix=".part"))


def remove_stale_folders(store: Path) -> None:
    """Delete what killed processes left half-built; living ones keep theirs."""
    for part in store.glob(".*.*.*.part"):
        if _is_stale(part):
            shutil.rmtree(part, ignore_errors=True)


def _is_stale(part: Path) -> bool:
    """Tell that the process that made `part` is gone; its number may be in use again."""
    import psutil  # not there yet when app.bootstrap writes its files

    owner = part.name.split(".")[2]
    if not owner.isdecimal():
        return False  # no folder of ours
    try:
        return psutil.Process(int(owner)).create_time() > part.stat().st_mtime
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, OSError):
        return False


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace `path` by `content` so that a crash or full disk leaves the old file whole.

    Raises:
        OSError: The folder cannot be written or the disk is full; the temporary is removed.
    """
    # Not tempfile: its files are for their owner alone, and a model is there to be shared.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
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

    Raises:
        RunFolderError: It cannot be written.
    """
    try:
        write_bytes(path, content)
    except (OSError, ValueError) as error:
        reason: object = Message("it names no file")  # "." does not
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
        raise RunFolderError(
            Message(
                "{file} cannot be written ({reason}). Choose another file.",
                file=str(path),
                reason=reason,
            )
        ) from error


_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; a number stays one."""
    is_formula = cell.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(cell)
    return "'" + cell if is_formula else cell


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows of text, each cell made inert, as UTF-8 with a BOM.

    Raises:
        RunFolderError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    for row in rows:
        table.writerow([inert(cell) for cell in row])
    # A file name need not be text; the table must be.
    write_user_file(path, text.getvalue().encode("utf-8-sig", "backslashreplace"))

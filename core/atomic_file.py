"""The only writer of files that must survive: all of the new content, or all of the old."""

import os
import secrets
from pathlib import Path


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

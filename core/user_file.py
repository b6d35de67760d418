"""A file that the user asked for by name: written whole, or a refusal that names it."""

from pathlib import Path

from core import atomic_file
from core.errors import Message, RunFolderError


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file for the user, whole or not at all.

    Raises:
        RunFolderError: It cannot be written.
    """
    try:
        atomic_file.write_bytes(path, content)
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

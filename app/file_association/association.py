"""What every system offers, however it keeps it."""

from pathlib import Path
from typing import Protocol

from core.errors import Message, PneumoScopeError

DONE = Message(
    "Model files (.safetensors) now open in PneumoScope by double click. Other programs can still "
    "be chosen with “Open with” in the file manager."
)
UNDONE = Message(
    "Model files no longer open in PneumoScope by double click. They can still be dropped on the "
    "window or opened from its menu."
)


class FileAssociationError(PneumoScopeError):
    """The system cannot be told what opens model files."""


class Association(Protocol):
    """Whether a double click on a model file opens it in this program."""

    def is_registered(self) -> bool:
        """Whether it does; reads the system's own records, and is quick."""

    def register(self) -> Message:
        """Make it so, as often as one likes; what to tell the user.

        Raises:
            FileAssociationError: It cannot be done, or not wholly.
        """

    def unregister(self) -> Message:
        """Take back all that `register` did; what to tell the user.

        Raises:
            FileAssociationError: It cannot be done, or not wholly.
        """


def cannot_write(file: str | Path, error: OSError) -> FileAssociationError:
    """The refusal of a file or registry key."""
    return FileAssociationError(
        Message(
            "{file} cannot be changed: {reason}. See that it may be written by you and that the "
            "disk is not full, then try again.",
            file=file,
            reason=error.strerror or error,
        )
    )

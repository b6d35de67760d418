"""What lies behind a path, found out without opening what never ends or never answers."""

import errno
import os
import stat
from pathlib import Path
from typing import Literal

from core.data.images import HEAD_BYTES
from core.errors import ImageReadError, Message
from core.prediction.film_search.found import called

MODEL_ENDING = ".safetensors"
_ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # with files, empty, in parts
_OTHER_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
# A pipe without a writer would make `open` wait for ever.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

MODEL = Message("A model file, not a film. Open it as the model in order to read films with it.")
LINKED_FOLDER = Message("A link to a folder, which may lead in a circle. Add that folder itself.")


def kind_of(path: Path) -> Literal["file", "folder"]:
    """Tell files from folders; links are followed.

    Raises:
        ImageReadError: It is neither, or not there.
    """
    try:
        mode = os.stat(path).st_mode
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


def special(path: Path) -> Message:
    """Why a device, pipe or socket is not read."""
    return Message(
        "{file} is a device or a pipe, not an ordinary file, and is never opened. Choose the "
        "film's own file.",
        file=called(path),
    )


def head_of(path: str | Path) -> bytes:
    """The first bytes of an ordinary file; never waits for a pipe or device.

    Raises:
        OSError: It cannot be opened.
        ImageReadError: It is no ordinary file, or became none meanwhile.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ImageReadError(special(Path(path)), "other")
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)


def is_model(name: str) -> bool:
    """Whether a file is called as models are."""
    return name.lower().endswith(MODEL_ENDING)


def is_zip(head: bytes) -> bool:
    """Whether a file begins as zips do."""
    return head.startswith(_ZIP_HEADS)


def is_other_archive(head: bytes) -> bool:
    """Whether it is packed in a way that is not opened."""
    return head.startswith(_OTHER_ARCHIVES)


def cannot_open(path: Path, error: OSError) -> Message:
    """What the reader of images says as well."""
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

"""Names for the pictures of films: told from the films' own, safe anywhere, never twice."""

import re
from pathlib import Path, PurePath
from typing import Final

from PIL import Image

from core.data.names import readable, showable
from core.errors import Message, RunFolderError
from core.prediction.report.film_picture import SOURCE_KEY, source_of

_MOST_BYTES: Final = 120  # of a name's stem in UTF-8; file systems take 255 for all of it
_ENDING: Final = ".heatmap.png"
_UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ufffd]')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class HeatFiles:
    """Says where the picture of each film goes.

    What lies in the folder already is not overwritten, but for pictures of the same film that
    this program made.

    Args:
        folder: Made where it is missing.

    Raises:
        RunFolderError: It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason: object = Message("it names no folder")
            if isinstance(error, OSError):
                reason = error.strerror or str(error)
            raise RunFolderError(
                Message(
                    "The folder {folder} cannot be made ({reason}). Choose another folder.",
                    folder=str(folder),
                    reason=reason,
                )
            ) from error

    def place(self, file: str, digest: str) -> Path:
        """A free name for a film's picture.

        Args:
            file: What the user calls the film.
            digest: SHA-256 of its file.
        """
        stem = safe_stem(file)
        number = 1
        while True:
            name = f"{stem}{_ENDING}" if number == 1 else f"{stem} ({number}){_ENDING}"
            path = self._folder / name
            key = name.casefold()  # one file on Windows and macOS
            if key not in self._taken and _may_be_written(path, digest):
                self._taken.add(key)
                return path
            number += 1


def safe_stem(file: str) -> str:
    """The beginning of a file name that every system takes, from what the user calls a film."""
    name = showable(readable(PurePath(file.replace("\\", "/")).name))
    stem = _UNSAFE.sub("_", PurePath(name).stem if name else "").strip(" .")
    stem = stem.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore").strip(" .")
    if not stem:
        return "film"
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem


def _may_be_written(path: Path, digest: str) -> bool:
    """Whether nothing is lost: no file there, or our picture of the same film."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return picture.info.get(SOURCE_KEY) == source_of(digest)
    except Exception:  # noqa: BLE001 (Pillow raised a dozen kinds for damaged files)
        return False

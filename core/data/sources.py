"""Open whatever was dropped: zips and folders, one after the other."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.data.archive import extract
from core.data.folder import list_folder
from core.data.unpacked import Unpacked
from core.errors import ArchiveError, Message
from core.events import Progress


def open_sources(
    paths: Sequence[Path], store: Path
) -> Iterator[Progress | tuple[tuple[Unpacked, Path], ...]]:
    """Open each of `paths`; one that is named twice is opened once.

    Yields:
        Progress, and at last what each source holds, in the order of `paths`.

    Raises:
        ArchiveError: There is no path, or one of them cannot be used as a whole.
    """
    if not paths:
        raise ArchiveError(
            Message("Nothing was chosen. Choose a zip file or a folder that holds class folders.")
        )
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(_identity(path), path)
    opened: list[tuple[Unpacked, Path]] = []
    for path in first.values():
        for step in open_source(path, store):
            if isinstance(step, Unpacked):
                opened.append((step, path))
            else:
                yield step
    yield tuple(opened)


def open_source(path: Path, store: Path) -> Iterator[Progress | Unpacked]:
    """Open one source: a zip is unpacked below `store`, a folder is read in place.

    Yields:
        Progress, and at last one Unpacked.

    Raises:
        ArchiveError: It is neither, or cannot be used as a whole.
    """
    # os.path, because Path.is_dir raises for names that are too long.
    yield from list_folder(path, store) if os.path.isdir(path) else extract(path, store)


def _identity(path: Path) -> str:
    """The same for all names of one file."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # too long, or with a null; opening it says so
        return os.fspath(path)

"""Films decoded once, as squares of grey levels on disk, keyed by their content.

A cache is a folder that appears whole or not at all: it is built under a temporary name
and renamed. Coloured films keep their colours in a second file.
"""

import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from core import atomic_file
from core.data.images import READER_VERSION, load_xray, square
from core.data.records import Record
from core.errors import DatasetError, ImageReadError, Message
from core.events import Progress
from core.runtime.processor import physical_core_count

GREY_FILE, COLOUR_FILE, INDEX_FILE = "grey.u8", "colour.u8", "index.json"
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"


@dataclass(frozen=True, slots=True)
class ImageCache:
    """Every readable film of a dataset at one size, and why the others are missing."""

    size: int  # pixels, both sides
    rows: dict[str, int]  # film digest -> row of `grey`
    grey: NDArray[np.uint8]  # (N, size, size), memory-mapped
    colour_rows: dict[str, int]  # film digest -> row of `colour`, coloured films only
    colour: NDArray[np.uint8]  # (M, size, size, 3), memory-mapped
    unreadable: dict[str, Message]  # film digest -> reason

    def image(self, digest: str) -> NDArray[np.uint8]:
        """One film, (size, size) or (size, size, 3)."""
        if digest in self.colour_rows:
            return self.colour[self.colour_rows[digest]]
        return self.grey[self.rows[digest]]


def open_cache(
    records: Sequence[Record], size: int, folder: Path
) -> Iterator[Progress | ImageCache]:
    """Yield progress and at last the cache of `records`, building it where there is none.

    Args:
        records: Films; their content digests are the key, so renamed films are not read again.
        size: Side of the square in pixels.
        folder: Where all caches live.

    Raises:
        DatasetError: The disk is full or the folder cannot be written.
    """
    digests = sorted({record.digest for record in records})
    key = hashlib.sha256("\n".join((str(READER_VERSION), str(size), *digests)).encode()).hexdigest()
    target = folder / key[:32]
    cache = _read(target, size, digests)
    if cache is None:
        _remove_abandoned(folder)
        try:
            yield from _build(records, digests, size, target)
        except OSError as error:
            raise DatasetError(
                Message(
                    "The decoded films cannot be saved in {folder} ({reason}). Free some disk "
                    "space and try again.",
                    folder=str(folder),
                    reason=error.strerror or str(error),
                )
            ) from error
        cache = _read(target, size, digests)
        if cache is None:
            raise DatasetError(
                Message(
                    "The decoded films in {folder} were changed while they were written. "
                    "Try again.",
                    folder=str(target),
                )
            )
    yield cache


def _build(
    records: Sequence[Record], digests: Sequence[str], size: int, target: Path
) -> Iterator[Progress]:
    """Decode on all cores, write in order, rename at the end; closing leaves nothing behind."""
    film = {record.digest: record for record in records}
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    rows: dict[str, int] = {}
    colour_rows: dict[str, int] = {}
    unreadable: dict[str, Message] = {}
    n_threads = physical_core_count()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")
    try:
        with (part / GREY_FILE).open("wb") as grey, (part / COLOUR_FILE).open("wb") as colour:
            waiting = iter(digests)
            running: deque[tuple[str, Future[NDArray[np.uint8] | Message]]] = deque()
            for done in range(len(digests)):
                # A short queue: decoded films wait in memory for their turn to be written.
                while len(running) < 4 * n_threads and (digest := next(waiting, None)):
                    running.append((digest, pool.submit(_decode, film[digest], size)))
                digest, future = running.popleft()
                image = future.result()
                if isinstance(image, Message):
                    unreadable[digest] = image
                else:
                    if image.ndim == 3:
                        colour_rows[digest] = len(colour_rows)
                        colour.write(image.tobytes())
                        image = np.rint(image @ np.array(LUMA)).astype(np.uint8)
                    rows[digest] = len(rows)
                    grey.write(image.tobytes())
                yield Progress(Message("Reading films"), done + 1, len(digests))
            for file in (grey, colour):
                file.flush()
                os.fsync(file.fileno())
        index = {
            "size": size,
            "rows": list(rows),
            "colour_rows": list(colour_rows),
            "unreadable": {
                digest: {"template": reason.template, "values": reason.values}
                for digest, reason in unreadable.items()
            },
        }
        atomic_file.write_text(part / INDEX_FILE, json.dumps(index, ensure_ascii=False))
        if target.exists():  # damaged, or another process was faster: ours is complete
            shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
        atomic_file.sync_folder(target.parent)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(part, ignore_errors=True)


def _decode(record: Record, size: int) -> NDArray[np.uint8] | Message:
    try:
        return square(load_xray(record.path), size)
    except ImageReadError as error:
        # The reader saw a generated name; the user knows the one in the archive.
        return Message(error.message.template, **{**error.message.values, "file": record.name})


def _read(target: Path, size: int, digests: Sequence[str]) -> ImageCache | None:
    """The cache in `target` if it is whole and holds just these films."""
    try:
        index = json.loads((target / INDEX_FILE).read_text(encoding="utf-8"))
        rows = {digest: row for row, digest in enumerate(index["rows"])}
        colour_rows = {digest: row for row, digest in enumerate(index["colour_rows"])}
        unreadable = {
            digest: Message(reason["template"], **reason["values"])
            for digest, reason in index["unreadable"].items()
        }
        grey = _map(target / GREY_FILE, (len(rows), size, size))
        colour = _map(target / COLOUR_FILE, (len(colour_rows), size, size, 3))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if index.get("size") != size or sorted([*rows, *unreadable]) != list(digests):
        return None
    return ImageCache(size, rows, grey, colour_rows, colour, unreadable)


def _map(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    n_bytes = int(np.prod(shape))
    if path.stat().st_size != n_bytes:
        raise ValueError(f"{path} holds {path.stat().st_size} bytes, not {n_bytes}")
    if n_bytes == 0:  # an empty file cannot be mapped
        return np.empty(shape, np.uint8)
    return np.memmap(path, np.uint8, "r", shape=shape)


def _remove_abandoned(folder: Path) -> None:
    """Delete what killed processes left half-built."""
    for part in folder.glob(".*.part"):
        owner = part.name.split(".")[-2]
        if not (owner.isdigit() and psutil.pid_exists(int(owner))):
            shutil.rmtree(part, ignore_errors=True)

"""Films decoded once, as squares of grey levels on disk, keyed by their content.

A cache is a folder that appears whole or not at all: it is built under a temporary name
and renamed. Coloured films keep their colours in a second file. Beside the squares lie the
thumbnails and headers by which a dataset is looked through and audited.
"""

import hashlib
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from core import files
from core.data.records import Record
from core.errors import DatasetError, ImageReadError, Message, RefusalKind
from core.events import Progress
from core.files import part_folder, remove_stale
from core.images.film import FilmHeader, square
from core.images.fingerprint import LENGTH, fingerprint
from core.images.formats import FileAccessError
from core.images.reading import READER_VERSION, content_of, read_film
from core.images.traces import LENGTH as N_TRACES
from core.images.traces import traces
from core.runtime.threads import map_ahead, physical_core_count

SIDE = 128  # pixels

# Whole blocks are averaged first, down to no less than this many times the thumbnail: three
# times as fast.
_REDUCING_GAP = 2.0


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch a film to a grey square; each pixel is an average of those it stands for.

    Args:
        pixels: Shape (H, W), or (H, W, 3) in RGB, which becomes luma (ITU-R BT.601).

    Returns:
        Shape (128, 128).
    """
    image = Image.fromarray(pixels).convert("L")
    # Pillow's bilinear kernel widens with the reduction, so that nothing is skipped.
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
    return np.array(small, dtype=np.uint8)


GREY_FILE, COLOUR_FILE, THUMBNAIL_FILE = "grey.u8", "colour.u8", "thumbnails.u8"
PRINTS_FILE, TRACES_FILE = "fingerprints.f32", "traces.f32"
INDEX_FILE = "index.json"
INDEX_VERSION = 4  # raise it when a cache holds something else
KEY_FILE = "patients.key"  # in the folder of all caches
_KEY_BYTES = 32
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"


class _Index(BaseModel):
    """Contents of a cache's folder."""

    size: int
    rows: dict[str, dict[str, Any]]  # film digest -> header, in the order of the rows
    colour_rows: list[str]
    unreadable: dict[str, tuple[str, dict[str, Any], RefusalKind]]  # template, values, kind


class ChangedFilmError(DatasetError):
    """A film does not hold any more what it held when it was found."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageCache:
    """Every readable film of a dataset at one size, and why the others are missing."""

    folder: Path
    size: int  # pixels, both sides
    rows: dict[str, int]  # film digest -> row of `grey` and `thumbnails`, in this order
    grey: NDArray[np.uint8]  # (N, size, size), memory-mapped
    thumbnails: NDArray[np.uint8]  # (N, 128, 128), memory-mapped
    prints: NDArray[np.float32]  # (N, 35), see core.images.fingerprint
    traces: NDArray[np.float32]  # (N, 21), see core.images.traces
    headers: dict[str, FilmHeader]  # film digest -> what the file says of its picture
    colour_rows: dict[str, int]  # film digest -> row of `colour`, coloured films only
    colour: NDArray[np.uint8]  # (M, size, size, 3), memory-mapped
    unreadable: dict[str, tuple[Message, RefusalKind]]  # film digest -> reason

    def image(self, digest: str) -> NDArray[np.uint8]:
        """One film, (size, size) or (size, size, 3)."""
        if digest in self.colour_rows:
            return self.colour[self.colour_rows[digest]]
        return self.grey[self.rows[digest]]

    def prints_of(self, digests: Iterable[str]) -> NDArray[np.float32]:
        """Return the acquisition fingerprints of films, (n, 35)."""
        return self.prints[[self.rows[digest] for digest in digests]]

    def thumbnail(self, digest: str) -> NDArray[np.uint8]:
        """One film to be shown small, a square, in colour where it is coloured."""
        if digest in self.colour_rows:
            return self.colour[self.colour_rows[digest]]
        return self.thumbnails[self.rows[digest]]


def open_cache(
    records: Sequence[Record], size: int, folder: Path
) -> Iterator[Progress | ImageCache]:
    """Yield progress and at last the cache of `records`, building it where there is none.

    Args:
        records: Films; their contents are the key, so renamed films are not read again.
        size: Side of the square in pixels.
        folder: Where all caches live.

    Raises:
        DatasetError: The disk is full, the folder cannot be written, or a film's file or the
            memory for it was not to be had; that says nothing of the film and is not kept.
    """
    films = {record.digest: record for record in sorted(records, key=lambda film: film.digest)}
    lines = (str(INDEX_VERSION), str(READER_VERSION), str(size), *films)
    target = folder / hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
    cache = _read(target, size, films)
    if cache is None:
        remove_stale(folder)
        try:
            yield from _build(films, size, target)
        except OSError as error:
            raise DatasetError(
                Message(
                    "The decoded films cannot be saved in {folder} ({reason}). Free some disk "
                    "space and try again.",
                    folder=str(folder),
                    reason=error.strerror or str(error),
                )
            ) from error
        cache = _read(target, size, films)
        if cache is None:
            raise DatasetError(
                Message(
                    "The decoded films in {folder} were changed while they were written. "
                    "Try again.",
                    folder=str(target),
                )
            )
    yield cache


def _build(films: Mapping[str, Record], size: int, target: Path) -> Iterator[Progress]:
    """Write under a temporary name and rename at the end; closing leaves nothing behind."""
    part = part_folder(target.parent, target.name)
    try:
        yield from _write(films, size, part)
        _publish(part, target, size, films)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(films: Mapping[str, Record], size: int, folder: Path) -> Iterator[Progress]:
    """Decode on all cores and write in order."""
    headers: dict[str, FilmHeader] = {}
    colour_rows: list[str] = []
    unreadable: dict[str, tuple[Message, RefusalKind]] = {}
    key = _patient_key(folder.parent)
    n_threads = physical_core_count()
    readings = map_ahead(
        lambda film: _decode(film, size, key), films.values(), n_threads, 4 * n_threads
    )
    with (
        (folder / GREY_FILE).open("wb") as grey,
        (folder / THUMBNAIL_FILE).open("wb") as thumbnails,
        (folder / PRINTS_FILE).open("wb") as prints,
        (folder / TRACES_FILE).open("wb") as trace_file,
        (folder / COLOUR_FILE).open("wb") as colour,
        closing(readings),
    ):
        for done, (digest, reading) in enumerate(zip(films, readings, strict=True), start=1):
            if isinstance(reading, ImageReadError):
                unreadable[digest] = reading.message, reading.kind
            else:
                image = reading.image
                if image.ndim == 3:
                    colour_rows.append(digest)
                    colour.write(image.tobytes())
                    image = np.rint(image @ np.array(LUMA)).astype(np.uint8)
                headers[digest] = reading.header
                grey.write(image.tobytes())
                thumbnails.write(reading.thumbnail.tobytes())
                prints.write(reading.print.tobytes())
                trace_file.write(reading.traces.tobytes())
            yield Progress(Message("Reading films"), done, len(films))
        for file in (grey, thumbnails, prints, trace_file, colour):
            file.flush()
            os.fsync(file.fileno())
    index = _Index(
        size=size,
        rows={digest: header.to_json() for digest, header in headers.items()},
        colour_rows=colour_rows,
        unreadable={
            digest: (reason.template, reason.values, kind)
            for digest, (reason, kind) in unreadable.items()
        },
    )
    files.write_text(folder / INDEX_FILE, index.model_dump_json())


@dataclass(frozen=True, slots=True)
class _Reading:
    image: NDArray[np.uint8]  # (size, size) or (size, size, 3)
    thumbnail: NDArray[np.uint8]  # (128, 128)
    print: NDArray[np.float32]  # (35,)
    traces: NDArray[np.float32]  # (21,)
    header: FilmHeader


def _decode(film: Record, size: int, patient_key: bytes) -> _Reading | ImageReadError:
    try:
        content = content_of(film.path)
        if hashlib.sha256(content).hexdigest() != film.digest:
            raise ChangedFilmError(
                Message(
                    "{file} was changed while or since the dataset was opened. Open it again.",
                    file=film.name,
                )
            )
        reading = read_film(content, patient_key)
        pixels = reading.pixels
        return _Reading(
            square(pixels, size),
            thumbnail(pixels),
            fingerprint(pixels),
            traces(pixels),
            reading.header,
        )
    except FileAccessError as error:
        raise DatasetError(
            Message(
                "{reason} If the films are on another drive, reconnect it, and open the dataset "
                "again.",
                reason=_under_own_name(error.message, film),
            )
        ) from error
    except ImageReadError as error:
        return ImageReadError(_under_own_name(error.message, film), error.kind)


def _patient_key(folder: Path) -> bytes:
    """The secret that keeps anybody from trying all patient numbers against their hashes."""
    path = folder / KEY_FILE
    # A damaged key may be empty, and without a key no patient is known.
    if not path.exists() or path.stat().st_size != _KEY_BYTES:
        files.write_bytes(path, secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


def _under_own_name(reason: Message, film: Record) -> Message:
    """Say of the name in the archive what the reader says of a generated file name."""
    return Message(reason.template, **{**reason.values, "file": film.name})


def _publish(part: Path, target: Path, size: int, films: Mapping[str, Record]) -> None:
    """Give the finished folder its name, unless another process was faster."""
    for is_last in (False, True):
        try:
            os.replace(part, target)
        except OSError:
            if _read(target, size, films) is not None:
                return
            if is_last:
                raise
            shutil.rmtree(target, ignore_errors=True)  # it is damaged
        else:
            files.sync_folder(target.parent)
            return


def _read(target: Path, size: int, films: Mapping[str, Record]) -> ImageCache | None:
    """The cache in `target` if it is whole and holds just these films."""
    try:
        index = _Index.model_validate_json((target / INDEX_FILE).read_bytes(), strict=True)
        headers = {digest: FilmHeader.from_json(header) for digest, header in index.rows.items()}
        rows = {digest: row for row, digest in enumerate(headers)}
        colour_rows = {digest: row for row, digest in enumerate(index.colour_rows)}
        if index.size != size or sorted([*rows, *index.unreadable]) != list(films):
            return None
        unreadable = {
            digest: (_under_own_name(Message(template, **values), films[digest]), kind)
            for digest, (template, values, kind) in index.unreadable.items()
        }
        grey = _map(target / GREY_FILE, (len(rows), size, size))
        thumbnails = _map(target / THUMBNAIL_FILE, (len(rows), SIDE, SIDE))
        prints = _numbers(target / PRINTS_FILE, len(rows), LENGTH)
        traced = _numbers(target / TRACES_FILE, len(rows), N_TRACES)
        colour = _map(target / COLOUR_FILE, (len(colour_rows), size, size, 3))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return ImageCache(
        folder=target,
        size=size,
        rows=rows,
        grey=grey,
        thumbnails=thumbnails,
        prints=prints,
        traces=traced,
        headers=headers,
        colour_rows=colour_rows,
        colour=colour,
        unreadable=unreadable,
    )


def _numbers(path: Path, n: int, length: int) -> NDArray[np.float32]:
    """Read `length` numbers for each film, (n, length)."""
    numbers = np.fromfile(path, np.float32)
    if numbers.size != n * length or not np.isfinite(numbers).all():
        raise ValueError("other numbers")
    return numbers.reshape(n, length)


def _map(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    n_bytes = math.prod(shape)
    if path.stat().st_size != n_bytes:
        raise ValueError(f"{path} holds {path.stat().st_size} bytes, not {n_bytes}")
    if n_bytes == 0:  # an empty file cannot be mapped
        return np.empty(shape, np.uint8)
    return np.memmap(path, np.uint8, "r", shape=shape)

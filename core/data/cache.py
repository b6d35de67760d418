"""Films decoded once, as squares of grey levels on disk, keyed by their content.

A cache is a folder that appears whole or not at all: it is built under a temporary name
and renamed. Coloured films keep their colours in a second file. Beside the squares lie the
thumbnails and headers by which a dataset is looked through and audited. The index holds a
checksum of everything else and has one itself: what was damaged since is read from the films
again, and `ImageCache.repaired` says so.
"""

import hashlib
import logging
import os
import secrets
import shutil
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from core import files
from core.data.image_file import ImageFile, Images
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
from core.sealed_json import read_sealed, write_sealed

log = logging.getLogger(__name__)

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
INDEX_VERSION = 5  # raise it when a cache holds something else
KEY_FILE = "patients.key"  # in the folder of all caches
_KEY_BYTES = 32
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"


class _Index(BaseModel):
    """Contents of a cache's folder."""

    size: int
    rows: dict[str, dict[str, Any]]  # film digest -> header, in the order of the rows
    colour_rows: list[str]
    unreadable: dict[str, tuple[str, dict[str, Any], RefusalKind]]  # template, values, kind
    # CRC-32 of each image, in the order of the rows.
    grey: list[int]
    thumbnails: list[int]
    colour: list[int]
    # sha256 of the files
    prints: str
    traces: str


class ChangedFilmError(DatasetError):
    """A film does not hold any more what it held when it was found."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageCache:
    """Every readable film of a dataset at one size, and why the others are missing."""

    folder: Path
    size: int  # pixels, both sides
    rows: dict[str, int]  # film digest -> row of `grey` and `thumbnails`, in this order
    grey: Images  # (N, size, size)
    thumbnails: Images  # (N, 128, 128)
    prints: NDArray[np.float32]  # (N, 35), see core.images.fingerprint
    traces: NDArray[np.float32]  # (N, 21), see core.images.traces
    headers: dict[str, FilmHeader]  # film digest -> what the file says of its picture
    colour_rows: dict[str, int]  # film digest -> row of `colour`, coloured films only
    colour: Images  # (M, size, size, 3)
    unreadable: dict[str, tuple[Message, RefusalKind]]  # film digest -> reason
    # Digests of films whose stored copy was damaged and that were read again; grows.
    repaired: set[str] = field(default_factory=set)

    def image(self, digest: str) -> NDArray[np.uint8]:
        """Return one film, (size, size) or (size, size, 3).

        Raises:
            DatasetError: Its stored copy is damaged and its file cannot be read.
        """
        if digest in self.colour_rows:
            return self.colour[self.colour_rows[digest]]
        return self.grey[self.rows[digest]]

    def prints_of(self, digests: Iterable[str]) -> NDArray[np.float32]:
        """Return the acquisition fingerprints of films, (n, 35)."""
        return self.prints[[self.rows[digest] for digest in digests]]

    def thumbnail(self, digest: str) -> NDArray[np.uint8]:
        """Return one film to be shown small, a square, in colour where it is coloured.

        Black where it cannot be had: what paints must not be stopped by an error.
        """
        try:
            if digest in self.colour_rows:
                return self.colour[self.colour_rows[digest]]
            return self.thumbnails[self.rows[digest]]
        except DatasetError:
            log.warning("no thumbnail", exc_info=True)
            return np.zeros((SIDE, SIDE), np.uint8)

    @property
    def repair_note(self) -> Message | None:
        """The sentence for the user where copies were damaged."""
        if not self.repaired:
            return None
        return Message(
            "The stored copies of {n} films were damaged and have been read from the films again, "
            "so nothing is lost. Check the disk that holds {folder}.",
            n=len(self.repaired),
            folder=str(self.folder.parent),
        )


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
        stage = Message("Reading films")
        if target.exists():
            log.warning("%s is damaged and is built anew", target)
            stage = Message("The stored copies of the films are damaged: reading the films again")
        try:
            yield from _build(films, size, target, stage)
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


def _build(
    films: Mapping[str, Record], size: int, target: Path, stage: Message
) -> Iterator[Progress]:
    """Write under a temporary name and rename at the end; closing leaves nothing behind."""
    part = part_folder(target.parent, target.name)
    try:
        yield from _write(films, size, part, stage)
        _publish(part, target, size, films)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(
    films: Mapping[str, Record], size: int, folder: Path, stage: Message
) -> Iterator[Progress]:
    """Decode on all cores and write in order."""
    checksums: dict[_Kind, list[int]] = {"grey": [], "thumbnails": [], "colour": []}
    prints_digest, traces_digest = hashlib.sha256(), hashlib.sha256()
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
                targets = {"grey": grey, "thumbnails": thumbnails, "colour": colour}
                if reading.image.ndim == 3:
                    colour_rows.append(digest)
                headers[digest] = reading.header
                for kind, checksum in checksums.items():
                    pixels = reading.of_kind(kind)
                    if pixels is not None:
                        content = pixels.tobytes()
                        targets[kind].write(content)
                        checksum.append(zlib.crc32(content))
                for file, digest_of_file, numbers in (
                    (prints, prints_digest, reading.print),
                    (trace_file, traces_digest, reading.traces),
                ):
                    file.write(numbers.tobytes())
                    digest_of_file.update(numbers.tobytes())
            yield Progress(stage, done, len(films))
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
        prints=prints_digest.hexdigest(),
        traces=traces_digest.hexdigest(),
        **checksums,
    )
    write_sealed(folder / INDEX_FILE, index.model_dump(mode="json"))


_Kind = Literal["grey", "thumbnails", "colour"]


@dataclass(frozen=True, slots=True)
class _Reading:
    image: NDArray[np.uint8]  # (size, size) or (size, size, 3)
    thumbnail: NDArray[np.uint8]  # (128, 128)
    print: NDArray[np.float32]  # (35,)
    traces: NDArray[np.float32]  # (21,)
    header: FilmHeader

    def of_kind(self, kind: _Kind) -> NDArray[np.uint8] | None:
        """Return the image for one of the cache's files; None: there is none in it."""
        is_coloured = self.image.ndim == 3
        match kind:
            case "thumbnails":
                return self.thumbnail
            case "colour":
                return self.image if is_coloured else None
            case "grey" if is_coloured:
                return np.rint(self.image @ np.array(LUMA)).astype(np.uint8)
        return self.image


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
    """Return the cache in `target` if its index is whole and it holds just these films."""
    try:
        index = _Index.model_validate(read_sealed(target / INDEX_FILE))
        headers = {digest: FilmHeader.from_json(header) for digest, header in index.rows.items()}
        rows = {digest: row for row, digest in enumerate(headers)}
        colour_rows = {digest: row for row, digest in enumerate(index.colour_rows)}
        if index.size != size or sorted([*rows, *index.unreadable]) != list(films):
            return None
        if not len(index.grey) == len(index.thumbnails) == len(rows):
            return None
        unreadable = {
            digest: (_under_own_name(Message(template, **values), films[digest]), kind)
            for digest, (template, values, kind) in index.unreadable.items()
        }
        repairs = _Repairs(films, size)
        digests = list(rows)
        parts: tuple[tuple[_Kind, str, tuple[int, ...], list[int], list[str]], ...] = (
            ("grey", GREY_FILE, (size, size), index.grey, digests),
            ("thumbnails", THUMBNAIL_FILE, (SIDE, SIDE), index.thumbnails, digests),
            ("colour", COLOUR_FILE, (size, size, 3), index.colour, index.colour_rows),
        )
        grey, thumbnails, colour = (
            ImageFile(target / name, shape, checksums, repairs.of(kind, kept))
            for kind, name, shape, checksums, kept in parts
        )
        return ImageCache(
            folder=target,
            size=size,
            rows=rows,
            grey=grey,
            thumbnails=thumbnails,
            prints=_numbers(target / PRINTS_FILE, len(rows), LENGTH, index.prints),
            traces=_numbers(target / TRACES_FILE, len(rows), N_TRACES, index.traces),
            headers=headers,
            colour_rows=colour_rows,
            colour=colour,
            unreadable=unreadable,
            repaired=repairs.repaired,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _numbers(path: Path, n: int, length: int, digest: str) -> NDArray[np.float32]:
    """Read `length` numbers for each film, (n, length), if they are those that were written."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("other numbers")
    return np.frombuffer(content, np.float32).reshape(n, length)


class _Repairs:
    """Reads films again whose stored copies are damaged.

    Args:
        films: By digest.
        size: Side of the squares in pixels.
    """

    def __init__(self, films: Mapping[str, Record], size: int) -> None:
        self._films, self._size = films, size
        self._lock = threading.Lock()  # one at a time: decoding takes much memory
        self.repaired: set[str] = set()

    def of(self, kind: _Kind, digests: Sequence[str]) -> Callable[[int], NDArray[np.uint8]]:
        """Return the function that makes the image of a row of one of the cache's files."""

        def repair(row: int) -> NDArray[np.uint8]:
            return self._repair(kind, digests[row])

        return repair

    def _repair(self, kind: _Kind, digest: str) -> NDArray[np.uint8]:
        film = self._films[digest]
        with self._lock:
            if digest not in self.repaired:
                log.warning("the stored copy of %s is damaged and is made anew", film.name)
            # Without the key: it hashes patients, who are in the index and are not read again.
            reading = _decode(film, self._size, b"")
        image = None if isinstance(reading, ImageReadError) else reading.of_kind(kind)
        if image is None:  # the same bytes gave a picture before; now the memory is short
            raise DatasetError(
                Message(
                    "The stored copy of {file} is damaged, and the film cannot be read again. "
                    "Open the dataset again.",
                    file=film.name,
                )
            )
        self.repaired.add(digest)
        return image

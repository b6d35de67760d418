"""Contents of drops and of the clipboard: paths, pictures, and why the rest cannot be read."""

import base64
import binascii
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
from PySide6.QtCore import QByteArray, QMimeData, QSysInfo, Qt, QUrl
from PySide6.QtGui import (
    QDropEvent,
    QImage,
    QImageWriter,
)

from app.i18n import tr
from core.errors import Message, Refusal
from core.files import part_folder, remove_stale
from core.images.formats import HEAD_BYTES, MAX_FILE_BYTES, SUFFIXES, format_of
from core.prediction.film_search import RefusedFilm

Picture = QImage | bytes  # as it came; bytes are a whole file of a format that can be read
_URI_LIST: Final = "text/uri-list"
_COPIED_FILES: Final = "x-special/gnome-copied-files"  # "copy", then a URL a line
# As files, so that nothing is decoded here and 16 bits stay 16 bits.
_PICTURE_FILES: Final = (
    "application/dicom",
    "image/png",
    "image/tiff",
    "image/jpeg",
    "image/bmp",
)
_WEB: Final = frozenset({"http", "https", "ftp", "ftps", "blob", "about", "javascript", "data"})
_FOREWORDS: Final = frozenset({"x-special/nautilus-clipboard", "copy", "cut"})
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters: one is a Windows drive
_PATH: Final = re.compile(r"/|~/|~$|[A-Za-z]:[\\/]|\\\\|file:", re.IGNORECASE)
_QUOTES: Final = ('"', "'")
_NOTHING: Final = Message(
    "This holds neither a file nor a picture. Copy or drag a film's file, or the picture itself."
)
_FAST = 90  # of Qt's PNG writer, which takes less compression for more quality; nothing is lost


@dataclass(frozen=True, slots=True)
class Dropped:
    """Paths and pictures to open, and why the rest cannot be; the disk was not asked yet."""

    paths: tuple[Path, ...] = ()
    pictures: tuple[Picture, ...] = ()
    refusals: tuple[Message, ...] = ()


def contents_of(mime: QMimeData) -> Dropped:
    """Sort out a drop or the clipboard.

    Files go before pictures, because some systems add a file's icon; a picture goes before
    links, because browsers add the address from which it came.
    """
    links = _sort(_urls_of(mime))
    if links.paths:
        return replace(links, pictures=())
    pictures = [*_pictures_of(mime), *links.pictures]
    if pictures:
        return _without_giants(pictures)
    if not links.refusals and mime.hasText():
        links = _sort(_lines_of(mime.text()))
    return links if links != Dropped() else Dropped(refusals=(_NOTHING,))


def can_take(mime: QMimeData) -> bool:
    """True where a drag is answered with films, or with words where it holds links.

    Asked while the mouse moves: nothing is fetched from the other program but a text.
    """
    if mime.hasUrls() or mime.hasImage() or any(map(mime.hasFormat, _PICTURE_FILES)):
        return True
    return mime.hasText() and any(True for _ in _lines_of(mime.text()))


def welcome(event: QDropEvent) -> bool:
    """Accept a drag or drop that can be taken; whether it was.

    Always as a copy: of what is moved, the other program may delete its own.
    """
    if not can_take(event.mimeData()):
        return False
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    return True


def _urls_of(mime: QMimeData) -> list[str]:
    """The URLs as they were written: a QUrl loses bytes that are no UTF-8, and what follows a #."""
    if os.name == "posix":
        for kind in (_URI_LIST, _COPIED_FILES):
            text = os.fsdecode(bytes(mime.data(kind).data()))
            lines = [line.strip("\r\0 ") for line in text.split("\n")]
            if urls := [line for line in lines if _SCHEME.match(line)]:
                return urls
    encoded = QUrl.ComponentFormattingOption.FullyEncoded
    return [url.toString(encoded) for url in mime.urls() if url.isValid()]


def _lines_of(text: str) -> Iterator[str]:
    """The lines of a text that consists of paths and links; none of any other text."""
    lines = [line.strip() for line in text[: 64 * 2**20].splitlines()]
    lines = [line for line in lines if line and line not in _FOREWORDS]
    lines = [line[1:-1] if len(line) > 1 and line[0] == line[-1] in _QUOTES else line
             for line in lines]  # fmt: skip
    if all(_PATH.match(line) or "://" in line.partition(" ")[0] for line in lines):
        yield from lines


def _sort(lines: Iterable[str]) -> Dropped:
    paths: list[Path] = []
    pictures: list[Picture] = []
    refusals: dict[str, Message] = {}  # one for each kind of place
    for line in lines:
        scheme = match.group()[:-1].lower() if (match := _SCHEME.match(line)) else ""
        if not scheme:
            paths.append(Path(os.path.expanduser(line)))
        elif scheme == "file" and (path := _path_of(line)) is not None:
            paths.append(path)
        elif scheme == "data" and (picture := _inline_picture(line)):
            pictures.append(picture)
        else:
            kind = "web" if scheme in _WEB else "elsewhere"
            refusals.setdefault(kind, _refusal(kind, line))
    return Dropped(tuple(paths), tuple(pictures), tuple(refusals.values()))


def _path_of(url: str) -> Path | None:
    """The path of a file URL; None: of another computer's."""
    if os.name != "posix":
        return Path(QUrl(url).toLocalFile())
    rest = url[len("file:") :]
    if rest.startswith("//"):
        host, slash, name = rest[2:].partition("/")
        if host.lower() not in ("", "localhost", QSysInfo.machineHostName().lower()):
            return None
        rest = slash + name
    return Path(os.fsdecode(unquote_to_bytes(os.fsencode(rest))))


def _refusal(kind: str, link: str) -> Message:
    try:
        where = urlsplit(link).hostname or ""
    except ValueError:
        where = ""
    where = where or link.partition(":")[0]
    if kind == "web":
        return Message(
            "This is a link to {where}. Save the picture first, then drop its file: PneumoScope "
            "never fetches anything.",
            where=where,
        )
    return Message(
        "This lies on another computer or device ({where}). Copy it to this computer, then "
        "drop the copy.",
        where=where,
    )


def _inline_picture(url: str) -> bytes | None:
    """The file written out in a `data:` URL."""
    head, comma, body = url.partition(",")
    if not comma or len(body) > 2 * MAX_FILE_BYTES:
        return None
    try:
        content = unquote_to_bytes(body)
        if head.endswith(";base64"):
            content = base64.b64decode(content)
    except (binascii.Error, ValueError):
        return None
    return content if format_of(content[:HEAD_BYTES]) else None


def _pictures_of(mime: QMimeData) -> list[Picture]:
    for kind in _PICTURE_FILES:
        if mime.hasFormat(kind):
            content = bytes(mime.data(kind).data())
            if format_of(content[:HEAD_BYTES]):
                return [content]
    image = mime.imageData() if mime.hasImage() else None
    return [QImage(image)] if isinstance(image, QImage) and not image.isNull() else []


def _without_giants(pictures: list[Picture]) -> Dropped:
    small = [one for one in pictures if _n_bytes(one) <= MAX_FILE_BYTES]
    if len(small) == len(pictures):
        return Dropped(pictures=tuple(small))
    giant = Message(
        "The picture has {size} MiB, and {limit} MiB are allowed. Save it as a smaller file.",
        size=max(map(_n_bytes, pictures)) >> 20,
        limit=MAX_FILE_BYTES >> 20,
    )
    return Dropped(pictures=tuple(small), refusals=(giant,))


def _n_bytes(picture: Picture) -> int:
    return len(picture) if isinstance(picture, bytes) else picture.sizeInBytes()


class PastedPictures:
    """A folder of this process's own, removed in the end; what killed ones left goes as well.

    Args:
        store: The folder around it, in the workspace.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._folder: Path | None = None
        self._numbers = itertools.count(1)

    def save(self, pictures: Sequence[Picture]) -> Iterator[Path | RefusedFilm]:
        """Write each as a file called `Pasted picture 1.png` and so on, in full quality.

        Encoding takes up to seconds: call it where films are read.

        Yields:
            What can be read now, or why it cannot.
        """
        for picture in pictures:
            name = tr("Pasted picture {n}", n=next(self._numbers))
            try:
                yield self._write(picture, name)
            except OSError as error:
                reason = Message(
                    "The picture cannot be kept on the disk: {why}. Free some space, or save it "
                    "yourself and drop the file.",
                    why=error.strerror or str(error),
                )
                yield RefusedFilm(name=name, refusal=Refusal(name, reason))

    def remove(self) -> None:
        """Delete what was written; later pictures get a new folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _write(self, picture: Picture, name: str) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._store.mkdir(parents=True, exist_ok=True)
            remove_stale(self._store)
            self._folder = part_folder(self._store, "pictures")
        if isinstance(picture, bytes):
            kind = format_of(picture[:HEAD_BYTES]) or "PNG"
            path = self._folder / (name + SUFFIXES[kind])
            path.write_bytes(picture)
            return path
        path = self._folder / (name + ".png")
        writer = QImageWriter(os.fspath(path), QByteArray(b"PNG"))
        writer.setQuality(_FAST)
        if not writer.write(_opaque(picture)):
            path.unlink(missing_ok=True)
            raise OSError(0, writer.errorString())
        return path


def _opaque(image: QImage) -> QImage:
    """The picture itself; without its transparency where that would hide all of it.

    WORKAROUND: some programs put screenshots on the clipboard whose alpha is 0 everywhere.
    """
    if not image.hasAlphaChannel():
        return image
    alpha = image.convertToFormat(QImage.Format.Format_Alpha8)
    bits: Any = alpha.constBits()
    rows = np.frombuffer(bits, np.uint8).reshape(alpha.height(), alpha.bytesPerLine())
    if rows[:, : alpha.width()].any():
        return image
    plain = image.convertToFormat(QImage.Format.Format_ARGB32)  # keeps colours under alpha 0
    plain.reinterpretAsFormat(QImage.Format.Format_RGB32)
    return plain

"""Pictures without a file get one, so that they are read like any film."""

import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage, QImageWriter

from app.dropped import Picture
from app.translation import tr
from core.data.abandoned import part_folder, remove_abandoned
from core.data.images import HEAD_BYTES, SUFFIXES, format_of
from core.errors import Message, Refusal
from core.prediction.film_search import RefusedFilm

_FAST = 90  # of Qt's PNG writer, which takes less compression for more quality; nothing is lost


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
                yield RefusedFilm(Refusal(name, reason), name, self._store)

    def remove(self) -> None:
        """Delete what was written; later pictures get a new folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _write(self, picture: Picture, name: str) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._store.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self._store)
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

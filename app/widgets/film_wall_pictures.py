"""The wall's pictures: made when they are looked at, a bounded number kept."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap

from app.widgets.film_image import to_image

KEPT = 600  # at 128 px and four bytes a pixel: 39 MB
SLICE_S = 0.008  # half of a screen's 60 Hz frame
MAX_ASPECT = 6.0  # a longer strip would be too thin to be seen

PictureSource = Callable[[int], NDArray[np.uint8]]


class WallPictures(QObject):
    """Hands out the pixmaps it has, and makes those that are missing in slices of idle time."""

    made = Signal(list)  # rows

    def __init__(
        self,
        aspect: Callable[[int], float],
        wanted_rows: Callable[[], Iterable[int]],
        parent: QObject,
    ) -> None:
        """Make pictures of no film yet.

        Args:
            aspect: A row's width / height.
            wanted_rows: The rows worth a picture now, the most urgent first.
            parent: Qt's owner.
        """
        super().__init__(parent)
        self._aspect, self._wanted_rows = aspect, wanted_rows
        self._source: PictureSource | None = None
        self._side_px, self._scale = 128, 1.0
        self._kept: OrderedDict[int, QPixmap] = OrderedDict()  # the longest unused first
        self._stale: set[int] = set()  # still shown, but to be made anew
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_idle)

    def set_source(self, source: PictureSource, moves: dict[int, int]) -> None:
        """Take pictures from elsewhere; `moves` says which old rows stand in until then."""
        self._source = source
        self._kept = OrderedDict(
            (moves[row], pixmap) for row, pixmap in self._kept.items() if row in moves
        )
        self._stale = set(self._kept)

    def set_side(self, side_px: int, scale: float) -> None:
        """Make squares of `side_px`, `scale` times finer for screens with many pixels."""
        if (side_px, scale) != (self._side_px, self._scale):
            self._side_px, self._scale = side_px, scale
            self._kept.clear()
            self._stale.clear()

    def get(self, row: int) -> QPixmap | None:
        """The picture of a row, if it was made.

        Nothing is made here: this is called while painting, where an error of the source
        would end the program (PySide 6.11 crashes on an exception in a delegate's paint).
        """
        pixmap = self._kept.get(row)
        if pixmap is not None:
            self._kept.move_to_end(row)
        return pixmap

    def make(self, rows: Iterable[int], budget_s: float) -> list[int]:
        """Make what is missing of these for so long; the rows that were made."""
        deadline = perf_counter() + budget_s
        made = []
        for row in rows:
            if self._source is None or perf_counter() >= deadline:
                break
            if row in self._stale or row not in self._kept:
                self._make(row, self._source)
                made.append(row)
        return made

    def wake(self) -> None:
        """Look again at what is wanted."""
        self._timer.start()

    def stop(self) -> None:
        """Make nothing more until asked again."""
        self._timer.stop()

    def size_of(self, row: int) -> QSize:
        """How large the picture of a row is on the screen, in device-independent pixels."""
        aspect = min(max(self._aspect(row), 1 / MAX_ASPECT), MAX_ASPECT)
        return QSize(
            round(self._side_px * min(1.0, aspect)), round(self._side_px * min(1.0, 1 / aspect))
        )

    def _on_idle(self) -> None:
        wanted = list(self._wanted_rows())
        made = self.make(wanted, SLICE_S)
        # Below this number the pictures in sight would push each other out for ever.
        self._forget_beyond(max(KEPT, len(wanted)))
        if made:
            self.made.emit(made)
        else:
            self._timer.stop()

    def _make(self, row: int, source: PictureSource) -> None:
        try:
            picture = source(row)
        except Exception:
            self._source = None  # one failure is told, not one for every film
            raise
        size = self.size_of(row) * self._scale
        how = Qt.AspectRatioMode.IgnoreAspectRatio
        mode = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(to_image(picture).scaled(size, how, mode))
        pixmap.setDevicePixelRatio(self._scale)
        self._stale.discard(row)
        self._kept[row] = pixmap
        self._kept.move_to_end(row)

    def _forget_beyond(self, count: int) -> None:
        while len(self._kept) > count:
            row, _ = self._kept.popitem(last=False)
            self._stale.discard(row)

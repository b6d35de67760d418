"""A film on the screen: resampled once for a zoom, looked up in a table for a window.

What changes with every movement of the mouse is only the table of grey levels, and it is
applied to the pixels in sight alone: that a film has 16 bits and 9 million pixels costs nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QImage, QPainter

from app.widgets.viewer.orientation import Orientation
from app.widgets.viewer.placement import Placement
from app.widgets.viewer.resampling import Pyramid
from core.data.images import FullDepthFilm, Window

_SLOW_FROM = 3_000_000  # pixels; smaller films are resampled in a few ms
_MARGIN = 0.25  # of the part in sight, added on each side once the film is moved


@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """The levels of a part of the film at the size of the screen, laid down as wanted."""

    whole: QSize
    orientation: Orientation
    part: QRect
    levels: NDArray[Any]
    is_hurried: bool  # a little blurred


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What was drawn last."""

    source: _Resampled
    seen: QRect
    table: NDArray[Any]
    image: QImage


class FilmPicture:
    """Draws one film.

    Args:
        film: Of any depth, grey or coloured.
    """

    def __init__(self, film: FullDepthFilm) -> None:
        self._film = film
        self._pyramid = Pyramid(film.values)
        self._size = QSizeF(film.width, film.height)
        self._table = _table_of(film, film.default, is_inverted=False)
        self._resampled: _Resampled | None = None
        self._shown: _Shown | None = None

    def use(self, window: Window, is_inverted: bool) -> None:
        """Show the film so from now on."""
        self._table = _table_of(self._film, window, is_inverted)

    @property
    def is_slow(self) -> bool:
        """Whether so large a film is better drawn in a hurry while the user zooms."""
        return self._film.width * self._film.height > _SLOW_FROM

    def draw(
        self,
        painter: QPainter,
        placement: Placement,
        orientation: Orientation,
        *,
        is_hurried: bool = False,
    ) -> None:
        """Draw the part in sight; one unit of the painter is one pixel of the screen.

        Args:
            painter: Of the widget.
            placement: Where the film lies.
            orientation: How.
            is_hurried: Whether it may be a little blurred for the moment.
        """
        if not placement.seen.isEmpty():
            image = self._image(placement, orientation, is_hurried)
            place = placement.seen.topLeft() + QPoint(placement.left, placement.top)
            painter.drawImage(place, image)

    def glimpse(self, box: QRectF, size: QSize, orientation: Orientation) -> QImage:
        """A part of the film, `box` as it is laid down, at any size; black beside the film."""
        picture = QImage(size, QImage.Format.Format_RGB32)
        picture.fill(0xFF000000)
        shown = QRectF(0, 0, *orientation.shown_size(self._size).toTuple())
        inside = box & shown
        if inside.isEmpty():
            return picture
        across, down = size.width() / box.width(), size.height() / box.height()
        place = QPoint(
            round((inside.left() - box.left()) * across), round((inside.top() - box.top()) * down)
        )
        part = QSize(max(1, round(inside.width() * across)), max(1, round(inside.height() * down)))
        painter = QPainter(picture)
        painter.drawImage(place, self._as_image(self._laid_down(inside, part, orientation)))
        painter.end()
        return picture

    def _image(self, placement: Placement, orientation: Orientation, is_hurried: bool) -> QImage:
        source = self._covering(placement, orientation, is_hurried)
        last = self._shown
        if (
            last is not None
            and last.source is source
            and last.seen == placement.seen
            and last.table is self._table
        ):
            return last.image
        left, top = (placement.seen.topLeft() - source.part.topLeft()).toTuple()
        levels = source.levels[
            top : top + placement.seen.height(), left : left + placement.seen.width()
        ]
        image = self._as_image(levels)
        self._shown = _Shown(source, QRect(placement.seen), self._table, image)
        return image

    def _covering(
        self, placement: Placement, orientation: Orientation, is_hurried: bool
    ) -> _Resampled:
        """The resampled part that holds what is in sight, made anew only where it must be."""
        kept, whole, part = self._resampled, placement.whole, placement.seen
        if kept is not None and (kept.whole, kept.orientation) == (whole, orientation):
            if kept.part.contains(part) and is_hurried >= kept.is_hurried:
                return kept
            # It is moved. After a zoom, what is beside would be wasted on the next zoom.
            across, down = round(part.width() * _MARGIN), round(part.height() * _MARGIN)
            wider = part.adjusted(-across, -down, across, down)
            part = wider & QRect(0, 0, *whole.toTuple())
        box = placement.on_film(part, *orientation.shown_size(self._size).toTuple())
        levels = self._laid_down(box, part.size(), orientation, is_hurried)
        self._resampled = _Resampled(QSize(whole), orientation, QRect(part), levels, is_hurried)
        return self._resampled

    def _laid_down(
        self, box: QRectF, size: QSize, orientation: Orientation, is_hurried: bool = False
    ) -> NDArray[Any]:
        """The levels of a part, `box` as it is laid down, at a size."""
        stored = size.transposed() if orientation.is_on_its_side else size
        levels = self._pyramid.part(
            orientation.film_rect(box, self._size), stored, is_hurried=is_hurried
        )
        return np.ascontiguousarray(orientation.applied(levels))

    def _as_image(self, levels: NDArray[Any]) -> QImage:
        height, width = levels.shape[:2]
        if levels.ndim == 3:
            colours = self._table[levels]
            kind = QImage.Format.Format_RGB888
            return QImage(colours.data, width, height, 3 * width, kind).copy()
        pixels = self._table.take(levels)
        return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def _table_of(film: FullDepthFilm, window: Window, is_inverted: bool) -> NDArray[Any]:
    """What a level is drawn as: a byte for each of three colours, or a whole grey pixel."""
    table = film.table(window, is_inverted)
    return table if film.is_coloured else table.astype(np.uint32) * 0x010101 + 0xFF000000

"""A film on the screen: its place, its orientation, its pixels.

It is resampled once for a zoom and looked up in a table for a window. What changes with every
movement of the mouse is only that table, applied to the pixels in sight alone: that a film has
16 bits and 9 million pixels costs nothing.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QImage, QPainter

from app.i18n import tr
from core.images.film import FullDepthFilm, Window

STEP = 1.25  # of one notch of the wheel
NOTCH = 120  # eighths of a degree, Qt's unit
MAX_SCALE = 32.0
_MOST_HALVINGS = 6
_HURRIED = 1.5  # so far a smaller size may be enlarged again while the user zooms
_STILL_REDUCED = 0.5  # at least so much is left to the filter, or fine patterns would shimmer
_SLOW_FROM = 3_000_000  # pixels; smaller films are resampled in a few ms
_MARGIN = 0.25  # of the part in sight, added on each side once the film is moved
SHARP_FROM = 4.0  # times as large: the film's own pixels are shown as squares

P = TypeVar("P", bound=np.generic)


class FilmGeometry:
    """Scale and place of a film.

    Places are points of the room, in Qt's own pixels; a film's points are in its pixels, (0, 0)
    being its upper left corner. A film that fits stays in the middle; a larger one cannot be moved
    past its edges.
    """

    def __init__(self) -> None:
        self.film, self.room = QSizeF(), QSizeF()  # of the film as it is laid down, in its pixels
        self.ratio = 1.0  # pixels of the screen a pixel of Qt's
        self.scale = 1.0  # pixels of the screen a pixel of the film
        self.is_fitted = True  # the film follows the size of the room
        self._centre = QPointF()

    @property
    def has_film(self) -> bool:
        """True if there is anything to lay out."""
        return not self.film.isEmpty()

    @property
    def unit(self) -> float:
        """The number of Qt's pixels, across, that show one pixel of the film."""
        return self.scale / self.ratio

    @property
    def centre(self) -> QPointF:
        """The film's point in the middle of the room."""
        return QPointF(self._centre)

    @property
    def middle(self) -> QPointF:
        """The place in the middle of the room."""
        return QPointF(self.room.width() / 2, self.room.height() / 2)

    @property
    def fitting(self) -> float:
        """The scale at which the whole film is as large as the room allows."""
        if not self.has_film or self.room.isEmpty():
            return 1.0
        return self.ratio * min(
            self.room.width() / self.film.width(), self.room.height() / self.film.height()
        )

    @property
    def can_move(self) -> bool:
        """True if a part of the film is out of sight."""
        return self.has_film and (
            self.film.width() * self.scale > self.room.width() * self.ratio + 1
            or self.film.height() * self.scale > self.room.height() * self.ratio + 1
        )

    def take_film(self, width: float, height: float) -> None:
        """Lay out a film of this size, or none if it is empty; fitted."""
        self.film = QSizeF(width, height)
        self.fit()

    def take_room(self, room: QSizeF, ratio: float) -> None:
        """Follow the room, whose sides are in Qt's pixels; `ratio` of them to the screen's."""
        ratio = max(ratio, 0.1)
        if self.room == room and self.ratio == ratio:
            return
        self.room, self.ratio = QSizeF(room), ratio
        if self.is_fitted:
            self.fit()
        else:
            self.look_at(self._centre)

    def fit(self) -> None:
        """Show the whole film, as large as the room allows."""
        self.is_fitted = True
        self._centre = QPointF(self.film.width() / 2, self.film.height() / 2)
        self.scale = self.fitting

    def zoom_to(self, scale: float, place: QPointF) -> None:
        """Magnify so that what is at `place` stays there."""
        if not self.has_film:
            return
        fitting = self.fitting
        scale = min(max(scale, min(fitting, 1.0)), max(MAX_SCALE, fitting))
        under = self.film_point(place)
        self.is_fitted = scale == fitting
        self.scale = scale
        self.look_at(self._centre + under - self.film_point(place))

    def look_at(self, centre: QPointF) -> None:
        """Bring a point of the film to the middle of the room, as far as its edges allow."""
        half_seen = self.ratio / self.scale / 2
        self._centre = QPointF(
            _within(centre.x(), self.room.width() * half_seen, self.film.width()),
            _within(centre.y(), self.room.height() * half_seen, self.film.height()),
        )

    def move_by(self, way: QPointF) -> None:
        """Carry the film along, `way` in Qt's pixels."""
        self.look_at(self._centre - way / self.unit)

    def turn_film(self, film: QSizeF, middle: QPointF) -> None:
        """Take the film laid down anew; its point `middle` stays in the middle of the room."""
        self.film = QSizeF(film)
        if self.is_fitted:
            self.fit()
        else:
            self.look_at(middle)

    def follow(self, other: "FilmGeometry") -> None:
        """Show the same part, as much larger than fitted, as another geometry does."""
        if not (self.has_film and other.has_film):
            return
        if other.is_fitted:
            self.fit()
            return
        self.is_fitted = False
        self.scale = self.fitting * other.scale / other.fitting
        across, down = other.centre.x() / other.film.width(), other.centre.y() / other.film.height()
        self.look_at(QPointF(across * self.film.width(), down * self.film.height()))

    def film_point(self, place: QPointF) -> QPointF:
        """Return the film's point that is drawn at `place`."""
        return self._centre + (place - self.middle) / self.unit

    def place_of(self, point: QPointF) -> QPointF:
        """Return where a point of the film is drawn."""
        return self.middle + (point - self._centre) * self.unit


def _within(centre: float, half_seen: float, length: float) -> float:
    if 2 * half_seen >= length:
        return length / 2
    return min(max(centre, half_seen), length - half_seen)


def to_image(film: NDArray[np.uint8]) -> QImage:
    """Return a film (H, W) or (H, W, 3) as an image that owns its memory."""
    film = np.ascontiguousarray(film)
    height, width = film.shape[:2]
    if film.ndim == 2:
        kind = QImage.Format.Format_Grayscale8
        return QImage(film.data, width, height, width, kind).copy()
    return QImage(film.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to lay a film down."""

    turns: int = 0  # quarter turns to the right, after mirroring
    is_mirrored: bool = False  # left to right

    @property
    def is_on_its_side(self) -> bool:
        """True if width and height have changed places."""
        return self.turns % 2 == 1

    def turned(self, turns: int) -> "Orientation":
        """Return it after so many more quarter turns to the right."""
        return Orientation((self.turns + turns) % 4, self.is_mirrored)

    def flipped_across(self) -> "Orientation":
        """Return it after what is seen was mirrored left to right."""
        return Orientation(-self.turns % 4, not self.is_mirrored)

    def flipped_down(self) -> "Orientation":
        """Return it after what is seen was mirrored top to bottom."""
        return Orientation((2 - self.turns) % 4, not self.is_mirrored)

    def applied(self, picture: NDArray[P]) -> NDArray[P]:
        """Return a picture (H, W) or (H, W, 3) laid down so; a view."""
        picture = picture[:, ::-1] if self.is_mirrored else picture
        return np.rot90(picture, -self.turns)

    def shown_size(self, film: QSizeF) -> QSizeF:
        """Return the size of a film once it is laid down."""
        return film.transposed() if self.is_on_its_side else film

    def shown_point(self, point: QPointF, film: QSizeF) -> QPointF:
        """Return where a point of a film of this size comes to lie."""
        x, y, width, height = point.x(), point.y(), film.width(), film.height()
        if self.is_mirrored:
            x = width - x
        for _ in range(self.turns):
            x, y, width, height = height - y, x, height, width
        return QPointF(x, y)

    def film_point(self, point: QPointF, film: QSizeF) -> QPointF:
        """Return the point of a film of this size that has come to lie at `point`."""
        shown = self.shown_size(film)
        x, y, width, height = point.x(), point.y(), shown.width(), shown.height()
        for _ in range(self.turns):
            x, y, width, height = y, width - x, height, width
        return QPointF(width - x if self.is_mirrored else x, y)

    def film_rect(self, rect: QRectF, film: QSizeF) -> QRectF:
        """Return the part of a film of this size that has come to lie at `rect`."""
        corners = (rect.topLeft(), rect.bottomRight())
        first, last = (self.film_point(corner, film) for corner in corners)
        return QRectF(first, last).normalized()

    def words(self) -> str:
        """Say it, so that nobody takes left for right; "" for a film that lies as it should."""
        turn = {
            0: "",
            1: tr("turned 90° right"),
            2: tr("turned 180°"),
            3: tr("turned 90° left"),
        }[self.turns]
        if not self.is_mirrored:
            return turn
        match self.turns:
            case 0:
                return tr("flipped left to right")
            case 2:
                return tr("flipped top to bottom")
            case _:
                return tr("flipped, {turn}", turn=turn)


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of a film among the pixels of the screen, counted from the widget's corner."""

    whole: QSize  # what the whole film would cover
    left: int  # of the film's corner; less than 0 where it is out of sight
    top: int
    seen: QRect  # what is in sight, counted from the film's corner
    ratio: float  # pixels of the screen a pixel of Qt's

    @staticmethod
    def of(geometry: FilmGeometry) -> "Placement":
        """Round a film's place to pixels of the screen."""
        film, scale, ratio = geometry.film, geometry.scale, geometry.ratio
        whole = QSize(
            max(1, round(film.width() * scale)),
            max(1, round(film.height() * scale)),
        )
        corner = geometry.place_of(QPointF(0, 0)) * ratio
        left, top = round(corner.x()), round(corner.y())
        room = QRect(
            -left, -top, round(geometry.room.width() * ratio), round(geometry.room.height() * ratio)
        )
        return Placement(whole, left, top, QRect(0, 0, *whole.toTuple()) & room, ratio)

    def on_film(self, part: QRect, width: float, height: float) -> QRectF:
        """Return which part of a picture of this size, stretched over the film, `part` shows."""
        across, down = width / self.whole.width(), height / self.whole.height()
        return QRectF(
            part.left() * across,
            part.top() * down,
            part.width() * across,
            part.height() * down,
        )


class Pyramid:
    """A picture in halved sizes, made when they are needed.

    Args:
        values: Shape (H, W) of 8 or 16 bits, or (H, W, 3) of 8 bits.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._sizes = [np.ascontiguousarray(values)]
        self._images: dict[int, Image.Image] = {}

    def part(
        self, box: QRectF, size: QSize, *, is_smooth: bool = False, is_hurried: bool = False
    ) -> NDArray[Any]:
        """Resample a part.

        Args:
            box: Which, in pixels of the whole.
            size: How large it is to become.
            is_smooth: Whether no pixel may be seen as a square, however large it becomes.
            is_hurried: Whether it may be a little blurred for the sake of speed.

        Returns:
            Shape (height, width) or (height, width, 3), of the same type.
        """
        scale = max(size.width() / box.width(), size.height() / box.height())
        halvings, most = 0, _HURRIED if is_hurried else _STILL_REDUCED
        while scale * 2 ** (halvings + 1) <= most and self._can_halve(halvings):
            halvings += 1
        image = self._image(halvings)
        height, width = self._sizes[0].shape[:2]
        across, down = image.width / width, image.height / height
        edges = (
            max(0.0, box.left() * across),
            max(0.0, box.top() * down),
            min(float(image.width), box.right() * across),
            min(float(image.height), box.bottom() * down),
        )
        is_sharp = scale >= SHARP_FROM and not is_smooth
        how = Image.Resampling.NEAREST if is_sharp else Image.Resampling.BILINEAR
        return np.asarray(image.resize(size.toTuple(), how, box=edges))

    def _can_halve(self, halvings: int) -> bool:
        if halvings + 1 < len(self._sizes):
            return True
        if halvings >= _MOST_HALVINGS or min(self._sizes[halvings].shape[:2]) < 32:
            return False
        self._sizes.append(_halved(self._sizes[halvings]))
        return True

    def _image(self, halvings: int) -> Image.Image:
        if halvings not in self._images:
            self._images[halvings] = Image.fromarray(self._sizes[halvings])
        return self._images[halvings]


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    """Return averages of two by two pixels; an odd last row or column is lost among them."""
    height, width = (side // 2 * 2 for side in values.shape[:2])
    upper, lower = values[0:height:2], values[1:height:2]
    total = upper[:, 0:width:2].astype(np.uint32)
    total += upper[:, 1:width:2]
    total += lower[:, 0:width:2]
    total += lower[:, 1:width:2]
    return ((total + 2) >> 2).astype(values.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """The levels of a part of the film at the size of the screen, laid down as wanted."""

    whole: QSize
    orientation: Orientation
    part: QRect
    levels: NDArray[Any]
    hidden: NDArray[np.bool_] | None  # of the same height and width: black under every window
    is_hurried: bool  # a little blurred


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The image that was drawn last, and from which parts."""

    source: _Resampled
    seen: QRect
    table: NDArray[Any]
    image: QImage


class FilmPicture:
    """A film that draws itself.

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
        self._hidden: Pyramid | None = None
        self.use_shutter(True)

    def use_shutter(self, is_used: bool) -> None:
        """Cover what lies outside the file's display shutter, or show it."""
        hidden = self._film.hidden(with_shutter=is_used)
        self._hidden = None if hidden is None else Pyramid(hidden.astype(np.uint8) * 255)
        self._resampled = self._shown = None

    def use(self, window: Window, is_inverted: bool) -> None:
        """Show the film so from now on."""
        self._table = _table_of(self._film, window, is_inverted)

    @property
    def is_slow(self) -> bool:
        """True if so large a film is better drawn in a hurry while the user zooms."""
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
        """Return a part of the film, `box` as laid down, at any size; black beside the film."""
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
        levels = self._laid_down(self._pyramid, inside, part, orientation)
        hidden = self._hidden_at(inside, part, orientation)
        painter.drawImage(place, self._as_image(levels, hidden))
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
        rows = slice(top, top + placement.seen.height())
        columns = slice(left, left + placement.seen.width())
        hidden = None if source.hidden is None else source.hidden[rows, columns]
        image = self._as_image(source.levels[rows, columns], hidden)
        self._shown = _Shown(source, QRect(placement.seen), self._table, image)
        return image

    def _covering(
        self, placement: Placement, orientation: Orientation, is_hurried: bool
    ) -> _Resampled:
        """Return a resampled part that holds what is in sight, made anew where it must be."""
        kept, whole, part = self._resampled, placement.whole, placement.seen
        if kept is not None and (kept.whole, kept.orientation) == (whole, orientation):
            if kept.part.contains(part) and is_hurried >= kept.is_hurried:
                return kept
            # It is moved. After a zoom, what is beside would be wasted on the next zoom.
            across, down = round(part.width() * _MARGIN), round(part.height() * _MARGIN)
            wider = part.adjusted(-across, -down, across, down)
            part = wider & QRect(0, 0, *whole.toTuple())
        box = placement.on_film(part, *orientation.shown_size(self._size).toTuple())
        size = part.size()
        levels = self._laid_down(self._pyramid, box, size, orientation, is_hurried)
        hidden = self._hidden_at(box, size, orientation)
        self._resampled = _Resampled(
            QSize(whole), orientation, QRect(part), levels, hidden, is_hurried
        )
        return self._resampled

    def _laid_down(
        self,
        pyramid: Pyramid,
        box: QRectF,
        size: QSize,
        orientation: Orientation,
        is_hurried: bool = False,
    ) -> NDArray[Any]:
        """Return a part of a picture of the film's size, `box` as it is laid down, at a size."""
        stored = size.transposed() if orientation.is_on_its_side else size
        part = pyramid.part(orientation.film_rect(box, self._size), stored, is_hurried=is_hurried)
        return np.ascontiguousarray(orientation.applied(part))

    def _hidden_at(
        self, box: QRectF, size: QSize, orientation: Orientation
    ) -> NDArray[np.bool_] | None:
        """Return which pixels of a part are black under every window; None for none."""
        if self._hidden is None:
            return None
        hidden: NDArray[np.bool_] = self._laid_down(self._hidden, box, size, orientation) > 127
        return hidden

    def _as_image(self, levels: NDArray[Any], hidden: NDArray[np.bool_] | None) -> QImage:
        height, width = levels.shape[:2]
        if levels.ndim == 3:
            colours = self._table[levels]
            kind = QImage.Format.Format_RGB888
            return QImage(colours.data, width, height, 3 * width, kind).copy()
        pixels = self._table.take(levels)
        if hidden is not None:
            pixels[hidden] = 0xFF000000
        return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def _table_of(film: FullDepthFilm, window: Window, is_inverted: bool) -> NDArray[Any]:
    """Return each level's pixel: a byte for each of three colours, or a whole grey pixel."""
    table = film.table(window, is_inverted)
    return table if film.is_coloured else table.astype(np.uint32) * 0x010101 + 0xFF000000

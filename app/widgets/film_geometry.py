"""Where a film lies in the room that it is shown in: fitted until somebody zooms."""

from PySide6.QtCore import QPointF, QRectF, QSizeF

STEP = 1.25  # of one notch of the wheel
NOTCH = 120  # eighths of a degree, Qt's unit
MAX_SCALE = 32.0
BLOCKS_FROM = 4.0  # from here on the film's own pixels are shown as squares


class FilmGeometry:
    """Scale and place of a film.

    Places are points of the room, in Qt's own pixels; a film's points are in its pixels, (0, 0)
    being its upper left corner. A film that fits stays in the middle; a larger one cannot be moved
    past its edges.
    """

    def __init__(self) -> None:
        self._film, self._room = QSizeF(), QSizeF()
        self._ratio = 1.0  # pixels of the screen a pixel of Qt's
        self._scale = 1.0
        self._centre = QPointF()
        self._is_fitted = True

    @property
    def has_film(self) -> bool:
        """Whether there is anything to lay out."""
        return not self._film.isEmpty()

    @property
    def film(self) -> QSizeF:
        """The size of the film as it is shown, in its pixels."""
        return self._film

    @property
    def room(self) -> QSizeF:
        """The size of the room."""
        return self._room

    @property
    def ratio(self) -> float:
        """How many pixels of the screen, across, one of Qt's is."""
        return self._ratio

    @property
    def scale(self) -> float:
        """How many pixels of the screen, across, show one pixel of the film."""
        return self._scale

    @property
    def unit(self) -> float:
        """How many of Qt's pixels, across, show one pixel of the film."""
        return self._scale / self._ratio

    @property
    def centre(self) -> QPointF:
        """The film's point in the middle of the room."""
        return QPointF(self._centre)

    @property
    def is_fitted(self) -> bool:
        """Whether the film follows the size of the room."""
        return self._is_fitted

    @property
    def middle(self) -> QPointF:
        """The place in the middle of the room."""
        return QPointF(self._room.width() / 2, self._room.height() / 2)

    @property
    def fitting(self) -> float:
        """The scale at which the whole film is as large as the room allows."""
        if not self.has_film or self._room.isEmpty():
            return 1.0
        return self._ratio * min(
            self._room.width() / self._film.width(), self._room.height() / self._film.height()
        )

    @property
    def can_move(self) -> bool:
        """Whether a part of the film is out of sight."""
        return self.has_film and (
            self._film.width() * self._scale > self._room.width() * self._ratio + 1
            or self._film.height() * self._scale > self._room.height() * self._ratio + 1
        )

    def take_film(self, width: float, height: float) -> None:
        """Lay out a film of this size, or none if it is empty; fitted."""
        self._film = QSizeF(width, height)
        self.fit()

    def take_room(self, room: QSizeF, ratio: float) -> None:
        """Follow the room, whose sides are in Qt's pixels; `ratio` of them to the screen's."""
        ratio = max(ratio, 0.1)
        if self._room == room and self._ratio == ratio:
            return
        self._room, self._ratio = QSizeF(room), ratio
        if self._is_fitted:
            self.fit()
        else:
            self.look_at(self._centre)

    def fit(self) -> None:
        """Show the whole film, as large as the room allows."""
        self._is_fitted = True
        self._centre = QPointF(self._film.width() / 2, self._film.height() / 2)
        self._scale = self.fitting

    def zoom_to(self, scale: float, place: QPointF) -> None:
        """Magnify so that what is at `place` stays there."""
        if not self.has_film:
            return
        fitting = self.fitting
        scale = min(max(scale, min(fitting, 1.0)), max(MAX_SCALE, fitting))
        under = self.film_point(place)
        self._is_fitted = scale == fitting
        self._scale = scale
        self.look_at(self._centre + under - self.film_point(place))

    def look_at(self, centre: QPointF) -> None:
        """Bring a point of the film to the middle of the room, as far as its edges allow."""
        half_seen = self._ratio / self._scale / 2
        self._centre = QPointF(
            _within(centre.x(), self._room.width() * half_seen, self._film.width()),
            _within(centre.y(), self._room.height() * half_seen, self._film.height()),
        )

    def move_by(self, way: QPointF) -> None:
        """Carry the film along, `way` in Qt's pixels."""
        self.look_at(self._centre - way / self.unit)

    def turn_film(self, film: QSizeF, middle: QPointF) -> None:
        """Take the film laid down anew; its point `middle` stays in the middle of the room."""
        self._film = QSizeF(film)
        if self._is_fitted:
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
        self._is_fitted = False
        self._scale = self.fitting * other.scale / other.fitting
        across, down = other.centre.x() / other.film.width(), other.centre.y() / other.film.height()
        self.look_at(QPointF(across * self._film.width(), down * self._film.height()))

    def film_point(self, place: QPointF) -> QPointF:
        """The film's point that is drawn at `place`."""
        return self._centre + (place - self.middle) / self.unit

    def place_of(self, point: QPointF) -> QPointF:
        """Where a point of the film is drawn."""
        return self.middle + (point - self._centre) * self.unit

    @property
    def part_in_sight(self) -> QRectF:
        """What of the film is seen; it may reach past its edges."""
        return QRectF(self.film_point(QPointF(0, 0)), self._room / self.unit)


def _within(centre: float, half_seen: float, length: float) -> float:
    if 2 * half_seen >= length:
        return length / 2
    return min(max(centre, half_seen), length - half_seen)

"""The screen's own pixels that a film covers, so that nothing drawn on them is smeared."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize

from app.widgets.film_geometry import FilmGeometry


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a film lies among the pixels of the screen, counted from the widget's corner."""

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
        """Which part of a picture of this size, stretched over the film, a part of it shows."""
        across, down = width / self.whole.width(), height / self.whole.height()
        return QRectF(
            part.left() * across,
            part.top() * down,
            part.width() * across,
            part.height() * down,
        )

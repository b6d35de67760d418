"""Which way up the user wants a film: quarter turns and mirroring."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.translation import tr

P = TypeVar("P", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to lay a film down."""

    turns: int = 0  # quarter turns to the right, after mirroring
    is_mirrored: bool = False  # left to right

    @property
    def is_on_its_side(self) -> bool:
        """Whether width and height have changed places."""
        return self.turns % 2 == 1

    def turned(self, turns: int) -> "Orientation":
        """After so many more quarter turns to the right."""
        return Orientation((self.turns + turns) % 4, self.is_mirrored)

    def flipped_across(self) -> "Orientation":
        """After what is seen was mirrored left to right."""
        return Orientation(-self.turns % 4, not self.is_mirrored)

    def flipped_down(self) -> "Orientation":
        """After what is seen was mirrored top to bottom."""
        return Orientation((2 - self.turns) % 4, not self.is_mirrored)

    def applied(self, picture: NDArray[P]) -> NDArray[P]:
        """A picture (H, W) or (H, W, 3) laid down so; a view."""
        picture = picture[:, ::-1] if self.is_mirrored else picture
        return np.rot90(picture, -self.turns)

    def shown_size(self, film: QSizeF) -> QSizeF:
        """The size of a film once it is laid down."""
        return film.transposed() if self.is_on_its_side else film

    def shown_point(self, point: QPointF, film: QSizeF) -> QPointF:
        """Where a point of a film of this size comes to lie."""
        x, y, width, height = point.x(), point.y(), film.width(), film.height()
        if self.is_mirrored:
            x = width - x
        for _ in range(self.turns):
            x, y, width, height = height - y, x, height, width
        return QPointF(x, y)

    def film_point(self, point: QPointF, film: QSizeF) -> QPointF:
        """The point of a film of this size that has come to lie at `point`."""
        shown = self.shown_size(film)
        x, y, width, height = point.x(), point.y(), shown.width(), shown.height()
        for _ in range(self.turns):
            x, y, width, height = y, width - x, height, width
        return QPointF(width - x if self.is_mirrored else x, y)

    def film_rect(self, rect: QRectF, film: QSizeF) -> QRectF:
        """The part of a film of this size that has come to lie at `rect`."""
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

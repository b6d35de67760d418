"""A film under a magnifying glass: wheel and drag."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.film_geometry import BLOCKS_FROM, NOTCH, STEP, FilmGeometry
from app.widgets.film_image import to_image

WORDS = QColor("#c8d0d8")  # on black in either theme


class FilmCanvas(QWidget):
    """Draws a film on black, fitted until the user zooms; or a sentence in its place."""

    zoomed = Signal(float)  # pixels of the screen a pixel of the film

    def __init__(self) -> None:
        super().__init__()
        self._image, self._text = QImage(), ""
        self._shrunk: tuple[QSize, QImage] | None = None  # the last one, for drags
        self._geometry = FilmGeometry()
        self._grip: QPointF | None = None  # where a drag was last
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def scale(self) -> float:
        """How many pixels of the screen, across, show one pixel of the film."""
        return self._laid_out.scale

    def show_film(self, film: NDArray[np.uint8]) -> None:
        """Draw a film (H, W) or (H, W, 3), fitted."""
        self._take(to_image(film), "")

    def show_text(self, text: str) -> None:
        """Say something in place of the film."""
        self._take(QImage(), text)

    def _take(self, image: QImage, text: str) -> None:
        self._image, self._text, self._shrunk = image, text, None
        self.setAccessibleDescription(text)
        self._grip = None
        self._laid_out.take_film(image.width(), image.height())
        self._say_scale()

    def fit(self) -> None:
        """Show the whole film, as large as the room allows."""
        self._laid_out.fit()
        self._say_scale()

    def show_pixels(self) -> None:
        """Show one pixel of the film on one of the screen."""
        self.zoom_to(1.0, self._laid_out.middle)

    def zoom_by(self, factor: float) -> None:
        """Magnify around the middle."""
        self.zoom_to(self.scale * factor, self._laid_out.middle)

    def zoom_to(self, scale: float, place: QPointF) -> None:
        """Magnify so that what is at `place` stays there."""
        if self._laid_out.has_film:
            self._laid_out.zoom_to(scale, place)
            self._say_scale()

    @property
    def _laid_out(self) -> FilmGeometry:
        """The geometry in the room as it is now: a hidden widget is not told of its size."""
        self._geometry.take_room(self.size().toSizeF(), self.devicePixelRatioF())
        return self._geometry

    def _say_scale(self) -> None:
        self._show_hand()
        self.update()
        self.zoomed.emit(self.scale)

    def _show_hand(self) -> None:
        if not self._laid_out.can_move:
            self.unsetCursor()
            return
        held = Qt.CursorShape.ClosedHandCursor if self._grip else Qt.CursorShape.OpenHandCursor
        self.setCursor(held)

    # Qt's own.

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 240)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))  # what surrounds a film is dark
        if self._image.isNull():
            painter.setPen(WORDS)
            room = self.rect().adjusted(32, 32, -32, -32)
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(how), self._text)
            return
        unit, scale = self._laid_out.unit, self._laid_out.scale
        corner = self._laid_out.place_of(QPointF(0, 0))
        place = QRectF(corner, self._image.size().toSizeF() * unit)
        if scale < 1:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._shrunken())
            return
        is_smooth = 1 < scale < BLOCKS_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
        # Only the part in sight: the whole of a large film at 32x would be slow.
        part = self._laid_out.part_in_sight
        part = QRectF(part.toAlignedRect().adjusted(-1, -1, 1, 1).intersected(self._image.rect()))
        painter.drawImage(
            QRectF(corner + part.topLeft() * unit, part.size() * unit), self._image, part
        )

    def _shrunken(self) -> QImage:
        """The film at its size on the screen, every pixel counted; painting alone skips some."""
        size = (self._image.size().toSizeF() * self.scale).toSize().expandedTo(QSize(1, 1))
        if self._shrunk is None or self._shrunk[0] != size:
            mode = Qt.TransformationMode.SmoothTransformation
            how = Qt.AspectRatioMode.IgnoreAspectRatio
            self._shrunk = (size, self._image.scaled(size, how, mode))
        return self._shrunk[1]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._say_scale()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / NOTCH
        self.zoom_to(self.scale * STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._laid_out.can_move:
            self._grip = event.position()
            self._show_hand()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self._laid_out.move_by(event.position() - self._grip)
            self._grip = event.position()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self._show_hand()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

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

from app.widgets.image_view import to_image

STEP = 1.25  # of one notch of the wheel
NOTCH = 120  # eighths of a degree, Qt's unit
MAX_SCALE = 32.0
BLOCKS_FROM = 4.0  # from here on the film's own pixels are shown as squares
WORDS = QColor("#c8d0d8")  # on black in either theme


class FilmCanvas(QWidget):
    """Draws a film on black, fitted until the user zooms; or a sentence in its place."""

    zoomed = Signal(float)  # pixels of the screen a pixel of the film

    def __init__(self) -> None:
        super().__init__()
        self._image, self._text = QImage(), ""
        self._shrunk: tuple[QSize, QImage] | None = None  # the last one, for drags
        self._scale = 1.0  # pixels of the screen a pixel of the film
        self._centre = QPointF()  # the film's point in the middle of the widget
        self._is_fitted = True
        self._grip: QPointF | None = None  # where a drag was last
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def scale(self) -> float:
        """How many pixels of the screen, across, show one pixel of the film."""
        return self._scale

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
        self.fit()

    def fit(self) -> None:
        """Show the whole film, as large as the room allows."""
        self._is_fitted = True
        self._centre = QRectF(self._image.rect()).center()
        self._set_scale(self._fitting())

    def show_pixels(self) -> None:
        """Show one pixel of the film on one of the screen."""
        self.zoom_to(1.0, QRectF(self.rect()).center())

    def zoom_by(self, factor: float) -> None:
        """Magnify around the middle."""
        self.zoom_to(self._scale * factor, QRectF(self.rect()).center())

    def zoom_to(self, scale: float, place: QPointF) -> None:
        """Magnify so that what is at `place` stays there."""
        if self._image.isNull():
            return
        fitting = self._fitting()
        scale = min(max(scale, min(fitting, 1.0)), max(MAX_SCALE, fitting))
        self._is_fitted = scale == fitting
        under = self._film_point(place)
        self._set_scale(scale)
        self._move_centre(self._centre + under - self._film_point(place))

    def _set_scale(self, scale: float) -> None:
        self._scale = scale
        self._show_hand()
        self.update()
        self.zoomed.emit(scale)

    def _fitting(self) -> float:
        if self._image.isNull():
            return 1.0
        ratio = self.devicePixelRatioF()
        return min(
            self.width() * ratio / self._image.width(), self.height() * ratio / self._image.height()
        )

    def _film_point(self, place: QPointF) -> QPointF:
        """The film's point that is drawn at `place`."""
        away = place - QRectF(self.rect()).center()
        return self._centre + away * (self.devicePixelRatioF() / self._scale)

    def _move_centre(self, centre: QPointF) -> None:
        """Look elsewhere, but not past the film's edges; a film that fits stays in the middle."""
        half_seen = self.devicePixelRatioF() / self._scale / 2
        self._centre = QPointF(
            _within(centre.x(), self.width() * half_seen, self._image.width()),
            _within(centre.y(), self.height() * half_seen, self._image.height()),
        )
        self.update()

    def _can_move(self) -> bool:
        ratio = self.devicePixelRatioF()
        return not self._image.isNull() and (
            self._image.width() * self._scale > self.width() * ratio + 1
            or self._image.height() * self._scale > self.height() * ratio + 1
        )

    def _show_hand(self) -> None:
        if not self._can_move():
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
        unit = self._scale / self.devicePixelRatioF()
        corner = QRectF(self.rect()).center() - self._centre * unit
        place = QRectF(corner, self._image.size().toSizeF() * unit)
        if self._scale < 1:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._shrunken())
            return
        is_smooth = 1 < self._scale < BLOCKS_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
        # Only the part in sight: the whole of a large film at 32x would be slow.
        part = QRectF(self._film_point(QPointF(0, 0)), self.size().toSizeF() / unit)
        part = QRectF(part.toAlignedRect().adjusted(-1, -1, 1, 1).intersected(self._image.rect()))
        painter.drawImage(
            QRectF(corner + part.topLeft() * unit, part.size() * unit), self._image, part
        )

    def _shrunken(self) -> QImage:
        """The film at its size on the screen, every pixel counted; painting alone skips some."""
        size = (self._image.size().toSizeF() * self._scale).toSize().expandedTo(QSize(1, 1))
        if self._shrunk is None or self._shrunk[0] != size:
            mode = Qt.TransformationMode.SmoothTransformation
            how = Qt.AspectRatioMode.IgnoreAspectRatio
            self._shrunk = (size, self._image.scaled(size, how, mode))
        return self._shrunk[1]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()
        else:
            self._move_centre(self._centre)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / NOTCH
        self.zoom_to(self._scale * STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._can_move():
            self._grip = event.position()
            self._show_hand()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            way = (event.position() - self._grip) * (self.devicePixelRatioF() / self._scale)
            self._grip = event.position()
            self._move_centre(self._centre - way)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self._show_hand()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()


def _within(centre: float, half_seen: float, length: int) -> float:
    if 2 * half_seen >= length:
        return length / 2
    return min(max(centre, half_seen), length - half_seen)

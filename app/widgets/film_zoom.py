"""A film to zoom and move, and a window of its own for it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QImage,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShortcut,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.labels import ElidedLabel, plain_label
from app.widgets.page import TranslatedWidget
from app.widgets.thumbnails import shrink
from app.widgets.viewer.picture import NOTCH, SHARP_FROM, STEP, FilmGeometry, to_image

WORDS = QColor("#c8d0d8")  # on black in either theme
Key = Qt.Key


class FilmCanvas(QWidget):
    """A film on black, fitted until the user zooms, or a sentence in its place."""

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
        """The number of screen pixels, across, that show one pixel of the film."""
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
        is_smooth = 1 < scale < SHARP_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
        # Only the part in sight: the whole of a large film at 32x would be slow.
        part = self._laid_out.part_in_sight
        part = QRectF(part.toAlignedRect().adjusted(-1, -1, 1, 1).intersected(self._image.rect()))
        painter.drawImage(
            QRectF(corner + part.topLeft() * unit, part.size() * unit), self._image, part
        )

    def _shrunken(self) -> QImage:
        """Return the film at its size on the screen."""
        size = (self._image.size().toSizeF() * self.scale).toSize().expandedTo(QSize(1, 1))
        if self._shrunk is None or self._shrunk[0] != size:
            self._shrunk = (size, shrink(self._image, size))
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


class FilmZoom(TranslatedWidget):
    """A window with one film; the wheel magnifies, a drag moves, arrow keys go on to others.

    It never opens by itself, since a film may be read only after the user has closed it:
    call `open_up`.
    """

    previous_wanted = Signal()
    next_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._canvas = FilmCanvas()
        middle = Qt.TextElideMode.ElideMiddle
        self._title, self._facts = (ElidedLabel(name, middle) for name in ("sectionTitle", "muted"))
        self._zoom = plain_label("muted")
        self._previous, self._next, self._fit, self._pixels = (QPushButton() for _ in range(4))
        self._lay_out()
        self._connect()
        self.resize(900, 760)
        self.retranslate()

    def show_film(self, image: NDArray[np.uint8], title: str, facts: str) -> None:
        """Show a film, fitted.

        Args:
            image: Shape (H, W) or (H, W, 3).
            title: Its name.
            facts: One line on what it is: class, size, format.
        """
        self._say(title, facts)
        self._canvas.show_film(image)
        self._allow_zoom(True)

    def show_message(self, text: str, title: str = "") -> None:
        """Say something in place of a film, while it is read or where it cannot be."""
        self._say(title, "")
        self._canvas.show_text(text)
        self._allow_zoom(False)

    def open_up(self) -> None:
        """Come to the front."""
        if self.isVisible() and not self.isActiveWindow():
            self.raise_()
        self.show()
        self.activateWindow()
        self._canvas.setFocus()

    def retranslate(self) -> None:
        for button, text, tip in (
            (self._previous, tr("Previous"), tr("Previous film (left arrow key)")),
            (self._next, tr("Next"), tr("Next film (right arrow key)")),
            (self._fit, tr("Fit"), tr("Show the whole film (F, or double click)")),
            (self._pixels, "1:1", tr("One pixel of the film on one of the screen (1)")),
        ):
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
        self._canvas.setAccessibleName(tr("Film"))

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._facts)
        row = QHBoxLayout()
        row.setContentsMargins(14, 8, 14, 10)
        row.setSpacing(8)
        row.addLayout(words, 1)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("0000 %"))
        for widget in (self._zoom, self._fit, self._pixels, self._previous, self._next):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._canvas, 1)
        layout.addLayout(row)

    def _connect(self) -> None:
        self._canvas.zoomed.connect(self._on_zoomed)
        self._previous.clicked.connect(self.previous_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._fit.clicked.connect(self._canvas.fit)
        self._pixels.clicked.connect(self._canvas.show_pixels)
        # Shortcuts and not key events: a button that has the focus would take the arrow keys.
        for key, slot in (
            (Key.Key_Left, self.previous_wanted.emit),
            (Key.Key_Right, self.next_wanted.emit),
            (Key.Key_F, self._canvas.fit),
            (Key.Key_1, self._canvas.show_pixels),
            (Key.Key_Plus, lambda: self._canvas.zoom_by(STEP)),
            (Key.Key_Equal, lambda: self._canvas.zoom_by(STEP)),
            (Key.Key_Minus, lambda: self._canvas.zoom_by(1 / STEP)),
            (Key.Key_Escape, self.close),
        ):
            QShortcut(QKeySequence(key), self).activated.connect(slot)

    def _say(self, title: str, facts: str) -> None:
        # Qt would put its mark for "changed" in the place of this.
        self.setWindowTitle(title.replace("[*]", "[*][*]"))
        self._title.show_text(title)
        self._facts.show_text(facts)

    def _allow_zoom(self, is_film: bool) -> None:
        for widget in (self._fit, self._pixels, self._zoom):
            widget.setEnabled(is_film)
        if not is_film:
            self._zoom.clear()

    def _on_zoomed(self, scale: float) -> None:
        self._zoom.setText(f"{scale:.0%}")

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()

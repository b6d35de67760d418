"""One film as a radiologist's workstation shows it."""

import logging

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy

from app.widgets.film_geometry import NOTCH, STEP
from app.widgets.viewer.pane_painting import paint_pane
from app.widgets.viewer.tool import Tool
from app.widgets.viewer.viewed_film import ViewedFilm

_log = logging.getLogger(__name__)


class FilmPane(ViewedFilm):
    """Draws a film and takes the mouse.

    Window and level change under the right mouse button, the middle one moves the film, the wheel
    magnifies around the pointer; the left button does what the tool says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        # The right button has its own use, and no page behind may open a menu over it.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)

    # Qt's own.

    def retranslate(self) -> None:
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 160)

    def sizeHint(self) -> QSize:
        return QSize(640, 640)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            paint_pane(painter, self)
        except Exception:  # noqa: BLE001 - what leaves a paintEvent ends the process
            _log.exception("a film could not be drawn")
        finally:
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.refresh()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_to(self.geometry_now.scale * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / NOTCH
        if notches and self._state is not None:
            self.zoom_to(self.geometry_now.scale * STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        self._gestures.press(event.button(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        self._gestures.move(event.position())
        self.pointed.emit()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._gestures.release()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and self._gestures.tool is Tool.HAND and self._state is not None:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.pointed.emit()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.pressed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._gestures.hold_space(False)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._gestures.let_go()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self._gestures.hold_space(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._gestures.hold_space(False)

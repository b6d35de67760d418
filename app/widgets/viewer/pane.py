"""One film as a radiologist's workstation shows it."""

import logging
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
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
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.widgets.viewer.painting import paint_pane
from app.widgets.viewer.picture import NOTCH, STEP
from app.widgets.viewer.viewed_film import Tool, ViewedFilm

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


LAYOUTS = (1, 2, 3, 4)  # films side by side; four stand two by two
_N_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2}


class PaneGrid(QWidget):
    """Holds the panes; those out of sight keep their films."""

    chosen_changed = Signal(int)
    altered = Signal()  # in the chosen pane, or which one that is

    def __init__(self) -> None:
        super().__init__()
        self._panes = [FilmPane() for _ in range(max(LAYOUTS))]
        self._n_panes, self._place = 1, 0
        self._is_linked = True
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self.setFocusProxy(self._panes[0])
        for place, pane in enumerate(self._panes):
            pane.pressed.connect(partial(self.choose, place))
            pane.view_changed.connect(partial(self._on_view_changed, pane))
            pane.window_changed.connect(partial(self._on_window_changed, pane))
            pane.pointed.connect(partial(self._on_pointed, pane))
            pane.altered.connect(partial(self._on_altered, pane))
        self._arrange()

    @property
    def all_panes(self) -> tuple[FilmPane, ...]:
        """Those out of sight too."""
        return tuple(self._panes)

    @property
    def panes(self) -> tuple[FilmPane, ...]:
        """Those in sight."""
        return tuple(self._panes[: self._n_panes])

    @property
    def n_panes(self) -> int:
        """How many are in sight."""
        return self._n_panes

    @property
    def place(self) -> int:
        """Which one is chosen, from 0."""
        return self._place

    @property
    def chosen(self) -> FilmPane:
        """The one that takes the keys."""
        return self._panes[self._place]

    @property
    def is_linked(self) -> bool:
        """Whether the others follow the one that the user moves or windows."""
        return self._is_linked

    def show_panes(self, n_panes: int) -> None:
        """Show so many, one of `LAYOUTS`."""
        self._n_panes = n_panes
        self._arrange()
        if self._place >= n_panes:
            self.choose(0)
        self._mark()

    def choose(self, place: int) -> None:
        """Let the keys go to a pane."""
        if place == self._place or not 0 <= place < self._n_panes:
            return
        self._place = place
        self.setFocusProxy(self.chosen)
        self._mark()
        self.chosen_changed.emit(place)
        self.altered.emit()

    def set_linked(self, is_linked: bool) -> None:
        """Let the others follow, from now on and to where the chosen one is."""
        self._is_linked = is_linked
        for pane in self._panes:
            pane.forget_echo()
        self._on_view_changed(self.chosen)
        self._on_window_changed(self.chosen)

    def _arrange(self) -> None:
        n_columns = _N_COLUMNS[self._n_panes]
        for place, pane in enumerate(self._panes):
            self._grid.removeWidget(pane)
            pane.setParent(self)
            if place < self._n_panes:
                self._grid.addWidget(pane, place // n_columns, place % n_columns)
            pane.setVisible(place < self._n_panes)
        for index in range(len(self._panes)):
            self._grid.setColumnStretch(index, int(index < n_columns))
            self._grid.setRowStretch(index, int(index * n_columns < self._n_panes))

    def _mark(self) -> None:
        for place, pane in enumerate(self._panes):
            pane.set_marked(self._n_panes > 1 and place == self._place)

    def _on_view_changed(self, pane: FilmPane) -> None:
        for other in self.panes:
            if self._is_linked and other is not pane:
                other.follow_view(pane)

    def _on_window_changed(self, pane: FilmPane) -> None:
        for other in self.panes:
            if self._is_linked and other is not pane:
                other.follow_window(pane)

    def _on_pointed(self, pane: FilmPane) -> None:
        for other in self.panes:
            if self._is_linked and other is not pane:
                other.follow_pointer(pane)

    def _on_altered(self, pane: FilmPane) -> None:
        if pane is self.chosen:
            self.altered.emit()

    # Qt's own.

    def paintEvent(self, event: QPaintEvent) -> None:
        # What shows between films is dark in either theme.
        QPainter(self).fillRect(self.rect(), Qt.GlobalColor.black)

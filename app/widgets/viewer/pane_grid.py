"""One to four panes side by side, of which one is chosen and the others may follow it."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.widgets.viewer.film_pane import FilmPane

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

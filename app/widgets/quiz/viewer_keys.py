"""The viewer's keys for a quiz's film: those of them that do not stand for an answer."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.widgets.film_geometry import STEP
from app.widgets.viewer.commands import KEYS, Command
from app.widgets.viewer.film_pane import FilmPane


def add_viewer_keys(owner: QWidget, pane: FilmPane) -> None:
    """Let keys that are pressed anywhere in `owner` change how the film is seen."""
    does: dict[Command, Callable[[], object]] = {
        Command.INVERT: pane.invert,
        Command.FIT: pane.fit,
        Command.LARGER: lambda: pane.zoom_by(STEP),
        Command.SMALLER: lambda: pane.zoom_by(1 / STEP),
        Command.RESET: pane.reset,
        Command.MAGNIFIER: lambda: pane.set_magnifier(not pane.has_magnifier),
    }
    for command, slot in does.items():
        for key in KEYS[command]:
            shortcut = QShortcut(QKeySequence(key), owner)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)

"""How the film of a quiz is seen: the viewer's keys that stand for no answer, the heat map."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.widgets.film_geometry import STEP
from app.widgets.viewer.commands import KEYS, Command
from app.widgets.viewer.film_pane import FilmPane


def add_viewer_keys(owner: QWidget, pane: FilmPane, toggle_heat: Callable[[], object]) -> None:
    """Let keys that are pressed anywhere in `owner` change how the film is seen."""
    does: dict[Command, Callable[[], object]] = {
        Command.INVERT: pane.invert,
        Command.FIT: pane.fit,
        Command.LARGER: lambda: pane.zoom_by(STEP),
        Command.SMALLER: lambda: pane.zoom_by(1 / STEP),
        Command.RESET: pane.reset,
        Command.HEAT: toggle_heat,
        Command.MAGNIFIER: lambda: pane.set_magnifier(not pane.has_magnifier),
    }
    for command, slot in does.items():
        for key in KEYS[command]:
            shortcut = QShortcut(QKeySequence(key), owner)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(slot)


def lay_heat(pane: FilmPane, heat: NDArray[np.float32] | None, *, is_shown: bool) -> None:
    """Lay a heat map (h, w) in [0, 1] over the film, or take it away."""
    pane.overlays.is_heat_shown = is_shown
    pane.overlays.set_heat(heat)
    pane.refresh()

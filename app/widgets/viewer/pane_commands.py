"""What the commands that concern one film do to it."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPointF

from app.widgets.film_geometry import STEP
from app.widgets.viewer.commands import Command
from app.widgets.viewer.film_pane import FilmPane

_DRAG_PX: Final = 24.0  # what an arrow key changes the window by
_MOVE_PX: Final = 60.0
_ARROWS: Final = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}

PANE_COMMANDS: Final[dict[Command, Callable[[FilmPane], object]]] = {
    Command.INVERT: FilmPane.invert,
    Command.TURN_RIGHT: lambda pane: pane.turn(1),
    Command.TURN_LEFT: lambda pane: pane.turn(-1),
    Command.FLIP_ACROSS: lambda pane: pane.flip(is_across=True),
    Command.FLIP_DOWN: lambda pane: pane.flip(is_across=False),
    Command.FIT: FilmPane.fit,
    Command.PIXELS: FilmPane.show_pixels,
    Command.LARGER: lambda pane: pane.zoom_by(STEP),
    Command.SMALLER: lambda pane: pane.zoom_by(1 / STEP),
    Command.RESET: FilmPane.reset,
    Command.REMOVE_RULER: lambda pane: pane.gestures.remove_ruler(),
}


def arrow_keys() -> dict[str, Callable[[FilmPane], object]]:
    """Window and level by Shift and an arrow, moving the film by Ctrl and an arrow."""
    keys: dict[str, Callable[[FilmPane], object]] = {}
    for name, (across, down) in _ARROWS.items():
        keys[f"Shift+{name}"] = _dragging(across * _DRAG_PX, down * _DRAG_PX)
        # To the right means to see more of the right: the film goes left.
        keys[f"Ctrl+{name}"] = _moving(QPointF(-across * _MOVE_PX, -down * _MOVE_PX))
    return keys


def preset_keys() -> dict[str, Callable[[FilmPane], object]]:
    """Ready-made windows by number; 1 shows single pixels and 0 resets."""
    return {str(place + 2): _choosing(place) for place in range(8)}


def choose_preset(pane: FilmPane, place: int) -> None:
    """Use one of the film's ready-made windows, if there is such a one."""
    if pane.state is not None and place < len(pane.state.presets):
        pane.set_window(pane.state.presets[place].window)


def _dragging(across: float, down: float) -> Callable[[FilmPane], object]:
    return lambda pane: pane.drag_window(across, down)


def _moving(way: QPointF) -> Callable[[FilmPane], object]:
    return lambda pane: pane.move_by(way)


def _choosing(place: int) -> Callable[[FilmPane], object]:
    return lambda pane: choose_preset(pane, place)

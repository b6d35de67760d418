"""What the mouse does to a film."""

from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

from app.widgets.viewer.rulers import REACH_PX, Grip, Ruler, grip_at
from app.widgets.viewer.tool import Tool

if TYPE_CHECKING:
    from app.widgets.viewer.viewed_film import ViewedFilm

Button = Qt.MouseButton
Shape = Qt.CursorShape
_SHORTEST_PX = 4.0  # a ruler; a shorter one was a click


class _Doing(Enum):
    NOTHING = auto()
    MOVING = auto()
    WINDOWING = auto()
    MEASURING = auto()


class Gestures:
    """Turns presses and moves into changes of a pane.

    Args:
        pane: Whose mouse it is.
    """

    def __init__(self, pane: "ViewedFilm") -> None:
        self._pane = pane
        self._tool = Tool.HAND
        self._is_space_held = False
        self._doing = _Doing.NOTHING
        self._last = QPointF()  # where the pointer was
        self._grip: Grip | None = None
        self._chosen: Ruler | None = None

    @property
    def tool(self) -> Tool:
        """What the left button does."""
        return self._tool

    @property
    def chosen(self) -> Ruler | None:
        """The ruler that was touched last."""
        return self._chosen

    @property
    def is_busy(self) -> bool:
        """Whether a button is down on purpose."""
        return self._doing is not _Doing.NOTHING

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        self._tool = tool
        self.show_cursor()

    def hold_space(self, is_held: bool) -> None:
        """While space is held, the left button moves the film."""
        self._is_space_held = is_held
        self.show_cursor()

    def press(self, button: Qt.MouseButton, place: QPointF) -> None:
        """Begin what the button stands for."""
        if self._pane.state is None or self.is_busy:
            return
        self._last = place
        match button:
            case Button.RightButton:
                self._doing = _Doing.WINDOWING
            case Button.MiddleButton:
                self._doing = _Doing.MOVING
            case Button.LeftButton if self._tool is Tool.HAND or self._is_space_held:
                self._doing = _Doing.MOVING
            case Button.LeftButton if self._tool is Tool.WINDOW:
                self._doing = _Doing.WINDOWING
            case Button.LeftButton:
                self._start_ruler(place)
        self.show_cursor()

    def move(self, place: QPointF) -> None:
        """Go on with it."""
        way, self._last = place - self._last, place
        match self._doing:
            case _Doing.MOVING:
                self._pane.move_by(way)
            case _Doing.WINDOWING:
                self._pane.drag_window(way.x(), way.y())
            case _Doing.MEASURING if self._grip is not None:
                before = self._pane.film_point(place - way)
                self._grip.move(self._pane.film_point(place) - before)
                self._pane.refresh()

    def release(self) -> None:
        """End it."""
        grip, state = self._grip, self._pane.state
        if grip is not None and state is not None:
            unit = self._pane.geometry_now.unit
            if grip.ruler.line.length() * unit < _SHORTEST_PX and grip.ruler in state.rulers:
                state.rulers.remove(grip.ruler)
        self.let_go()
        self._pane.refresh()

    def let_go(self) -> None:
        """Do nothing any more."""
        self._doing, self._grip = _Doing.NOTHING, None
        state = self._pane.state
        if state is None or self._chosen not in state.rulers:
            self._chosen = None
        self.show_cursor()

    def remove_ruler(self) -> bool:
        """Take away the ruler that was touched last; whether there was one."""
        state = self._pane.state
        if state is None or not state.rulers:
            return False
        ruler = self._chosen if self._chosen in state.rulers else state.rulers[-1]
        assert ruler is not None
        state.rulers.remove(ruler)
        self.let_go()
        self._pane.refresh()
        return True

    def show_cursor(self) -> None:
        """Say by the pointer's shape what a press would do."""
        pane = self._pane
        if pane.state is None:
            pane.unsetCursor()
        elif self._doing is _Doing.WINDOWING:
            pane.setCursor(Shape.SizeAllCursor)
        elif self._doing is _Doing.MOVING:
            pane.setCursor(Shape.ClosedHandCursor)
        elif self._tool is Tool.HAND or self._is_space_held:
            pane.setCursor(
                Shape.OpenHandCursor if pane.geometry_now.can_move else Shape.ArrowCursor
            )
        else:
            pane.setCursor(Shape.CrossCursor)

    def _start_ruler(self, place: QPointF) -> None:
        state = self._pane.state
        assert state is not None
        point = self._pane.film_point(place)
        self._grip = grip_at(state.rulers, point, REACH_PX / self._pane.geometry_now.unit)
        if self._grip is None:
            ruler = Ruler(QPointF(point), QPointF(point))
            state.rulers.append(ruler)
            self._grip = Grip(ruler, is_start=False, is_end=True)
        self._chosen = self._grip.ruler
        self._doing = _Doing.MEASURING

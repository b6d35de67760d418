"""A film in a widget: its window, its place and its size there."""

from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, QTimer, Signal

from app.widgets.page import TranslatedWidget
from app.widgets.viewer.layers import Overlays
from app.widgets.viewer.picture import FilmGeometry, Orientation
from app.widgets.viewer.state import REACH_PX, FilmState, Grip, Ruler, grip_at
from core.images.film import FullDepthFilm, Window, film_of_pixels


class Tool(Enum):
    """One of three; the right button always changes the window, the middle one always moves."""

    HAND = auto()
    WINDOW = auto()
    RULER = auto()


if TYPE_CHECKING:
    pass

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


_HURRY_MS = 120  # after the last zoom, until the picture is made sharp


class ViewedFilm(TranslatedWidget):
    """One film, or a sentence in its place, and how it is looked at; draws nothing itself."""

    pressed = Signal()  # by the mouse or by way of the keyboard
    view_changed = Signal()  # the user zoomed or moved the film
    window_changed = Signal()  # the user changed the window or swapped black and white
    pointed = Signal()  # the mouse was moved over the film, or away
    altered = Signal()  # anything that a toolbar might show

    def __init__(self) -> None:
        super().__init__()
        self._state: FilmState | None = None
        self._name, self._text = "", ""
        self._geometry = FilmGeometry()
        self._overlays = Overlays()
        self._gestures = Gestures(self)
        self._pointer: QPointF | None = None
        self._echo: QPointF | None = None
        self._has_magnifier, self._is_marked = False, False
        self._hurry = QTimer(self)
        self._hurry.setSingleShot(True)
        self._hurry.setInterval(_HURRY_MS)
        self._hurry.timeout.connect(self.update)
        self.has_facts = True  # whether the film's size and depth are written beside its name

    # What is shown.

    @property
    def state(self) -> FilmState | None:
        """The film and how it is looked at; None where there is none."""
        return self._state

    @property
    def name(self) -> str:
        """What the film is called."""
        return self._name

    @property
    def text(self) -> str:
        """What stands in place of a film."""
        return self._text

    @property
    def overlays(self) -> Overlays:
        """What lies over the film; call `refresh` after a change."""
        return self._overlays

    @property
    def gestures(self) -> Gestures:
        """What the mouse is doing."""
        return self._gestures

    @property
    def geometry_now(self) -> FilmGeometry:
        """Where the film lies in the widget as it is now: a hidden one is not told of its size."""
        self._geometry.take_room(self.size().toSizeF(), self.devicePixelRatioF())
        return self._geometry

    @property
    def pointer(self) -> QPointF | None:
        """Where the mouse is; None where it is elsewhere."""
        return self._pointer

    @property
    def echo(self) -> QPointF | None:
        """Where the mouse would be if it were over the same part of this film as of another."""
        return self._echo

    @property
    def is_hurried(self) -> bool:
        """Whether the user is zooming just now, and so may be shown a blurred picture."""
        return self._hurry.isActive()

    @property
    def has_magnifier(self) -> bool:
        """Whether a magnifying glass follows the pointer."""
        return self._has_magnifier

    @property
    def is_marked(self) -> bool:
        """Whether a frame says that keys go here."""
        return self._is_marked

    def show_film(self, film: FullDepthFilm | NDArray[np.uint8], name: str) -> None:
        """Show a film fitted, in its own window; what lay over the last one is taken away.

        Args:
            film: At full depth, or grey levels (H, W) or colours (H, W, 3).
            name: What to call it; foreign text.
        """
        film = film if isinstance(film, FullDepthFilm) else film_of_pixels(film)
        self._take(FilmState(film), name, "")

    def show_message(self, text: str, name: str = "") -> None:
        """Say something in place of a film."""
        self._take(None, name, text)

    def _take(self, state: FilmState | None, name: str, text: str) -> None:
        self._state, self._name, self._text = state, name, text
        self._overlays.clear()
        self._echo = None
        width, height = state.size.toTuple() if state else (0.0, 0.0)
        self.geometry_now.take_film(width, height)
        self._gestures.let_go()
        self.setAccessibleDescription(f"{name} {text}".strip())
        self.refresh()

    def refresh(self) -> None:
        """Draw it anew and tell the toolbar."""
        self.update()
        self.altered.emit()

    # The window.

    def set_window(self, window: Window, *, is_inverted: bool | None = None) -> None:
        """Change which levels go from black to white, and whether it is the other way round."""
        if self._state is not None:
            swapped = self._state.is_inverted if is_inverted is None else is_inverted
            self._state.use(window, swapped)
            self._after_window()

    def drag_window(self, across: float, down: float) -> None:
        """Change the window as a drag by so many pixels does."""
        if self._state is not None:
            self._state.drag_window(across, down)
            self._after_window()

    def invert(self) -> None:
        """Swap black and white."""
        if self._state is not None:
            self.set_window(self._state.window, is_inverted=not self._state.is_inverted)

    def follow_window(self, other: "ViewedFilm") -> None:
        """Change the window as that of another film was changed."""
        if self._state is not None and other.state is not None:
            self._state.follow(other.state)
            self.refresh()

    def _after_window(self) -> None:
        self.window_changed.emit()
        self.refresh()

    # The view.

    def film_point(self, place: QPointF) -> QPointF:
        """The point of the film, as it is stored, that is drawn at `place`."""
        shown = self.geometry_now.film_point(place)
        if self._state is None:
            return shown
        return self._state.orientation.film_point(shown, self._state.size)

    def place_of(self, point: QPointF) -> QPointF:
        """Where a point of the film, as it is stored, is drawn."""
        if self._state is not None:
            point = self._state.orientation.shown_point(point, self._state.size)
        return self.geometry_now.place_of(point)

    def fit(self) -> None:
        """Show the whole film, as large as the room allows."""
        self.geometry_now.fit()
        self._after_view()

    def show_pixels(self) -> None:
        """Show one pixel of the film on one of the screen, around the pointer or the middle."""
        self.zoom_to(1.0)

    def zoom_by(self, factor: float) -> None:
        """Magnify around the pointer or the middle."""
        self.zoom_to(self.geometry_now.scale * factor)

    def zoom_to(self, scale: float, place: QPointF | None = None) -> None:
        """Magnify so that what is at `place`, or else under the pointer, stays there."""
        geometry = self.geometry_now
        anchor = self._pointer if place is None else place
        geometry.zoom_to(scale, geometry.middle if anchor is None else anchor)
        self._zoom_hastily()
        self._after_view()

    def _zoom_hastily(self) -> None:
        if self._state is not None and self._state.picture.is_slow:
            self._hurry.start()

    def move_by(self, way: QPointF) -> None:
        """Carry the film along."""
        if self._state is not None:
            self.geometry_now.move_by(way)
            self._after_view()

    def follow_view(self, other: "ViewedFilm") -> None:
        """Look at the same part, as much magnified, as another pane does."""
        if self._state is not None and other.state is not None:
            before = self.geometry_now.scale
            self.geometry_now.follow(other.geometry_now)
            if self.geometry_now.scale != before:
                self._zoom_hastily()
            self._gestures.show_cursor()
            self.refresh()

    def follow_pointer(self, other: "ViewedFilm") -> None:
        """Mark the place that is under the mouse in another pane."""
        place = other.pointer
        self._echo = None
        if place is not None and self._state is not None and other.state is not None:
            point, film = other.geometry_now.film_point(place), other.geometry_now.film
            across, down = point.x() / film.width(), point.y() / film.height()
            if 0 <= across <= 1 and 0 <= down <= 1:
                mine = self.geometry_now.film
                there = QPointF(across * mine.width(), down * mine.height())
                self._echo = self.geometry_now.place_of(there)
        self.update()

    def forget_echo(self) -> None:
        """Mark no place any more."""
        self._echo = None
        self.update()

    def turn(self, quarters: int) -> None:
        """Turn the film by quarter turns to the right."""
        if self._state is not None:
            self._lay_down(self._state.orientation.turned(quarters))

    def flip(self, *, is_across: bool) -> None:
        """Mirror what is seen, left to right or else top to bottom."""
        if self._state is not None:
            way = self._state.orientation
            self._lay_down(way.flipped_across() if is_across else way.flipped_down())

    def reset(self) -> None:
        """Show the film as it was at first; rulers stay."""
        if self._state is not None:
            self._lay_down(Orientation())
            self.fit()
            self.set_window(self._state.film.default, is_inverted=False)

    def _lay_down(self, orientation: Orientation) -> None:
        """Keep zoom and the point in the middle."""
        state, geometry = self._state, self.geometry_now
        assert state is not None
        middle = state.orientation.film_point(geometry.centre, state.size)
        state.orientation = orientation
        geometry.turn_film(
            orientation.shown_size(state.size), orientation.shown_point(middle, state.size)
        )
        self._gestures.show_cursor()
        self.refresh()

    def _after_view(self) -> None:
        self._gestures.show_cursor()
        self.view_changed.emit()
        self.refresh()

    # Tools.

    def set_magnifier(self, is_on: bool) -> None:
        """Let a magnifying glass follow the pointer, or take it away."""
        self._has_magnifier = is_on
        self.update()

    def set_marked(self, is_marked: bool) -> None:
        """Say by a frame that keys go here."""
        self._is_marked = is_marked
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        self._gestures.set_tool(tool)

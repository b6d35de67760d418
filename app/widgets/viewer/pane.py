"""One X-ray in a widget: how the mouse and the keys change it, and how it is drawn."""

import logging
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
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

from app.i18n import tr
from app.widgets.page import TranslatedWidget
from app.widgets.viewer import painting
from app.widgets.viewer.layers import Overlays
from app.widgets.viewer.painting import FAINT, MARGIN_PX, MARK, Line
from app.widgets.viewer.picture import NOTCH, STEP, FilmGeometry, Orientation, Placement
from app.widgets.viewer.state import (
    REACH_PX,
    FilmState,
    Grip,
    Ruler,
    grip_at,
    length_text,
    part_within,
)
from core.images.film import FullDepthFilm, Window, film_of_pixels

Button = Qt.MouseButton
Shape = Qt.CursorShape
Align = Qt.AlignmentFlag

_HURRY_MS = 120  # after the last zoom, until the picture is made sharp
_SHORTEST_PX = 4.0  # a ruler; a shorter one was a click
_SMALL_PX = 220  # narrower panes are told nothing but the film's name
_NARROW_PX = 400  # in narrower ones the legend stands above what is written at the left

_log = logging.getLogger(__name__)


class Tool(Enum):
    """The use of the left button; the right one always changes the window, the middle one moves."""

    HAND = auto()
    WINDOW = auto()
    RULER = auto()


class _Doing(Enum):
    NOTHING = auto()
    MOVING = auto()
    WINDOWING = auto()
    MEASURING = auto()


class Gestures:
    """Turns presses and moves of the mouse into changes of a pane."""

    def __init__(self, pane: "FilmPane") -> None:
        self._pane = pane
        self.tool = Tool.HAND
        self.chosen: Ruler | None = None  # the ruler that was touched last
        self._is_space_held = False
        self._doing = _Doing.NOTHING
        self._last = QPointF()  # where the pointer was
        self._grip: Grip | None = None

    def hold_space(self, is_held: bool) -> None:
        """Let the left button move the film while space is held."""
        self._is_space_held = is_held
        self.show_cursor()

    def press(self, button: Qt.MouseButton, place: QPointF) -> None:
        """Begin what the button stands for."""
        if self._pane.state is None or self._doing is not _Doing.NOTHING:
            return
        self._last = place
        match button:
            case Button.RightButton:
                self._doing = _Doing.WINDOWING
            case Button.MiddleButton:
                self._doing = _Doing.MOVING
            case Button.LeftButton if self.tool is Tool.HAND or self._is_space_held:
                self._doing = _Doing.MOVING
            case Button.LeftButton if self.tool is Tool.WINDOW:
                self._doing = _Doing.WINDOWING
            case Button.LeftButton:
                self._start_ruler(self._pane.state, place)
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
        """Drop whatever is under way."""
        self._doing, self._grip = _Doing.NOTHING, None
        state = self._pane.state
        if state is None or self.chosen not in state.rulers:
            self.chosen = None
        self.show_cursor()

    def remove_ruler(self) -> bool:
        """Remove the ruler that was touched last; return False where there was none."""
        state = self._pane.state
        if state is None or not state.rulers:
            return False
        ruler = self.chosen if self.chosen in state.rulers else state.rulers[-1]
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
        elif self.tool is Tool.HAND or self._is_space_held:
            can_move = pane.geometry_now.can_move
            pane.setCursor(Shape.OpenHandCursor if can_move else Shape.ArrowCursor)
        else:
            pane.setCursor(Shape.CrossCursor)

    def _start_ruler(self, state: FilmState, place: QPointF) -> None:
        point = self._pane.film_point(place)
        self._grip = grip_at(state.rulers, point, REACH_PX / self._pane.geometry_now.unit)
        if self._grip is None:
            ruler = Ruler(QPointF(point), QPointF(point))
            state.rulers.append(ruler)
            self._grip = Grip(ruler, is_start=False, is_end=True)
        self.chosen = self._grip.ruler
        self._doing = _Doing.MEASURING


class FilmPane(TranslatedWidget):
    """One X-ray at full depth, or a sentence in its place.

    Window and level change under the right mouse button, the middle one moves the film, the wheel
    magnifies around the pointer; the left button does what the tool says.
    """

    pressed = Signal()  # by the mouse or by way of the keyboard
    view_changed = Signal()  # the user zoomed or moved the film
    window_changed = Signal()  # the user changed the window or swapped black and white
    pointed = Signal()  # the mouse was moved over the film, or away
    altered = Signal()  # anything that a toolbar might show

    def __init__(self) -> None:
        super().__init__()
        self.state: FilmState | None = None  # the film and how it is looked at; None: no film
        self.name = ""  # of the film; foreign text
        self.text = ""  # in place of a film
        self.has_facts = True  # whether the film's size and depth are written beside its name
        self.overlays = Overlays()  # call `refresh` after a change
        self.pointer: QPointF | None = None  # where the mouse is; None: elsewhere
        self.echo: QPointF | None = None  # the same part of this film as the mouse is on of another
        self.has_magnifier, self.is_marked = False, False
        self.gestures = Gestures(self)
        self._geometry = FilmGeometry()
        self._hurry = QTimer(self)
        self._hurry.setSingleShot(True)
        self._hurry.setInterval(_HURRY_MS)
        self._hurry.timeout.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        # The right button has its own use, and no page behind may open a menu over it.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)

    # What is shown.

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
        self.state, self.name, self.text = state, name, text
        self.overlays.clear()
        self.echo = None
        width, height = state.size.toTuple() if state else (0.0, 0.0)
        self.geometry_now.take_film(width, height)
        self.gestures.let_go()
        self.setAccessibleDescription(f"{name} {text}".strip())
        self.refresh()

    def refresh(self) -> None:
        """Draw it anew and tell the toolbar."""
        self.update()
        self.altered.emit()

    def retranslate(self) -> None:
        self.update()

    # The window.

    def set_window(self, window: Window, *, is_inverted: bool | None = None) -> None:
        """Change which levels go from black to white, and whether it is the other way round."""
        if self.state is not None:
            swapped = self.state.is_inverted if is_inverted is None else is_inverted
            self.state.use(window, swapped)
            self._after_window()

    def drag_window(self, across: float, down: float) -> None:
        """Change the window as a drag by so many pixels does."""
        if self.state is not None:
            self.state.drag_window(across, down)
            self._after_window()

    def invert(self) -> None:
        """Swap black and white."""
        if self.state is not None:
            self.set_window(self.state.window, is_inverted=not self.state.is_inverted)

    def switch_shutter(self) -> None:
        """Show what the file's display shutter covers, or cover it again."""
        if self.state is not None:
            self.state.use_shutter(not self.state.is_shuttered)
            self.refresh()

    def follow_window(self, other: "FilmPane") -> None:
        """Change the window as that of another film was changed."""
        if self.state is not None and other.state is not None:
            self.state.follow(other.state)
            self.refresh()

    def _after_window(self) -> None:
        self.window_changed.emit()
        self.refresh()

    # The view.

    @property
    def geometry_now(self) -> FilmGeometry:
        """The film's place in the widget as it is now: a hidden one is not told of its size."""
        self._geometry.take_room(self.size().toSizeF(), self.devicePixelRatioF())
        return self._geometry

    @property
    def is_hurried(self) -> bool:
        """True while the user zooms, and so may be shown a blurred picture."""
        return self._hurry.isActive()

    def film_point(self, place: QPointF) -> QPointF:
        """Return the point of the film, as it is stored, that is drawn at `place`."""
        shown = self.geometry_now.film_point(place)
        if self.state is None:
            return shown
        return self.state.orientation.film_point(shown, self.state.size)

    def place_of(self, point: QPointF) -> QPointF:
        """Return where a point of the film, as it is stored, is drawn."""
        if self.state is not None:
            point = self.state.orientation.shown_point(point, self.state.size)
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
        anchor = self.pointer if place is None else place
        geometry.zoom_to(scale, geometry.middle if anchor is None else anchor)
        self._zoom_hastily()
        self._after_view()

    def move_by(self, way: QPointF) -> None:
        """Carry the film along."""
        if self.state is not None:
            self.geometry_now.move_by(way)
            self._after_view()

    def follow_view(self, other: "FilmPane") -> None:
        """Look at the same part, as much magnified, as another pane does."""
        if self.state is not None and other.state is not None:
            before = self.geometry_now.scale
            self.geometry_now.follow(other.geometry_now)
            if self.geometry_now.scale != before:
                self._zoom_hastily()
            self.gestures.show_cursor()
            self.refresh()

    def follow_pointer(self, other: "FilmPane") -> None:
        """Mark the place that is under the mouse in another pane."""
        place = other.pointer
        self.echo = None
        if place is not None and self.state is not None and other.state is not None:
            point, film = other.geometry_now.film_point(place), other.geometry_now.film
            across, down = point.x() / film.width(), point.y() / film.height()
            if 0 <= across <= 1 and 0 <= down <= 1:
                mine = self.geometry_now.film
                there = QPointF(across * mine.width(), down * mine.height())
                self.echo = self.geometry_now.place_of(there)
        self.update()

    def forget_echo(self) -> None:
        """Mark no place any more."""
        self.echo = None
        self.update()

    def turn(self, quarters: int) -> None:
        """Turn the film by quarter turns to the right."""
        if self.state is not None:
            self._lay_down(self.state, self.state.orientation.turned(quarters))

    def flip(self, *, is_across: bool) -> None:
        """Mirror what is seen, left to right or else top to bottom."""
        if self.state is not None:
            way = self.state.orientation
            self._lay_down(self.state, way.flipped_across() if is_across else way.flipped_down())

    def reset(self) -> None:
        """Show the film as it was at first; rulers stay."""
        if self.state is not None:
            self._lay_down(self.state, Orientation())
            self.fit()
            self.state.use_shutter(True)
            self.set_window(self.state.film.default, is_inverted=False)

    def _lay_down(self, state: FilmState, orientation: Orientation) -> None:
        """Keep zoom and the point in the middle."""
        geometry = self.geometry_now
        middle = state.orientation.film_point(geometry.centre, state.size)
        state.orientation = orientation
        geometry.turn_film(
            orientation.shown_size(state.size), orientation.shown_point(middle, state.size)
        )
        self.gestures.show_cursor()
        self.refresh()

    def _zoom_hastily(self) -> None:
        if self.state is not None and self.state.picture.is_slow:
            self._hurry.start()

    def _after_view(self) -> None:
        self.gestures.show_cursor()
        self.view_changed.emit()
        self.refresh()

    # Tools.

    def set_magnifier(self, is_on: bool) -> None:
        """Let a magnifying glass follow the pointer, or take it away."""
        self.has_magnifier = is_on
        self.update()

    def set_marked(self, is_marked: bool) -> None:
        """Say by a frame that keys go here."""
        self.is_marked = is_marked
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        self.gestures.tool = tool
        self.gestures.show_cursor()

    # How it is drawn.

    def _paint(self, painter: QPainter) -> None:
        room, state = QRectF(self.rect()), self.state
        painter.fillRect(room, QColor("black"))  # what surrounds a film is dark
        if state is None:
            painting.draw_sentence(painter, room, self.text)
            painting.draw_corner(
                painter, room, [self._name_line()], Align.AlignLeft | Align.AlignTop
            )
        else:
            self._paint_film(painter, state)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_marks(painter, state, room)
            top = 0.0
            if self.overlays.stamp and self.overlays.visible_heat is not None:
                top = painting.draw_stamp(painter, room, self.overlays.stamp)
            self._paint_texts(painter, state, room.adjusted(0, top, 0, 0))
            if self.echo is not None:
                painting.draw_cross(painter, self.echo)
            if self.has_magnifier and self.pointer is not None:
                painting.draw_magnifier(painter, state, self.geometry_now, self.pointer)
        if self.is_marked:
            painting.draw_frame(painter, self.rect())

    def _paint_film(self, painter: QPainter, state: FilmState) -> None:
        placement, overlays = Placement.of(self.geometry_now), self.overlays
        painter.save()
        painter.scale(1 / placement.ratio, 1 / placement.ratio)
        state.picture.draw(painter, placement, state.orientation, is_hurried=self.is_hurried)
        if overlays.visible_heat is not None:
            overlays.visible_heat.draw(painter, placement, state.orientation, overlays.opacity)
        painter.restore()

    def _paint_marks(self, painter: QPainter, state: FilmState, room: QRectF) -> None:
        """Draw the outline and the rulers."""
        if self.overlays.is_heat_shown:
            width, height = state.size.toTuple()
            lines = [
                QLineF(
                    self.place_of(QPointF(line.x1() * width, line.y1() * height)),
                    self.place_of(QPointF(line.x2() * width, line.y2() * height)),
                )
                for line in self.overlays.lines
            ]
            painting.draw_outline(painter, lines)
        for ruler in state.rulers:
            line = QLineF(self.place_of(ruler.start), self.place_of(ruler.end))
            painting.draw_ruler(painter, line, is_chosen=ruler is self.gestures.chosen)
            seen = part_within(line, room)
            if seen is not None:
                lower = max(seen.p1(), seen.p2(), key=QPointF.y)
                text = length_text(ruler.line, state.film.spacing)
                painting.draw_label(painter, lower, text, room)

    def _paint_texts(self, painter: QPainter, state: FilmState, room: QRectF) -> None:
        """Write into the corners; a small pane has room for the most important alone."""
        film, heat = state.film, self.overlays.visible_heat
        is_small = room.width() < _SMALL_PX
        facts = f"{film.width:,} × {film.height:,}"
        if film.header.bits > 8:
            facts += " · " + tr("{n} bit", n=film.header.bits)
        has_facts = self.has_facts and not is_small
        titles = [self._name_line(), Line(facts if has_facts else "", FAINT)]
        painting.draw_corner(painter, room, titles, Align.AlignLeft | Align.AlignTop)
        marks = [state.orientation.words(), tr("inverted") if state.is_inverted else ""]
        mark_lines = [Line(mark, MARK) for mark in marks]
        painting.draw_corner(painter, room, mark_lines, Align.AlignRight | Align.AlignTop)
        if is_small:
            return
        centre, width = film.centre_and_width(state.window)
        lines = [
            Line(self._pointed_text(state)),
            Line(state.preset.words() if state.preset else "", FAINT),
            Line(tr("W {width} · L {level}", width=_short(width), level=_short(centre))),
            Line(f"{self.geometry_now.scale:.0%}", FAINT),
        ]
        painting.draw_corner(painter, room, lines, Align.AlignLeft | Align.AlignBottom)
        bottom = room.bottom() - MARGIN_PX
        if film.spacing is not None:
            unit, is_turned = self.geometry_now.unit, state.orientation.is_on_its_side
            bottom = painting.draw_scale_bar(painter, room, bottom, film.spacing, unit, is_turned)
        if heat is None:
            return
        if room.width() < _NARROW_PX:
            if not self.is_marked:  # one legend will do for all films
                return
            n_lines = sum(bool(line.text) for line in lines)
            bottom -= n_lines * painter.fontMetrics().lineSpacing() + MARGIN_PX
        painting.draw_legend(painter, room, bottom)

    def _name_line(self) -> Line:
        return Line(self.name, is_cut_in_the_middle=True)

    def _pointed_text(self, state: FilmState) -> str:
        """Return where the pointer is on the film and what is there."""
        if self.pointer is None:
            return ""
        point = self.film_point(self.pointer)
        level = state.level_text(point)
        if not level:
            return ""
        text = f"x {int(point.x()):,} · y {int(point.y()):,} · {level}"
        heat = self.overlays.visible_heat
        if heat is not None:
            there = heat.value_at(point.x() / state.size.width(), point.y() / state.size.height())
            text += " · " + tr("heat {value}", value=f"{there:.2f}")
        return text

    # Qt's own.

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 160)

    def sizeHint(self) -> QSize:
        return QSize(640, 640)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
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
        if notches and self.state is not None:
            self.zoom_to(self.geometry_now.scale * STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        self.gestures.press(event.button(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointer = event.position()
        self.gestures.move(event.position())
        self.pointed.emit()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.gestures.release()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and self.gestures.tool is Tool.HAND and self.state is not None:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = None
        self.pointed.emit()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.pressed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.gestures.hold_space(False)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.gestures.let_go()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.gestures.hold_space(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self.gestures.hold_space(False)


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.4g}"

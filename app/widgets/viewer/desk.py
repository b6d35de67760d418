"""One to four films side by side, a slim toolbar, and keys for everything."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.page import TranslatedWidget
from app.widgets.viewer.commands import (
    LAYOUTS,
    PANE_COMMANDS,
    Command,
    HelpCard,
    ViewerActions,
    ViewerBar,
    choose_preset,
    more_keys,
)
from app.widgets.viewer.pane import FilmPane, Tool
from core.images.film import FullDepthFilm
from core.prediction.saliency_checks import USUAL_OPACITY

_N_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2}  # by the number of films
_NEXT_LAYOUT = {1: 2, 2: 4, 3: 4, 4: 1}
_TOOLS = {Command.HAND: Tool.HAND, Command.WINDOW: Tool.WINDOW, Command.RULER: Tool.RULER}
_OPACITY_STEP = 0.1


class _Ground(QWidget):
    """Dark in either theme, where it shows between films."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), Qt.GlobalColor.black)


class ViewerDesk(TranslatedWidget):
    """Shows up to four films; the marked one takes the keys, linked ones follow it.

    Panes are numbered from 0. What lies over a film (heat, outline, stamp) goes with it: give it
    anew after `show_film`.
    """

    previous_wanted = Signal()
    next_wanted = Signal()
    pane_chosen = Signal(int)
    n_panes_changed = Signal(int)
    heat_toggled = Signal(bool)
    opacity_changed = Signal(float)
    full_screen_wanted = Signal(bool)  # answer with `set_full_screen`

    def __init__(self) -> None:
        super().__init__()
        self._panes = tuple(FilmPane() for _ in range(max(LAYOUTS)))  # those out of sight too
        self._n_panes, self._chosen = 1, 0
        self._is_linked, self._is_full_screen = True, False
        self._is_heat_shown, self._opacity = True, USUAL_OPACITY
        self._actions = ViewerActions(self)
        self._bar = ViewerBar(self._actions)
        self._help = HelpCard(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._ground = _Ground()
        self._grid = QGridLayout(self._ground)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        layout.addWidget(self._bar)
        layout.addWidget(self._ground, 1)
        self.setFocusProxy(self._panes[0])
        self._arrange()
        self._commands = self._handlers()
        self._connect()
        for command in (Command.HAND, Command.LINK, Command.HEAT):
            self._actions.check(command, True)
        self._bar.show_opacity(self._opacity)
        self._show_state()
        self.retranslate()

    # What is shown.

    @property
    def n_panes(self) -> int:
        """The number of films side by side."""
        return self._n_panes

    @property
    def chosen_pane(self) -> int:
        """The number of the one that takes the keys."""
        return self._chosen

    @property
    def panes(self) -> tuple[FilmPane, ...]:
        """Those in sight."""
        return self._panes[: self._n_panes]

    @property
    def is_linked(self) -> bool:
        """True if all films follow the one that is moved or windowed."""
        return self._is_linked

    @property
    def is_heat_shown(self) -> bool:
        """True if heat maps and outlines are to be seen."""
        return self._is_heat_shown

    @property
    def opacity(self) -> float:
        """The strength with which a heat map covers its film, 0 to 1."""
        return self._opacity

    def show_film(self, pane: int, film: FullDepthFilm | NDArray[np.uint8], name: str) -> None:
        """Show a film fitted, in its own window.

        Args:
            pane: 0 to 3.
            film: At full depth, or grey levels (H, W) or colours (H, W, 3).
            name: What to call it; foreign text.
        """
        self._panes[pane].show_film(film, name)

    def show_message(self, pane: int, text: str, name: str = "") -> None:
        """Say something in place of a film."""
        self._panes[pane].show_message(text, name)

    def set_heat(self, pane: int, heat: NDArray[np.floating] | None) -> None:
        """Lay a heat map, shape (h, w) in [0, 1], over a film, or take it away."""
        self._panes[pane].overlays.set_heat(heat)
        self._panes[pane].refresh()

    def set_outline(self, pane: int, mask: NDArray[np.bool_] | None) -> None:
        """Draw the border of a mask, shape (h, w), over a film, or none."""
        self._panes[pane].overlays.set_outline(mask)
        self._panes[pane].refresh()

    def set_stamp(self, pane: int, text: str) -> None:
        """Write a warning across a film while its heat map is shown; "" for none."""
        self._panes[pane].overlays.stamp = text
        self._panes[pane].refresh()

    def set_n_panes(self, n_panes: int) -> None:
        """Show so many films side by side, 1 to 4; four stand two by two."""
        if n_panes != self._n_panes and n_panes in LAYOUTS:
            self._n_panes = n_panes
            self._arrange()
            if self._chosen >= n_panes:
                self.choose_pane(0)
            self._mark()
            self.n_panes_changed.emit(n_panes)

    def choose_pane(self, pane: int) -> None:
        """Let keys and buttons go to a pane."""
        if pane != self._chosen and 0 <= pane < self._n_panes:
            self._chosen = pane
            self.setFocusProxy(self._pane)
            self._mark()
            self.pane_chosen.emit(pane)
            self._show_state()

    def set_linked(self, is_linked: bool) -> None:
        """Let all films follow the one that is moved, from now on and to where it is."""
        self._is_linked = is_linked
        self._actions.check(Command.LINK, is_linked)
        for pane in self._panes:
            pane.forget_echo()
        self._lead(FilmPane.follow_view, self._pane)
        self._lead(FilmPane.follow_window, self._pane)

    def set_heat_shown(self, is_shown: bool) -> None:
        """Show heat maps and outlines, or hide them."""
        is_new = is_shown != self._is_heat_shown
        self._is_heat_shown = is_shown
        self._actions.check(Command.HEAT, is_shown)
        self._spread_heat()
        if is_new:
            self.heat_toggled.emit(is_shown)

    def set_opacity(self, opacity: float) -> None:
        """Let heat maps cover the films so strongly, 0 to 1."""
        opacity = min(max(opacity, 0.0), 1.0)
        is_new = opacity != self._opacity
        self._opacity = opacity
        self._bar.show_opacity(opacity)
        self._spread_heat()
        if is_new:
            self.opacity_changed.emit(opacity)

    def set_full_screen(self, is_full: bool) -> None:
        """Know that the window around it fills the screen now, or no longer."""
        self._is_full_screen = is_full
        self._actions.check(Command.FULL_SCREEN, is_full)

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does."""
        for pane in self._panes:
            pane.set_tool(tool)
        for command, its_tool in _TOOLS.items():
            self._actions.check(command, its_tool is tool)

    def set_magnifier(self, is_on: bool) -> None:
        """Let a magnifying glass follow the pointer, or take it away."""
        for pane in self._panes:
            pane.set_magnifier(is_on)
        self._actions.check(Command.MAGNIFIER, is_on)

    def show_help(self, is_shown: bool) -> None:
        """List keys and mouse over the films, or put the list away."""
        self._help.setVisible(is_shown)
        self._place_help()

    def take_keys(self) -> None:
        """Let the keys go to the chosen film."""
        self._pane.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_colours(self, plain: str, chosen: str, faint: str) -> None:
        """Draw the buttons in colours (#rrggbb): plain, held down, and out of use."""
        self._actions.show_colours(plain, chosen, faint)
        self._bar.show_colours(plain)

    def retranslate(self) -> None:
        self._actions.show_words()
        self._bar.show_words()
        self._help.show_words()
        for place, pane in enumerate(self._panes):
            pane.setAccessibleName(tr("Film {n}", n=place + 1))
        self._place_help()

    # What keys and buttons do.

    @property
    def _pane(self) -> FilmPane:
        return self._panes[self._chosen]

    def _handlers(self) -> dict[Command, Callable[[], object]]:
        """Return what commands do that are not for one film alone."""
        return {
            Command.HAND: lambda: self.set_tool(Tool.HAND),
            Command.WINDOW: lambda: self.set_tool(Tool.WINDOW),
            Command.RULER: lambda: self.set_tool(Tool.RULER),
            Command.MAGNIFIER: lambda: self.set_magnifier(not self._pane.has_magnifier),
            Command.HEAT: lambda: self.set_heat_shown(not self._is_heat_shown),
            Command.MORE_HEAT: lambda: self.set_opacity(self._opacity + _OPACITY_STEP),
            Command.LESS_HEAT: lambda: self.set_opacity(self._opacity - _OPACITY_STEP),
            Command.LAYOUT: lambda: self.set_n_panes(_NEXT_LAYOUT[self.n_panes]),
            Command.LINK: lambda: self.set_linked(not self.is_linked),
            Command.NEXT_PANE: lambda: self.choose_pane((self.chosen_pane + 1) % self.n_panes),
            Command.PREVIOUS_FILM: self.previous_wanted.emit,
            Command.NEXT_FILM: self.next_wanted.emit,
            Command.FULL_SCREEN: lambda: self._want_full_screen(not self._is_full_screen),
            Command.HELP: lambda: self.show_help(not self._help.isVisible()),
            Command.ESCAPE: self._on_escape,
        }

    def _connect(self) -> None:
        self._actions.wanted.connect(self._on_wanted)
        self._bar.preset_chosen.connect(lambda place: choose_preset(self._pane, place))
        self._bar.layout_chosen.connect(self.set_n_panes)
        self._bar.opacity_chosen.connect(self.set_opacity)
        self._help.dismissed.connect(lambda: self.show_help(False))
        for place, pane in enumerate(self._panes):
            pane.pressed.connect(partial(self.choose_pane, place))
            pane.view_changed.connect(partial(self._lead, FilmPane.follow_view, pane))
            pane.window_changed.connect(partial(self._lead, FilmPane.follow_window, pane))
            pane.pointed.connect(partial(self._lead, FilmPane.follow_pointer, pane))
            pane.altered.connect(partial(self._on_altered, pane))
        for keys, slot in more_keys().items():
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda slot=slot: slot(self._pane))

    def _lead(self, follow: Callable[[FilmPane, FilmPane], object], pane: FilmPane) -> None:
        """Let the other films in sight follow a pane where they are linked."""
        for other in self.panes:
            if self._is_linked and other is not pane:
                follow(other, pane)

    def _on_altered(self, pane: FilmPane) -> None:
        if pane is self._pane:
            self._show_state()

    def _on_wanted(self, command: Command) -> None:
        if command in PANE_COMMANDS:
            PANE_COMMANDS[command](self._pane)
            self._show_state()  # a button that was pressed in vain comes up again
        else:
            self._commands[command]()

    def _on_escape(self) -> None:
        """Put away what is nearest at hand."""
        pane = self._pane
        if self._help.isVisible():
            self.show_help(False)
        elif pane.has_magnifier or pane.gestures.tool is not Tool.HAND:
            self.set_magnifier(False)
            self.set_tool(Tool.HAND)
        elif self._is_full_screen:
            self._want_full_screen(False)

    def _want_full_screen(self, is_wanted: bool) -> None:
        self._actions.check(Command.FULL_SCREEN, self._is_full_screen)  # until it is so
        self.full_screen_wanted.emit(is_wanted)

    # The look.

    def _arrange(self) -> None:
        n_columns = _N_COLUMNS[self._n_panes]
        for place, pane in enumerate(self._panes):
            self._grid.removeWidget(pane)
            pane.setParent(self._ground)
            if place < self._n_panes:
                self._grid.addWidget(pane, place // n_columns, place % n_columns)
            pane.setVisible(place < self._n_panes)
            self._grid.setColumnStretch(place, int(place < n_columns))
            self._grid.setRowStretch(place, int(place * n_columns < self._n_panes))

    def _mark(self) -> None:
        for place, pane in enumerate(self._panes):
            pane.set_marked(self._n_panes > 1 and place == self._chosen)

    def _spread_heat(self) -> None:
        for pane in self._panes:
            pane.overlays.is_heat_shown, pane.overlays.opacity = self._is_heat_shown, self._opacity
            pane.update()

    def _show_state(self) -> None:
        state = self._pane.state
        self._bar.offer(state.presets if state else (), state.preset if state else None)
        self._actions.check(Command.INVERT, state is not None and state.is_inverted)
        self._actions.check(Command.SHUTTER, state is not None and state.is_shuttered)
        self._actions[Command.SHUTTER].setEnabled(
            state is not None and state.film.shutter is not None
        )

    def _place_help(self) -> None:
        if self._help.isVisible():
            self._help.fit_into(self._ground.geometry())
            self._help.raise_()

    # Qt's own.

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_help()

"""The viewer's slim toolbar."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSizePolicy, QSlider, QToolBar, QToolButton, QWidget

from app.resources import pixmap
from app.translation import tr
from app.widgets.viewer.commands import Command
from app.widgets.viewer.pane_grid import LAYOUTS
from app.widgets.viewer.presets import Preset
from app.widgets.viewer.viewer_actions import ICON_PX, ViewerActions

_SLIDER_PX = 60
_TOOLS = (Command.HAND, Command.WINDOW, Command.RULER, Command.MAGNIFIER)
_TURNS = (Command.TURN_RIGHT, Command.TURN_LEFT, Command.FLIP_ACROSS, Command.FLIP_DOWN)
_SIZES = (Command.FIT, Command.PIXELS, Command.RESET)


class ViewerBar(QToolBar):
    """Shows the commands as buttons, and what needs more than a button.

    Args:
        actions: The commands.
    """

    preset_chosen = Signal(int)  # its place among those that were offered
    layout_chosen = Signal(int)  # how many films
    opacity_chosen = Signal(float)  # 0 to 1

    def __init__(self, actions: ViewerActions) -> None:
        super().__init__()
        self._offered: tuple[Preset, ...] = ()
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setMovable(False)
        self._presets, self._preset_menu = _menu_button()
        self._turns, self._turn_menu = _menu_button()
        self._layouts, self._layout_menu = _menu_button()
        self._layouts.setDefaultAction(actions[Command.LAYOUT])
        self._layouts.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setFixedWidth(_SLIDER_PX)
        self._lay_out(actions)
        self._preset_menu.aboutToShow.connect(self._fill_presets)
        self._layout_menu.aboutToShow.connect(self._fill_layouts)
        self._opacity.valueChanged.connect(lambda value: self.opacity_chosen.emit(value / 100))

    def offer(self, presets: tuple[Preset, ...], chosen: Preset | None) -> None:
        """Offer windows; the chosen one is ticked."""
        self._offered, self._chosen = presets, chosen
        self._presets.setEnabled(bool(presets))

    def show_opacity(self, opacity: float) -> None:
        """Move the slider without telling anybody."""
        self._opacity.blockSignals(True)
        self._opacity.setValue(round(opacity * 100))
        self._opacity.blockSignals(False)

    def show_colours(self, plain: str) -> None:
        """Draw its own icons in a colour (#rrggbb)."""
        self._presets.setIcon(QIcon(pixmap("viewer/presets", plain, ICON_PX)))
        self._turns.setIcon(QIcon(pixmap("viewer/turn-right", plain, ICON_PX)))
        # Qt's own button for what finds no room is all but black on a dark ground.
        for button in self.findChildren(QToolButton, "qt_toolbar_ext_button"):
            button.setIcon(QIcon(pixmap("viewer/more", plain, ICON_PX)))

    def show_words(self) -> None:
        """Say everything in the user's language."""
        more = self.findChildren(QToolButton, "qt_toolbar_ext_button")
        named = [
            (self._presets, tr("Ready-made windows (keys 2 to 9)")),
            (self._turns, tr("Turn and flip")),
            (self._opacity, tr("How strongly the heat map covers the film ([ and ])")),
            *((button, tr("More")) for button in more),
        ]
        for widget, name in named:
            widget.setToolTip(name)
            widget.setAccessibleName(name)

    def _lay_out(self, actions: ViewerActions) -> None:
        self._turn_menu.addActions([actions[command] for command in _TURNS])
        self.addActions([actions[command] for command in _TOOLS])
        self.addSeparator()
        self.addWidget(self._presets)
        self.addAction(actions[Command.INVERT])
        self.addWidget(self._turns)
        self.addSeparator()
        self.addActions([actions[command] for command in _SIZES])
        self.addSeparator()
        self.addAction(actions[Command.HEAT])
        self.addWidget(self._opacity)
        self.addSeparator()
        self.addWidget(self._layouts)
        self.addAction(actions[Command.LINK])
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self.addActions([actions[Command.FULL_SCREEN], actions[Command.HELP]])
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _fill_presets(self) -> None:
        self._preset_menu.clear()
        for place, preset in enumerate(self._offered):
            text = preset.words().replace("&", "&&")
            if place + 2 <= 9:
                text += f"\t{place + 2}"
            self._add(self._preset_menu, text, preset == self._chosen).triggered.connect(
                lambda _=False, place=place: self.preset_chosen.emit(place)
            )

    def _fill_layouts(self) -> None:
        self._layout_menu.clear()
        for n in LAYOUTS:
            text = tr("1 film") if n == 1 else tr("{n} films", n=n)
            self._layout_menu.addAction(text).triggered.connect(
                lambda _=False, n=n: self.layout_chosen.emit(n)
            )

    def _add(self, menu: QMenu, text: str, is_chosen: bool) -> QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(is_chosen)
        return action


def _menu_button() -> tuple[QToolButton, QMenu]:
    button = QToolButton()
    menu = QMenu(button)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setAutoRaise(True)
    return button, menu

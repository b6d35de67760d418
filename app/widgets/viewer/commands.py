"""The viewer's commands: one table of them, their actions, toolbar and list of keys."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from PySide6.QtCore import QMargins, QObject, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import say, tr
from app.theme import pixmap
from app.widgets.labels import plain_label, plain_tip
from app.widgets.viewer.pane import FilmPane
from app.widgets.viewer.picture import STEP
from app.widgets.viewer.state import Preset
from core.errors import Message

ICON_PX = 18
_DRAG_PX: Final = 24.0  # what an arrow key changes the window by
_MOVE_PX: Final = 60.0
_ARROWS: Final = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}
_SLIDER_PX = 60
_HELP_COLUMNS = 2
_HELP_MARGIN_PX = 16
_HELP_SPARE_PX = 12  # between title and list, and for rounding


@dataclass(frozen=True, slots=True)
class _Described:
    words: Message
    keys: tuple[str, ...]  # as other radiology viewers have them where they agree
    icon: str = ""  # of its button
    is_switch: bool = False  # its button stays down


class Command(Enum):
    """One thing that can be done to the films in sight, with its words, keys and button."""

    HAND = _Described(Message("Move the film with the left button"), ("P",), "hand", is_switch=True)
    WINDOW = _Described(
        Message("Window and level with the left button"), ("W",), "window", is_switch=True
    )
    RULER = _Described(Message("Measure with the left button"), ("L",), "ruler", is_switch=True)
    MAGNIFIER = _Described(Message("Magnifying glass"), ("M",), "magnifier", is_switch=True)
    INVERT = _Described(Message("Swap black and white"), ("I",), "invert", is_switch=True)
    SHUTTER = _Described(Message("Display shutter on or off"), ("S",), "shutter", is_switch=True)
    TURN_RIGHT = _Described(Message("Turn right"), ("R",), "turn-right")
    TURN_LEFT = _Described(Message("Turn left"), ("Shift+R",), "turn-left")
    FLIP_ACROSS = _Described(Message("Flip left to right"), ("H",), "flip-across")
    FLIP_DOWN = _Described(Message("Flip top to bottom"), ("V",), "flip-down")
    FIT = _Described(Message("Show the whole film"), ("F",), "fit")
    PIXELS = _Described(Message("One pixel of the film on one of the screen"), ("1",), "pixels")
    LARGER = _Described(Message("Larger"), ("+", "="))
    SMALLER = _Described(Message("Smaller"), ("-",))
    RESET = _Described(Message("As it was at first"), ("Backspace", "0"), "reset")
    HEAT = _Described(Message("Heat map on or off"), ("O",), "heat", is_switch=True)
    MORE_HEAT = _Described(Message("Stronger heat map"), ("]",))
    LESS_HEAT = _Described(Message("Fainter heat map"), ("[",))
    REMOVE_RULER = _Described(Message("Remove the last ruler"), ("Del",))
    LAYOUT = _Described(Message("One, two or four films"), ("D",), "layout")
    LINK = _Described(
        Message("Link zoom, place and window of all films"), ("K",), "link", is_switch=True
    )
    NEXT_PANE = _Described(Message("Choose the next of the films in sight"), ("N",))
    PREVIOUS_FILM = _Described(Message("Previous film"), ("Left", "PgUp"))
    NEXT_FILM = _Described(Message("Next film"), ("Right", "PgDown"))
    FULL_SCREEN = _Described(Message("Full screen"), ("F11",), "full-screen", is_switch=True)
    HELP = _Described(Message("Keys and mouse"), ("?",), "help")
    ESCAPE = _Described(Message("Put the tool away, leave full screen"), ("Esc",))

    @property
    def text(self) -> str:
        """Its words in the user's language."""
        return say(self.value.words)

    @property
    def key_text(self) -> str:
        """Its keys as the user's system writes them."""
        native = QKeySequence.SequenceFormat.NativeText
        return ", ".join(QKeySequence(key).toString(native) for key in self.value.keys)


LAYOUTS = (1, 2, 3, 4)  # films side by side; four stand two by two
_TOOLS = (Command.HAND, Command.WINDOW, Command.RULER)
_TURNS = (Command.TURN_RIGHT, Command.TURN_LEFT, Command.FLIP_ACROSS, Command.FLIP_DOWN)
_SIZES = (Command.FIT, Command.PIXELS, Command.RESET)
PANE_COMMANDS: Final[dict[Command, Callable[[FilmPane], object]]] = {
    Command.INVERT: FilmPane.invert,
    Command.SHUTTER: FilmPane.switch_shutter,
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


def choose_preset(pane: FilmPane, place: int) -> None:
    """Use one of the film's ready-made windows, if there is such a one."""
    if pane.state is not None and place < len(pane.state.presets):
        pane.set_window(pane.state.presets[place].window)


def more_keys() -> dict[str, Callable[[FilmPane], object]]:
    """Return what keys do that have no button.

    Shift and an arrow change window and level, Ctrl and an arrow move the film; numbers choose
    ready-made windows, where 1 shows single pixels and 0 resets.
    """
    keys: dict[str, Callable[[FilmPane], object]] = {}
    for name, (across, down) in _ARROWS.items():
        dx, dy = across * _DRAG_PX, down * _DRAG_PX
        keys[f"Shift+{name}"] = partial(FilmPane.drag_window, across=dx, down=dy)
        # To the right means to see more of the right: the film goes left.
        way = QPointF(-across * _MOVE_PX, -down * _MOVE_PX)
        keys[f"Ctrl+{name}"] = partial(FilmPane.move_by, way=way)
    for place in range(8):
        keys[str(place + 2)] = partial(choose_preset, place=place)
    return keys


class ViewerActions(QObject):
    """One action for each command.

    Args:
        owner: Within whose children the keys work; text fields elsewhere keep theirs.
    """

    wanted = Signal(object)  # Command

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._actions = {command: self._action(owner, command) for command in Command}
        tools = QActionGroup(self)
        for command in _TOOLS:
            tools.addAction(self._actions[command])

    def __getitem__(self, command: Command) -> QAction:
        return self._actions[command]

    def check(self, command: Command, is_checked: bool) -> None:
        """Show whether a switch is on, without telling anybody."""
        self._actions[command].setChecked(is_checked)

    def show_colours(self, plain: str, chosen: str, faint: str) -> None:
        """Draw the icons in colours (#rrggbb): of a button, one that is down, one that is off."""
        for command, action in self._actions.items():
            if not command.value.icon:
                continue
            icon = QIcon()
            for colour, mode, state in (
                (plain, QIcon.Mode.Normal, QIcon.State.Off),
                (chosen, QIcon.Mode.Normal, QIcon.State.On),
                (faint, QIcon.Mode.Disabled, QIcon.State.Off),
                (faint, QIcon.Mode.Disabled, QIcon.State.On),
            ):
                picture = pixmap(f"viewer/{command.value.icon}", colour, ICON_PX)
                icon.addPixmap(picture, mode, state)
            action.setIcon(icon)

    def show_words(self) -> None:
        """Name the actions in the user's language."""
        for command, action in self._actions.items():
            action.setText(command.text)
            action.setToolTip(plain_tip(f"{command.text}  ({command.key_text})"))

    def _action(self, owner: QWidget, command: Command) -> QAction:
        action = QAction(owner)
        action.setShortcuts([QKeySequence(key) for key in command.value.keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setCheckable(command.value.is_switch)
        action.triggered.connect(lambda _=False: self.wanted.emit(command))
        owner.addAction(action)
        return action


class HelpCard(QFrame):
    """Lists the keys; a click puts it away."""

    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._title = plain_label("sectionTitle")
        self._labels: list[QLabel] = []  # keys and what they do in turn
        self._content = QWidget()
        self._content.setObjectName("bare")
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        scroll = QScrollArea()
        scroll.setWidget(self._content)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*[_HELP_MARGIN_PX] * 4)
        layout.addWidget(self._title)
        layout.addWidget(scroll, 1)
        self.hide()

    def show_words(self) -> None:
        """Set every word in the user's language."""
        self._title.setText(tr("Keys and mouse"))
        for label in self._labels:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._labels = []
        for keys, text in _rows():
            what, does = plain_label(), plain_label("muted")
            what.setText(keys)
            does.setText(text)
            what.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._labels += [what, does]
        self._arrange(_HELP_COLUMNS)

    def fit_into(self, room: QRect) -> None:
        """Stand in the middle of a room, in one column where it is too narrow for two."""
        for n_columns in (_HELP_COLUMNS, 1):
            self._arrange(n_columns)
            if self._needed().width() <= room.width():
                break
        place = QRect(QPoint(), self._needed().boundedTo(room.size()))
        place.moveCenter(room.center())
        self.setGeometry(place)

    def _needed(self) -> QSize:
        """Its size without scrolling."""
        self._grid.invalidate()
        content, title = self._grid.sizeHint(), self._title.sizeHint()
        around = 2 * _HELP_MARGIN_PX + _HELP_SPARE_PX
        return content.grownBy(QMargins(0, 0, around, around + title.height()))

    def _arrange(self, n_columns: int) -> None:
        n_rows = -(-len(self._labels) // (2 * n_columns))
        for place, label in enumerate(self._labels):
            column, row = divmod(place // 2, n_rows)
            self._grid.removeWidget(label)
            self._grid.addWidget(label, row, 2 * column + place % 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismissed.emit()


def _rows() -> list[tuple[str, str]]:
    """Return keys and what they do."""
    return [(command.key_text, command.text) for command in Command] + [
        ("2 – 9", tr("Ready-made windows")),
        (tr("Shift + arrows"), tr("Window and level")),
        (tr("Ctrl + arrows"), tr("Move the film")),
        (tr("Wheel"), tr("Magnify around the pointer")),
        (tr("Right button"), tr("Drag: window (across) and level (up, down)")),
        (tr("Middle button, space"), tr("Drag: move the film")),
        (tr("Double click"), tr("Show the whole film")),
    ]


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
        self._chosen: Preset | None = None
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
        """Set every word in the user's language."""
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
        self.addActions([actions[command] for command in (*_TOOLS, Command.MAGNIFIER)])
        self.addSeparator()
        self.addWidget(self._presets)
        self.addActions([actions[Command.INVERT], actions[Command.SHUTTER]])
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
            action = self._preset_menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(preset == self._chosen)
            action.triggered.connect(lambda _=False, place=place: self.preset_chosen.emit(place))

    def _fill_layouts(self) -> None:
        self._layout_menu.clear()
        for n in LAYOUTS:
            text = tr("1 film") if n == 1 else tr("{n} films", n=n)
            self._layout_menu.addAction(text).triggered.connect(
                lambda _=False, n=n: self.layout_chosen.emit(n)
            )


def _menu_button() -> tuple[QToolButton, QMenu]:
    button = QToolButton()
    menu = QMenu(button)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setAutoRaise(True)
    return button, menu

"""Everything that a key or a button of the viewer does, and its name in the user's language."""

from collections.abc import Callable
from enum import Enum, auto
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

from app.i18n import tr
from app.theme import pixmap
from app.widgets.labels import plain_label, plain_tip
from app.widgets.viewer.pane import LAYOUTS, FilmPane
from app.widgets.viewer.picture import STEP
from app.widgets.viewer.state import Preset


class Command(Enum):
    """One thing that can be done to the films in sight."""

    HAND = auto()
    WINDOW = auto()
    RULER = auto()
    MAGNIFIER = auto()
    INVERT = auto()
    TURN_RIGHT = auto()
    TURN_LEFT = auto()
    FLIP_ACROSS = auto()
    FLIP_DOWN = auto()
    FIT = auto()
    PIXELS = auto()
    LARGER = auto()
    SMALLER = auto()
    RESET = auto()
    HEAT = auto()
    MORE_HEAT = auto()
    LESS_HEAT = auto()
    REMOVE_RULER = auto()
    LAYOUT = auto()
    LINK = auto()
    NEXT_PANE = auto()
    PREVIOUS_FILM = auto()
    NEXT_FILM = auto()
    FULL_SCREEN = auto()
    HELP = auto()
    ESCAPE = auto()


# As other radiology viewers have them where they agree.
KEYS: Final[dict[Command, tuple[str, ...]]] = {
    Command.HAND: ("P",),
    Command.WINDOW: ("W",),
    Command.RULER: ("L",),
    Command.MAGNIFIER: ("M",),
    Command.INVERT: ("I",),
    Command.TURN_RIGHT: ("R",),
    Command.TURN_LEFT: ("Shift+R",),
    Command.FLIP_ACROSS: ("H",),
    Command.FLIP_DOWN: ("V",),
    Command.FIT: ("F",),
    Command.PIXELS: ("1",),
    Command.LARGER: ("+", "="),
    Command.SMALLER: ("-",),
    Command.RESET: ("Backspace", "0"),
    Command.HEAT: ("O",),
    Command.MORE_HEAT: ("]",),
    Command.LESS_HEAT: ("[",),
    Command.REMOVE_RULER: ("Del",),
    Command.LAYOUT: ("D",),
    Command.LINK: ("K",),
    Command.NEXT_PANE: ("N",),
    Command.PREVIOUS_FILM: ("Left", "PgUp"),
    Command.NEXT_FILM: ("Right", "PgDown"),
    Command.FULL_SCREEN: ("F11",),
    Command.HELP: ("?", "F1"),
    Command.ESCAPE: ("Esc",),
}

ICONS: Final[dict[Command, str]] = {
    Command.HAND: "hand",
    Command.WINDOW: "window",
    Command.RULER: "ruler",
    Command.MAGNIFIER: "magnifier",
    Command.INVERT: "invert",
    Command.TURN_RIGHT: "turn-right",
    Command.TURN_LEFT: "turn-left",
    Command.FLIP_ACROSS: "flip-across",
    Command.FLIP_DOWN: "flip-down",
    Command.FIT: "fit",
    Command.PIXELS: "pixels",
    Command.RESET: "reset",
    Command.HEAT: "heat",
    Command.LAYOUT: "layout",
    Command.LINK: "link",
    Command.FULL_SCREEN: "full-screen",
    Command.HELP: "help",
}

# Buttons that stay down.
SWITCHES: Final = frozenset(
    {
        Command.HAND,
        Command.WINDOW,
        Command.RULER,
        Command.MAGNIFIER,
        Command.INVERT,
        Command.HEAT,
        Command.LINK,
        Command.FULL_SCREEN,
    }
)


def words(command: Command) -> str:
    """What a command does."""
    return {
        Command.HAND: tr("Move the film with the left button"),
        Command.WINDOW: tr("Window and level with the left button"),
        Command.RULER: tr("Measure with the left button"),
        Command.MAGNIFIER: tr("Magnifying glass"),
        Command.INVERT: tr("Swap black and white"),
        Command.TURN_RIGHT: tr("Turn right"),
        Command.TURN_LEFT: tr("Turn left"),
        Command.FLIP_ACROSS: tr("Flip left to right"),
        Command.FLIP_DOWN: tr("Flip top to bottom"),
        Command.FIT: tr("Show the whole film"),
        Command.PIXELS: tr("One pixel of the film on one of the screen"),
        Command.LARGER: tr("Larger"),
        Command.SMALLER: tr("Smaller"),
        Command.RESET: tr("As it was at first"),
        Command.HEAT: tr("Heat map on or off"),
        Command.MORE_HEAT: tr("Stronger heat map"),
        Command.LESS_HEAT: tr("Fainter heat map"),
        Command.REMOVE_RULER: tr("Remove the last ruler"),
        Command.LAYOUT: tr("One, two or four films"),
        Command.LINK: tr("Link zoom, place and window of all films"),
        Command.NEXT_PANE: tr("Choose the next of the films in sight"),
        Command.PREVIOUS_FILM: tr("Previous film"),
        Command.NEXT_FILM: tr("Next film"),
        Command.FULL_SCREEN: tr("Full screen"),
        Command.HELP: tr("Keys and mouse"),
        Command.ESCAPE: tr("Put the tool away, leave full screen"),
    }[command]


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


ICON_PX = 18
_TOOLS = (Command.HAND, Command.WINDOW, Command.RULER)


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
        for command, name in ICONS.items():
            icon = QIcon()
            for colour, mode, state in (
                (plain, QIcon.Mode.Normal, QIcon.State.Off),
                (chosen, QIcon.Mode.Normal, QIcon.State.On),
                (faint, QIcon.Mode.Disabled, QIcon.State.Off),
                (faint, QIcon.Mode.Disabled, QIcon.State.On),
            ):
                icon.addPixmap(pixmap(f"viewer/{name}", colour, ICON_PX), mode, state)
            self._actions[command].setIcon(icon)

    def show_words(self) -> None:
        """Name the actions in the user's language."""
        for command, action in self._actions.items():
            text, keys = words(command), keys_text(command)
            action.setText(text)
            action.setToolTip(plain_tip(f"{text}  ({keys})"))

    def _action(self, owner: QWidget, command: Command) -> QAction:
        action = QAction(owner)
        action.setShortcuts([QKeySequence(key) for key in KEYS[command]])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setCheckable(command in SWITCHES)
        action.triggered.connect(lambda _=False: self.wanted.emit(command))
        owner.addAction(action)
        return action


def keys_text(command: Command) -> str:
    """The keys of a command as the user's system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(key).toString(native) for key in KEYS[command])


_COLUMNS = 2
_MARGIN_PX = 16
_SPARE_PX = 12  # between title and list, and for rounding


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
        layout.setContentsMargins(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
        layout.addWidget(self._title)
        layout.addWidget(scroll, 1)
        self.hide()

    def show_words(self) -> None:
        """Say everything in the user's language."""
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
        self._arrange(_COLUMNS)

    def fit_into(self, room: QRect) -> None:
        """Stand in the middle of a room, in one column where it is too narrow for two."""
        for n_columns in (_COLUMNS, 1):
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
        around = 2 * _MARGIN_PX + _SPARE_PX
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
    """Keys, and what they do."""
    return [(keys_text(command), words(command)) for command in Command] + [
        ("2 – 9", tr("Ready-made windows")),
        (tr("Shift + arrows"), tr("Window and level")),
        (tr("Ctrl + arrows"), tr("Move the film")),
        (tr("Wheel"), tr("Magnify around the pointer")),
        (tr("Right button"), tr("Drag: window (across) and level (up, down)")),
        (tr("Middle button, space"), tr("Drag: move the film")),
        (tr("Double click"), tr("Show the whole film")),
    ]


_SLIDER_PX = 60
_TOOL_BUTTONS = (Command.HAND, Command.WINDOW, Command.RULER, Command.MAGNIFIER)
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
        self.addActions([actions[command] for command in _TOOL_BUTTONS])
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

"""The commands as actions with keys that work wherever the focus is within the viewer."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence
from PySide6.QtWidgets import QWidget

from app.resources import pixmap
from app.widgets.labels import plain_tip
from app.widgets.viewer.commands import ICONS, KEYS, SWITCHES, Command, words

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

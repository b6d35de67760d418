"""What can be done with the chosen films: as buttons, by keys and in the wall's menu."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.pages.catalogue_wall import class_words
from app.translation import tr
from app.widgets.translated import TranslatedWidget


class FilmActions(TranslatedWidget):
    """A line of buttons.

    Args:
        view: Where the keys for undo and redo work.
        wall: Where the key for leaving out works; in a search field it deletes letters.
    """

    undo_wanted = Signal()
    redo_wanted = Signal()
    leave_out_wanted = Signal()
    take_back_wanted = Signal()
    class_chosen = Signal(str)

    def __init__(self, view: QWidget, wall: QWidget) -> None:
        super().__init__()
        self._classes: Sequence[str] = ()
        self._undo, self._redo = QAction(self), QAction(self)
        self._leave_out, self._take_back = QAction(self), QAction(self)
        self._undo.setShortcut(QKeySequence("Ctrl+Z"))
        self._redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self._leave_out.setShortcut(QKeySequence("Delete"))
        for action in (self._undo, self._redo):
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            view.addAction(action)
        self._leave_out.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        wall.addAction(self._leave_out)
        self._set_class, self._class_menu = QPushButton(), QMenu(self)
        self._set_class.setMenu(self._class_menu)
        self._class_menu.aboutToShow.connect(self._on_class_menu_about_to_show)
        self._buttons: dict[QAction, QPushButton] = {}
        for action, wanted in (
            (self._undo, self.undo_wanted),
            (self._redo, self.redo_wanted),
            (self._leave_out, self.leave_out_wanted),
            (self._take_back, self.take_back_wanted),
        ):
            button = self._buttons[action] = QPushButton()
            button.clicked.connect(action.trigger)
            action.enabledChanged.connect(button.setEnabled)
            action.triggered.connect(wanted)
        self._lay_out()
        self.retranslate()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._buttons[self._undo])
        layout.addWidget(self._buttons[self._redo])
        layout.addStretch()
        layout.addWidget(self._buttons[self._leave_out])
        layout.addWidget(self._buttons[self._take_back])
        layout.addWidget(self._set_class)

    def retranslate(self) -> None:
        for action, text in (
            (self._undo, tr("Undo")),
            (self._redo, tr("Redo")),
            (self._leave_out, tr("Leave out")),
            (self._take_back, tr("Take back")),
        ):
            action.setText(text)
            self._buttons[action].setText(text)
            self._buttons[action].setToolTip(_with_key(text, action))
        self._set_class.setText(tr("Set class"))

    def show_classes(self, classes: Sequence[str]) -> None:
        """Offer these classes, by their folder names."""
        self._classes = classes

    def allow(
        self, *, undo: bool, redo: bool, leave_out: bool, take_back: bool, set_class: bool
    ) -> None:
        """Say what can be done now."""
        self._undo.setEnabled(undo)
        self._redo.setEnabled(redo)
        self._leave_out.setEnabled(leave_out)
        self._take_back.setEnabled(take_back)
        self._set_class.setEnabled(set_class)

    def add_to(self, menu: QMenu) -> None:
        """Offer the same in a menu."""
        menu.addActions([self._leave_out, self._take_back])
        classes = menu.addMenu(tr("Set class"))
        classes.setEnabled(self._set_class.isEnabled())
        self._fill(classes)
        menu.addSeparator()
        menu.addActions([self._undo, self._redo])

    def _fill(self, menu: QMenu) -> None:
        for name in self._classes:
            # Foreign text: neither a mnemonic nor a column of shortcuts.
            text = " ".join(class_words(name).split()).replace("&", "&&")
            menu.addAction(text).triggered.connect(partial(self._on_class_triggered, name))

    def _on_class_triggered(self, name: str, _is_checked: bool = False) -> None:
        self.class_chosen.emit(name)

    @Slot()
    def _on_class_menu_about_to_show(self) -> None:
        self._class_menu.clear()
        self._fill(self._class_menu)


def _with_key(text: str, action: QAction) -> str:
    key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{text} ({key})" if key else text

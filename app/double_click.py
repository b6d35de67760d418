"""The menu's entry for opening model files by double click, and what the system says to it."""

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.file_association import Association
from app.tasks import TaskRunner
from app.widgets.labels import show_note
from app.widgets.window_parts import MenuBar
from core.errors import Message


class DoubleClick(QObject):
    """Ticks the entry as the system has it, and has the system follow the entry.

    Args:
        menus: Where the entry is.
        association: What the system knows.
        window: Over which the outcome is told.
    """

    failed = Signal(object)  # Failure

    def __init__(self, menus: MenuBar, association: Association, window: QWidget) -> None:
        super().__init__(window)
        self._menus, self._association, self._window = menus, association, window
        self.runner = TaskRunner(self)  # the desktop's own tools can take seconds
        menus.file_menu_opened.connect(self._show)
        menus.double_click_chosen.connect(self._on_chosen)
        self.runner.reported.connect(self._on_reported)
        self.runner.failed.connect(self.failed)
        self.runner.finished.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        if not self.runner.is_running:
            self._menus.show_double_click(self._association.is_registered())

    @Slot(bool)
    def _on_chosen(self, is_wanted: bool) -> None:
        asked = self._association
        change = asked.register if is_wanted else asked.unregister
        self._menus.show_double_click(is_wanted, is_settled=False)
        self.runner.start(lambda: _outcome(change))

    @Slot(object)
    def _on_reported(self, message: Message) -> None:
        show_note(message, self._window)


def _outcome(change: Callable[[], Message]) -> Iterator[Message]:
    yield change()

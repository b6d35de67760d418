"""State of the help page's diagnostics: collected in the background, then copied."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import TaskQueue, TaskRunner
from core.diagnostics import diagnose
from core.workspace import Workspace


class HelpViewModel(QObject):
    """Collects diagnostics, one at a time.

    Args:
        runner: Where they are collected; this view-model's own.
        workspace: Whose disk is measured.
        is_training: Tells whether a run trains now: then there is no self-test.
    """

    changed = Signal()  # busy or not
    diagnosed = Signal(str)  # the text
    failed = Signal(object)  # Failure

    def __init__(
        self, runner: TaskRunner, workspace: Workspace, is_training: Callable[[], bool]
    ) -> None:
        super().__init__()
        self._queue, self._workspace = TaskQueue(runner, self), workspace
        self._is_training = is_training
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self.changed)

    @property
    def is_busy(self) -> bool:
        """True while diagnostics are being collected."""
        return self._queue.is_busy

    def diagnose(self) -> None:
        """Collect the diagnostics."""
        if self.is_busy:
            return
        is_free = not self._is_training()
        self._queue.put("diagnose", lambda: diagnose(self._workspace, with_self_test=is_free))
        self.changed.emit()

    def end(self) -> None:
        """Give up, and begin nothing after it."""
        self._queue.close()

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        if isinstance(event, str):
            self.diagnosed.emit(event)

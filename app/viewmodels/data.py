"""The Data page's state: which dataset is open, or what is being opened."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Outcome, TaskRunner
from core.config import preset
from core.data.loading import LoadedDataset, load_dataset
from core.demo import demo_archive, draw_demo
from core.events import Progress
from core.workspace import Workspace


class DataViewModel(QObject):
    """Opens zips and folders, one at a time.

    Args:
        runner: Where the work is done; this view-model's own.
        workspace: Where unpacked and decoded films are kept.
    """

    changed = Signal()  # busy or not, another dataset
    progressed = Signal(object)  # Progress
    loaded = Signal(object)  # LoadedDataset
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._runner, self._workspace = runner, workspace
        self._loaded: LoadedDataset | None = None
        self._next: Path | None = None
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_runner_finished)

    @property
    def dataset(self) -> LoadedDataset | None:
        """The dataset that is open."""
        return self._loaded

    @property
    def is_busy(self) -> bool:
        """Whether a dataset is being opened."""
        return self._runner.is_running

    def open(self, source: Path) -> None:
        """Open a zip or folder; what is being opened is given up for it."""
        if self.is_busy:
            self._next = source
            self._runner.stop()
            return
        self._start(source)

    @property
    def demo_source(self) -> Path:
        """The zip that `open_demo` opens."""
        return demo_archive(self._workspace)

    def open_demo(self) -> None:
        """Draw the built-in dataset where it is not there yet, and open it."""
        self.open(self.demo_source)

    def cancel(self) -> None:
        """Give up opening; the dataset that was open stays."""
        self._next = None
        self._runner.stop()

    def _start(self, source: Path) -> None:
        def events() -> Iterator[Progress | LoadedDataset]:
            if source == self.demo_source:
                yield from draw_demo(self._workspace)
            yield from load_dataset(
                source, self._workspace, preset("recommended").preprocessing.image_size
            )

        self._runner.start(events)
        self.changed.emit()

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        if isinstance(event, LoadedDataset):
            self._loaded = event
            self.loaded.emit(event)
        else:
            self.progressed.emit(event)

    @Slot(object)
    def _on_runner_finished(self, _outcome: Outcome) -> None:
        if self._next is not None:
            source, self._next = self._next, None
            self._start(source)
        else:
            self.changed.emit()

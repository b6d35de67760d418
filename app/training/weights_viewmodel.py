"""Initial weights of the next run: random, published, or from a file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, TaskQueue, TaskRunner
from app.training.viewmodel import TrainingViewModel
from core.config import LONGEST_NAME, Architecture
from core.errors import Message
from core.events import Progress
from core.workspace import Workspace

# Loaded where they are needed: with them the window would come a tenth of a second later.
if TYPE_CHECKING:
    from core.models.initial_weights import InitialWeights

Start = Literal["random", "published", "file"]
Fitted = tuple[Architecture, tuple[str, ...]]  # what weights were opened for: network, classes


class InitialWeightsViewModel(QObject):
    """Opens weights in the background, and again whenever the network or the classes change.

    `TrainingViewModel.initial_weights` and the name in its settings follow.

    Args:
        runner: Where files are read and fetched; this view-model's own.
        training: Whose weights these are.
        workspace: Keeps what was fetched.
    """

    changed = Signal()
    progressed = Signal(object)  # Progress
    failed = Signal(object)  # Failure

    def __init__(
        self, runner: TaskRunner, training: TrainingViewModel, workspace: Workspace
    ) -> None:
        super().__init__()
        self._queue, self._training = TaskQueue(runner, self), training
        self.folder = workspace.root / "weights"  # made once something is fetched
        self.start: Start = "random"
        self._file: Path | None = None  # for "file"
        self._tried_for: Fitted | None = None
        self.failure: Message | None = None
        self.remembered = ""  # what an earlier run began with, whose settings were taken over
        training.changed.connect(self._on_training_changed)
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self._on_queue_failed)
        self._queue.finished.connect(self.changed)

    @property
    def is_busy(self) -> bool:
        """True if weights are being fetched or opened: a run that starts now starts without."""
        return self._queue.is_busy

    @property
    def is_waiting(self) -> bool:
        """True if weights are chosen that nobody can fit before a dataset is open."""
        return self.start != "random" and self._fitted() is None

    @property
    def needs_fetching(self) -> bool:
        """True if published weights are chosen that are not here yet."""
        is_idle = not self.is_busy and not self.is_waiting
        return self.start == "published" and is_idle and self.weights is None

    @property
    def weights(self) -> "InitialWeights | None":
        """Initial weights of the next run, as far as they are open."""
        return self._training.initial_weights

    @property
    def published_file(self) -> str:
        """File name of the published weights of the chosen network."""
        from core.models.published_weights import published

        return published(self._training.config.architecture).file

    def description(self) -> tuple[Message, ...]:
        """Describe in sentences which weights fit and which do not."""
        if self.weights is None:
            return ()
        from core.models.initial_weights import describe

        return describe(self.weights)

    def start_at_random(self) -> None:
        """Forget all weights; give up what is being fetched or opened."""
        self._choose("random", None)

    def open_file(self, path: Path) -> None:
        """Start from a file, once it has been read."""
        self._choose("file", path)
        self._open()

    def fetch_published(self) -> None:
        """Start from the published weights of the network; fetch them where they are not here."""
        self._choose("published", None)
        self._open()

    def _choose(self, start: Start, path: Path | None) -> None:
        self.start, self._file = start, path
        self._tried_for, self.failure, self.remembered = None, None, ""
        self._queue.drop()
        self._take(None)
        self.changed.emit()

    def _fitted(self) -> Fitted | None:
        """Return network and classes that weights have to fit now."""
        dataset = self._training.dataset
        if dataset is None:
            return None
        return self._training.config.architecture, tuple(dataset.dataset.classes)

    def _open(self) -> None:
        wanted = self._fitted()
        if self.start == "random" or wanted is None:
            return
        self._tried_for, self.failure = wanted, None
        self._take(None)
        self._queue.replace(wanted, partial(_opening, self._file, self.folder, wanted))
        self.changed.emit()

    def _take(self, weights: "InitialWeights | None") -> None:
        self._training.initial_weights = weights
        self._training.change(initial_weights=_name(weights))

    @Slot()
    def _on_training_changed(self) -> None:
        if self._training.is_training:  # it shows the settings of the run
            return
        recorded = self._training.config.initial_weights
        if recorded != _name(self.weights):
            # A preset, or the settings of an earlier run: its weights are not at hand.
            self._choose("random", None)
            self.remembered = recorded
            self.changed.emit()
        elif self.start != "random" and self._fitted() != self._tried_for:
            is_here = self.start == "file" or (self.folder / self.published_file).exists()
            if is_here:
                self._open()
            else:  # whoever browses through the networks does not want to fetch them all
                self._choose("published", None)
                self._tried_for = self._fitted()

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)
        else:
            self._take(cast("InitialWeights", event))
            self.changed.emit()

    @Slot(object)
    def _on_queue_failed(self, failure: Failure) -> None:
        self.failure = failure.message
        self.failed.emit(failure)


def _opening(
    path: Path | None, folder: Path, fitted: Fitted
) -> "Iterator[Progress | InitialWeights]":
    """Fetch the published weights where there is no `path`; open what there is then."""
    from core.models.initial_weights import open_initial_weights
    from core.models.published_weights import download

    architecture, classes = fitted
    if path is None:
        for step in download(architecture, folder):
            if isinstance(step, Progress):
                yield step
            else:
                path = step
    assert path is not None  # the last step of download
    yield Progress(Message("Opening {file}", file=path.name), 0, 0)
    yield open_initial_weights(path, architecture, len(classes), classes)


def _name(weights: "InitialWeights | None") -> str:
    return weights.name[:LONGEST_NAME] if weights is not None else ""

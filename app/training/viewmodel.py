"""The Train page's state: the settings, the run, and the events it has reported."""

import contextlib
import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import EventSource, Failure, Outcome, TaskQueue, TaskRunner
from core.audit.report import Report
from core.config import PresetName, TrainingConfig, preset
from core.data.dataset import LoadedDataset
from core.errors import Message, RunFolderError
from core.events import (
    BatchDone,
    BatchHalved,
    EpochDone,
    FilmsRepaired,
    Progress,
    Resumed,
    SavingFailed,
    TrainingDone,
    TrainingStarted,
)
from core.runtime.devices import Device
from core.runtime.memory import card_memory_in_use, memory_in_use
from core.training.advice import advice, epochs_since_best
from core.training.estimate import Estimate
from core.training.history import History
from core.training.run_description import read_description
from core.training.run_folder import BEST_FILE, LAST_FILE, mark_paused
from core.training.runs import (
    InterruptedRun,
    newest_interrupted,
    usable_checkpoint,
)
from core.workspace import Workspace

if TYPE_CHECKING:  # loads Paddle
    from core.models.initial_weights import InitialWeights

_LOADING = Progress(Message("Loading the deep-learning library"), 0, 0)


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run does not go on because its description was changed."""

    message: Message


def training(
    config: TrainingConfig,
    dataset: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
    initial: "InitialWeights | None",
    pause: threading.Event,
) -> Iterator[object]:
    """Train anew in `folder`; `pause` is set before a run is closed that is to be resumed."""
    yield _LOADING
    from core.training.session import run_training

    with _pausable(folder, pause):
        yield from run_training(config, dataset, folder, device_name, workspace, initial)


def resuming(
    folder: Path,
    workspace: Workspace,
    device_name: str,
    extra_epochs: int,
    accepts_changes: bool,
    pause: threading.Event,
) -> Iterator[object]:
    """Go on with the run in `folder`: first its settings and history, then its events.

    Where its description was changed and that is not accepted, the last event is RunChanged.
    """
    yield read_description(folder).config
    yield History.read(folder)
    yield _LOADING
    from core.training.session import ChangedRunError, resume_training

    run = resume_training(
        folder, workspace, device_name, extra_epochs, accepts_changes=accepts_changes
    )
    try:
        with _pausable(folder, pause), closing(run) as events:
            for event in events:
                yield event
                if isinstance(event, Resumed):
                    yield History.read(folder)  # without what is trained once more
    except ChangedRunError as error:
        yield RunChanged(error.message)


def estimating(
    config: TrainingConfig, dataset: LoadedDataset, device_name: str, workspace: Workspace
) -> Iterator[object]:
    """Measure what a run would take."""
    yield _LOADING
    from core.training.estimate import estimate

    yield from estimate(config, dataset, device_name, workspace)


@contextmanager
def _pausable(folder: Path, pause: threading.Event) -> Iterator[None]:
    try:
        yield
    except GeneratorExit:  # the run inside is closed already
        if pause.is_set():
            # Where there is no run yet, there is none to be resumed.
            with contextlib.suppress(RunFolderError):
                mark_paused(folder)
        raise


_Request = Literal["run", "estimate"]


class TrainingViewModel(QObject):
    """Holds the settings of the next run, trains one network at a time, remembers its curves.

    Args:
        runner: Where training runs; this view-model's own.
        workspace: Where runs are kept.
    """

    changed = Signal()  # settings, dataset, running or not
    devices_found = Signal(object)  # tuple of Device
    progressed = Signal(object)  # Progress before and between the epochs
    started = Signal(object)  # TrainingStarted
    history_read = Signal(object)  # History of the run that goes on: all curves begin anew
    acceptance_wanted = Signal(object)  # Message: a run was changed; `accept_changes` goes on
    noted = Signal(object)  # Message: something happened that the user may want to know
    batch_done = Signal(object)  # BatchDone
    epoch_done = Signal(object)  # EpochDone
    trained = Signal(object)  # TrainingDone
    stopped = Signal(object)  # stopped, paused or failed: Path of the best model so far, or None
    estimated = Signal(object)  # Estimate
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._queue, self._workspace = TaskQueue(runner, self), workspace
        self.dataset: LoadedDataset | None = None  # of the next run
        self.config = preset("recommended")  # of the next run
        self.initial_weights: InitialWeights | None = None
        self.is_opening_weights = False  # what the run is to begin with is not there yet
        self.is_training_elsewhere = False  # models that the Evaluate page asked for
        self.device_name = "auto"
        self.warnings: tuple[Message, ...] = ()  # about the open dataset
        self.run_dataset: LoadedDataset | None = None  # of the run that was started last
        self.run_config = self.config  # of the run that was started last
        self._pause = threading.Event()
        self._extra_epochs = 0  # that the latest run was asked to go on for
        self.is_stopping = False  # asked to stop or to pause, it finishes its batch
        self._can_resume = False
        self.outcome: Outcome | None = None  # of the latest run
        self.is_paused = False  # the latest run: its user means to go on
        self.start_event: TrainingStarted | None = None
        self.history = History()  # of the run that was started last
        self.result: TrainingDone | None = None
        self.run_folder: Path | None = None
        self._estimate: Estimate | None = None
        self._estimated: object = None  # what it was made for
        self._queue.started.connect(self.changed)
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self._on_queue_finished)

    # The settings.

    def set_opening_weights(self, is_opening: bool) -> None:
        """Say whether the initial weights are being read: no run begins without them."""
        if is_opening != self.is_opening_weights:
            self.is_opening_weights = is_opening
            self.changed.emit()

    def set_training_elsewhere(self, is_training: bool) -> None:
        """Say whether other models are being trained: Paddle trains one network at a time."""
        self.is_training_elsewhere = is_training

    @property
    def is_changed(self) -> bool:
        """True if a setting differs from its preset's, apart from the seed."""
        return self.config != preset(self.config.preset).changed(seed=self.config.seed)

    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """Offer these devices."""
        self.devices_found.emit(devices)

    @Slot(object)
    def set_report(self, report: Report) -> None:
        """Warn of what the audit of the dataset found: a model's answers will carry it."""
        self.warnings = report.facts.warnings() if report.facts is not None else ()
        self.changed.emit()

    def set_dataset(self, dataset: LoadedDataset) -> None:
        """Train on `dataset` from now on."""
        self.dataset, self.warnings = dataset, ()
        self.changed.emit()

    def choose_preset(self, name: PresetName) -> None:
        """Set every setting to the preset's, but for the seed."""
        self.set_config(preset(name).changed(seed=self.config.seed))

    def change(self, **values: Any) -> None:
        """Change some settings.

        Raises:
            ConfigError: A value is out of its range; nothing was changed.
        """
        self.set_config(self.config.changed(**values))

    def set_config(self, config: TrainingConfig) -> None:
        """Take `config` for the next run."""
        if config != self.config:
            self.config = config
            self.changed.emit()

    # What goes on, and what may be done.

    @property
    def is_training(self) -> bool:
        """True if a run is going on."""
        return self._queue.current == "run"

    @property
    def is_estimating(self) -> bool:
        """True if two batches are being measured."""
        return self._queue.current == "estimate"

    @property
    def is_pausing(self) -> bool:
        """True if the run was asked to pause."""
        return self.is_stopping and self._pause.is_set()

    @property
    def can_start(self) -> bool:
        """True if there is something to train on and nothing training."""
        is_ready = self.dataset is not None and not self.is_opening_weights
        return is_ready and not self.is_training

    @property
    def can_resume(self) -> bool:
        """True if the latest run was cut short and can go on."""
        return self._can_resume and self.result is None and not self.is_training

    @property
    def can_continue(self) -> bool:
        """True if the latest run reached its end and can train further epochs."""
        return self._can_resume and self.result is not None and not self.is_training

    # The run.

    def start(self) -> None:
        """Start a run in a new folder of the workspace."""
        dataset = self.dataset
        if dataset is None or self.is_training or self._is_refused():
            return
        folder = self._new_run_folder()
        self.run_folder, self.run_dataset, self.run_config = folder, dataset, self.config
        self.start_event = None
        self.history = History()
        self._begin(
            partial(
                training,
                self.config,
                dataset,
                folder,
                self.device_name,
                self._workspace,
                self.initial_weights,
            )
        )

    def resume(self, folder: Path | None = None) -> None:
        """Go on with a run that was cut short.

        Args:
            folder: None: the latest run of this window.
        """
        self._go_on(folder or self.run_folder, 0)

    def continue_for(self, n_epochs: int) -> None:
        """Train the latest run, which reached its end, for further epochs."""
        self._go_on(self.run_folder, n_epochs)

    def accept_changes(self) -> None:
        """Go on with the run whose description was changed, as it says now."""
        self._go_on(self.run_folder, self._extra_epochs, accepts_changes=True)

    def pause(self) -> None:
        """End the run at its next batch, to be resumed, now or after the next start."""
        if self.is_training and not self.is_stopping:
            self._pause.set()
        self._end()

    def stop_keep_best(self) -> None:
        """End the run at its next batch; its best weights so far are its model."""
        self._end()

    def end(self) -> None:
        """End what goes on because the window closes: a run is offered at the next start."""
        self.pause()
        self._queue.close()

    def estimate(self) -> None:
        """Measure the time and memory of a run with the settings as they are."""
        if self.dataset is None or self._queue.is_busy or self._is_refused():
            return
        self._estimate, self._estimated = None, self._what_to_estimate()
        self._put(
            "estimate",
            partial(estimating, self.config, self.dataset, self.device_name, self._workspace),
        )

    # What there is to say.

    @property
    def latest_estimate(self) -> Estimate | None:
        """Estimate of a run with the settings as they are, if it was measured."""
        return self._estimate if self._estimated == self._what_to_estimate() else None

    def advice(self) -> tuple[Message, ...]:
        """Return advice on the latest run, in plain sentences."""
        n_validation = self.start_event.n_validation if self.start_event else 0
        return advice(self.history.epochs, self.run_config, n_validation)

    def epochs_since_best(self) -> int | None:
        """None before the first epoch has ended."""
        return epochs_since_best(self.history.epochs) if self.history.epochs else None

    def memory_in_use(self) -> int:
        """Bytes: of the card that trains, else of this program."""
        device = self.start_event.device if self.start_event else ""
        return card_memory_in_use(device) or memory_in_use()

    def interrupted_run(self) -> InterruptedRun | None:
        """The newest run that waits to be resumed; cheap enough for the start of the program."""
        return newest_interrupted(self._workspace.runs)

    def saved_model(self) -> Path | None:
        """The best model file of the latest run, else its last one, else None."""
        if self.run_folder is None:
            return None
        candidates = (self.run_folder / BEST_FILE, self.run_folder / LAST_FILE)
        return next((path for path in candidates if path.exists()), None)

    def _is_refused(self) -> bool:
        """Say so where no run can begin because other models are being trained."""
        if self.is_training_elsewhere:
            self.failed.emit(
                Failure(
                    Message(
                        "The Evaluate page is training models. Wait until they are done, or cancel "
                        "it there."
                    )
                )
            )
        return self.is_training_elsewhere

    def _go_on(
        self, folder: Path | None, extra_epochs: int, *, accepts_changes: bool = False
    ) -> None:
        if folder is None or self.is_training or self._is_refused():
            return
        self._extra_epochs = extra_epochs
        if folder != self.run_folder:
            # Of which dataset it is, core finds out; what is open now may be another.
            self.run_dataset, self.start_event = None, None
            self.history = History()
        self.run_folder = folder
        self._begin(
            partial(
                resuming, folder, self._workspace, self.device_name, extra_epochs, accepts_changes
            )
        )

    def _begin(self, source: Callable[[threading.Event], Iterator[object]]) -> None:
        self._pause = threading.Event()
        self.is_stopping, self.is_paused, self._can_resume = False, False, False
        self.result, self.outcome = None, None
        self._estimate = None  # from now on the run itself says what it takes
        self._put("run", partial(source, self._pause))

    def _put(self, request: _Request, source: EventSource) -> None:
        """Begin now, or as soon as an estimate that is being made has let go."""
        self._queue.replace(request, source)
        if self._queue.current is None:  # it has not
            self.changed.emit()

    def _end(self) -> None:
        if self.is_training and not self.is_stopping:
            self.is_stopping = True
            self._queue.stop()
            self.changed.emit()

    def _what_to_estimate(self) -> tuple[object, ...]:
        return self.config, self.device_name, id(self.dataset)

    def _new_run_folder(self) -> Path:
        started = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        name = f"{started}_{self.config.architecture}"
        folder, n = self._workspace.runs / name, 1
        while folder.exists():
            n += 1
            folder = self._workspace.runs / f"{name}-{n}"
        return folder

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        match event:
            case BatchDone():
                self.history.append(event)
                self.batch_done.emit(event)
            case EpochDone():
                self.history.append(event)
                self.epoch_done.emit(event)
            case TrainingStarted():
                self.start_event = event
                self.started.emit(event)
            case TrainingDone():
                self.result = event
            case History():
                self.history = event
                self.history_read.emit(event)
            case TrainingConfig():  # of a run that goes on
                self.run_config = event
                self.set_config(event)
            case BatchHalved() | FilmsRepaired() | SavingFailed():
                self.noted.emit(event.message)
            case RunChanged():
                self.acceptance_wanted.emit(event.message)
            case Resumed():
                self.noted.emit(
                    Message("Resumed in epoch {epoch}.", epoch=event.epoch)
                    if not event.is_from_previous
                    else Message(
                        "Resumed in epoch {epoch}, from the checkpoint before the newest one, "
                        "which cannot be used.",
                        epoch=event.epoch,
                    )
                )
                if event.warning is not None:
                    self.noted.emit(event.warning)
            case Estimate():
                self._estimate = event
                self.estimated.emit(event)
            case Progress():
                self.progressed.emit(event)

    @Slot(object, object)
    def _on_queue_finished(self, outcome: Outcome, request: _Request) -> None:
        if request == "estimate":
            self.changed.emit()
            return
        self.is_paused = self.is_pausing and self.result is None
        self.is_stopping = False
        self.outcome = outcome
        self._can_resume = self._has_checkpoint()
        self.changed.emit()
        if self.result is not None:  # a stop after the last batch comes too late
            self.trained.emit(self.result)
        else:
            self.stopped.emit(self.saved_model())

    def _has_checkpoint(self) -> bool:
        if self.run_folder is None:
            return False
        try:
            return usable_checkpoint(self.run_folder)[0]
        except (RunFolderError, OSError):
            return False

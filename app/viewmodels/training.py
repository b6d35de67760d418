"""The Train page's state: the settings, the run, and the events it has reported."""

import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Outcome, TaskRunner
from core.config import PresetName, TrainingConfig, preset
from core.data.loading import LoadedDataset
from core.errors import Message
from core.events import BatchDone, EpochDone, Progress, TrainingDone, TrainingStarted
from core.runtime.devices import Device
from core.training.run_folder import BEST_FILE, LAST_FILE
from core.workspace import Workspace


class TrainingViewModel(QObject):
    """Trains one network at a time and remembers its curves.

    Args:
        runner: Where training runs; this view-model's own.
        workspace: Where runs are kept.
    """

    changed = Signal()  # settings, dataset, running or not
    devices_found = Signal(object)  # tuple of Device
    progressed = Signal(object)  # Progress before and between the epochs
    started = Signal(object)  # TrainingStarted
    batch_done = Signal(object)  # BatchDone
    epoch_done = Signal(object)  # EpochDone
    trained = Signal(object)  # TrainingDone
    stopped = Signal(object)  # stopped or failed: Path of the best model so far, or None
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._runner, self._workspace = runner, workspace
        self._dataset: LoadedDataset | None = None
        self.run_dataset: LoadedDataset | None = None  # of the run that was started last
        self._config = preset("recommended")
        self._is_stopping = False
        self.device_name = "auto"
        self.outcome: Outcome | None = None  # of the latest run
        self.start_event: TrainingStarted | None = None
        self.batches: list[BatchDone] = []
        self.epochs: list[EpochDone] = []
        self.result: TrainingDone | None = None
        self.run_folder: Path | None = None
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self.failed)
        runner.finished.connect(self._on_runner_finished)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run."""
        return self._config

    @property
    def is_changed(self) -> bool:
        """Whether a setting differs from its preset's, apart from the seed."""
        return self._config != dataclasses.replace(
            preset(self._config.preset), seed=self._config.seed
        )

    @property
    def dataset(self) -> LoadedDataset | None:
        """What the next run trains on."""
        return self._dataset

    @property
    def is_training(self) -> bool:
        """Whether a run is going on."""
        return self._runner.is_running

    @property
    def is_stopping(self) -> bool:
        """Whether the run was asked to stop and finishes its batch."""
        return self._is_stopping

    @property
    def can_start(self) -> bool:
        """Whether there is something to train on and nothing training."""
        return self._dataset is not None and not self.is_training

    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """Offer these devices."""
        self.devices_found.emit(devices)

    def set_dataset(self, dataset: LoadedDataset) -> None:
        """Train on `dataset` from now on."""
        self._dataset = dataset
        self.changed.emit()

    def choose_preset(self, name: PresetName) -> None:
        """Set every setting to the preset's, but for the seed."""
        self.set_config(dataclasses.replace(preset(name), seed=self._config.seed))

    def change(self, **values: Any) -> None:
        """Change some settings.

        Raises:
            ConfigError: A value is out of its range; nothing was changed.
        """
        self.set_config(dataclasses.replace(self._config, **values))

    def change_image_size(self, image_size: int) -> None:
        """Change the side of the square that films are brought to."""
        self.change(
            preprocessing=dataclasses.replace(self._config.preprocessing, image_size=image_size)
        )

    def set_config(self, config: TrainingConfig) -> None:
        """Take `config` for the next run."""
        if config != self._config:
            self._config = config
            self.changed.emit()

    def start(self) -> None:
        """Start a run in a new folder of the workspace."""
        dataset = self._dataset
        if dataset is None or self.is_training:
            return
        config, device_name, workspace = self._config, self.device_name, self._workspace
        folder = self._new_run_folder()

        def events() -> Iterator[object]:
            yield Progress(Message("Loading the deep-learning library"), 0, 0)
            from core.training.session import run_training

            yield from run_training(config, dataset, folder, device_name, workspace)

        self._is_stopping = False
        self.start_event, self.result, self.run_folder = None, None, folder
        self.outcome = None
        self.run_dataset = dataset
        self.batches, self.epochs = [], []
        self._runner.start(events)
        self.changed.emit()

    def stop(self) -> None:
        """End the run at its next batch, keeping what it has."""
        if self.is_training:
            self._is_stopping = True
            self._runner.stop()
            self.changed.emit()

    def _new_run_folder(self) -> Path:
        started = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        name = f"{started}_{self._config.architecture}"
        folder, n = self._workspace.runs / name, 1
        while folder.exists():
            n += 1
            folder = self._workspace.runs / f"{name}-{n}"
        return folder

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        match event:
            case BatchDone():
                self.batches.append(event)
                self.batch_done.emit(event)
            case EpochDone():
                self.epochs.append(event)
                self.epoch_done.emit(event)
            case TrainingStarted():
                self.start_event = event
                self.started.emit(event)
            case TrainingDone():
                self.result = event
            case _:
                self.progressed.emit(event)

    @Slot(object)
    def _on_runner_finished(self, outcome: Outcome) -> None:
        self._is_stopping = False
        self.outcome = outcome
        self.changed.emit()
        if self.result is not None:  # a stop after the last batch comes too late
            self.trained.emit(self.result)
        else:
            self.stopped.emit(self.saved_model())

    def saved_model(self) -> Path | None:
        """The best model file of the latest run, else its last one, else None."""
        if self.run_folder is None:
            return None
        candidates = (self.run_folder / BEST_FILE, self.run_folder / LAST_FILE)
        return next((path for path in candidates if path.exists()), None)

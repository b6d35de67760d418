"""The training loop, to be read aloud: every epoch trains, validates and is saved.

`train` drives a `_Session`, which holds the run while it trains; `Saving` writes its checkpoints
in the background. The batches of one epoch are `core.training.epoch`, one step of the optimiser
`core.training.learner`, and the end of a run `core.training.final_fit`.
"""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.data.batches import BatchSource, class_weights
from core.data.cache import ImageCache
from core.data.records import Dataset
from core.data.splits import Splits
from core.errors import Message, PneumoScopeError, RunFolderError, TrainingError
from core.events import (
    BatchHalved,
    EpochDone,
    FilmsRepaired,
    Progress,
    Resumed,
    SavingFailed,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
)
from core.models.dataset_findings import DatasetFindings
from core.models.weights import load_arrays, to_arrays
from core.runtime.devices import Device
from core.runtime.memory import memory_for
from core.runtime.paddle import seed_everything
from core.runtime.threads import BUILDING
from core.training.checkpoint import (
    Checkpoint,
    CheckpointWriter,
    FoundCheckpoint,
    TrainingProgress,
    drop_previous,
    load_checkpoint,
    save_checkpoint,
)
from core.training.epoch import EpochRun, Pace
from core.training.final_fit import Parts, evaluate, fit_calibration_and_novelty
from core.training.learner import Learner
from core.training.run_folder import RunFolder, describe_batch, describe_epoch
from core.training.run_models import CardWriter, RunModels, best_so_far

LOG_EVERY = 30  # batches, as in the notebook
SAVE_EVERY_S = 60.0
FIRST_SAVE_S = 15.0  # sooner: a run that is interrupted again and again must come forward


class Saving:
    """Writer of checkpoints while training goes on; each trouble is told once.

    Args:
        run: Where they are written.
        models: Whose best weights may wait for room on the disk, too.
        clock: Seconds, never going back.
    """

    def __init__(
        self, run: RunFolder, models: RunModels, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run, self._models, self._clock = run, models, clock
        self._writer = CheckpointWriter(partial(_save, run, models))
        self._saved_at = clock() - max(0.0, SAVE_EVERY_S - FIRST_SAVE_S)
        self._told: set[str] = set()  # templates of what is wrong and was said already

    @property
    def is_due(self) -> bool:
        """True once the latest checkpoint is a minute old, or the first one is wanted."""
        return self._clock() - self._saved_at >= SAVE_EVERY_S

    def submit(self, take_checkpoint: Callable[[], Checkpoint]) -> None:
        """Take a checkpoint; write it and a best model that waits in the background."""
        self._saved_at = self._clock()
        try:
            checkpoint = take_checkpoint()
        except MemoryError as error:  # the copy did not fit; the next one may
            self._writer.error = error
        else:
            self._writer.submit(checkpoint)

    def troubles(self) -> Iterator[SavingFailed]:
        """Tell of each file that cannot be written and was not told of yet."""
        self._writer.advance()
        messages = [self._run.trouble]
        if self._writer.error is not None:
            messages.append(_not_saved(self._run, self._writer.error))
        if self._models.error is not None:
            messages.append(self._models.error.message)
        now = {message.template: message for message in messages if message is not None}
        new = [message for template, message in now.items() if template not in self._told]
        self._told = set(now)
        for message in new:
            self._run.log(str(message))
            yield SavingFailed(message)

    def make_room(self) -> None:
        """Once the last checkpoint is written, delete the one before: models need the room."""
        self._writer.wait()
        if self._writer.error is None:
            with contextlib.suppress(OSError):
                drop_previous(self._run.path)

    def finish(self) -> None:
        """Wait until the newest checkpoint is written.

        Raises:
            RunFolderError: The disk refuses.
        """
        try:
            self._writer.finish()
        except (OSError, MemoryError) as error:
            raise RunFolderError(_not_saved(self._run, error)) from error

    def abandon(self) -> None:
        """Leave no thread behind, and no best model unsaved; harmless after `finish`."""
        self._writer.abandon()
        self._models.save_waiting()

    def latest(self) -> Checkpoint | None:
        """Return the newest checkpoint that was written, if it can be read."""
        self.abandon()
        try:
            found = load_checkpoint(self._run.path)
        except RunFolderError:
            return None
        return found.checkpoint if found is not None else None


def _save(run: RunFolder, models: RunModels, checkpoint: Checkpoint) -> None:
    # First: a run that goes on from this checkpoint looks for the best model that it names.
    models.save_waiting()
    # What was recorded up to the checkpoint should not be lost before it.
    with contextlib.suppress(OSError):
        run.sync()
    save_checkpoint(run.path, checkpoint)


def _not_saved(run: RunFolder, error: OSError | MemoryError) -> Message:
    return Message(
        "The state of training could not be saved in {folder} ({reason}); the state that was "
        "saved before is still there. It is tried again every minute. Free some disk space, or "
        "check that the folder may be written to.",
        folder=str(run.path),
        reason=getattr(error, "strerror", None) or str(error) or "out of memory",
    )


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A dataset, its decoded films and who goes where."""

    dataset: Dataset
    cache: ImageCache
    splits: Splits
    findings: DatasetFindings | None = None  # None: nobody looked
    groups: tuple[str, ...] | None = None  # the patient of each film; None: each is of another


@dataclass(frozen=True, slots=True)
class Begin:
    """The start of a run that does not begin at random weights in its first epoch."""

    weights: Mapping[str, NDArray[np.float32]] | None = None  # torchvision's names and layout
    checkpoint: FoundCheckpoint | None = None
    is_resumed: bool = False  # also without a checkpoint: none had been written yet


def train(
    config: TrainingConfig,
    data: TrainingData,
    run: RunFolder,
    device: Device,
    begin: Begin | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train a network and leave its models in `run`.

    Every event but Progress and SavingFailed is also a line of the run's metrics.jsonl.
    Closing the generator stops training between two batches and saves everything: the run
    can be resumed from there. Files that the disk refuses are tried again; only what is
    still refused at the end is an error.

    Raises:
        TrainingError: The numbers are no longer finite; the last ones that were are saved.
        DeviceError: The device gave up, or its memory does not hold a single film.
        ModelFileError: A model cannot be written, for instance because the disk is full.
        RunFolderError: Another file of the run cannot be written.
    """
    with run.guarded():
        session = _Session(config, data, run, device, begin or Begin())
        try:
            with closing(session.events()) as events:
                for event in events:
                    if not isinstance(event, Progress | SavingFailed):
                        run.record(event)
                    if isinstance(event, TrainingDone):
                        run.close("finished")  # whoever stops now comes too late
                    yield event
        except GeneratorExit:
            session.save_stopped()
            raise
        except TrainingError:
            with contextlib.suppress(PneumoScopeError):  # a full disk hides no other error
                session.save_last_finite()
            raise
        finally:
            session.saving.abandon()


class _Session:
    """The state of one run while it trains."""

    def __init__(
        self,
        config: TrainingConfig,
        data: TrainingData,
        run: RunFolder,
        device: Device,
        begin: Begin,
    ) -> None:
        self._config, self._run, self._device, self._begin = config, run, device, begin
        self._parts = Parts(
            train=_source(data, data.splits.train, config.batch_size),
            validation=_source(data, data.splits.validation, config.batch_size),
            test=_source(data, data.splits.test, config.batch_size),
            classes=data.dataset.classes,
            validation_groups=None
            if data.groups is None
            else tuple(data.groups[index] for index in data.splits.validation),
        )
        train, self._validation = self._parts.train, self._parts.validation
        self._n_train, self._batches_per_epoch = len(train.records), train.n_batches
        with BUILDING, memory_for(config.batch_size):
            seed_everything(config.seed)
            n_classes = len(data.dataset.classes)
            is_balanced = config.class_balance != "none"
            balance = class_weights(train.labels, n_classes) if is_balanced else None
            # To draw a class more often does the same to the logits as to let it weigh more.
            self._log_weights = np.log(balance) if balance is not None else None
            weights = balance if config.class_balance == "weights" else None
            self._learner = Learner(config, n_classes, device, weights, begin.weights)
        write_card = CardWriter(config, data.dataset, data.splits, data.findings)
        progress, best, spent = TrainingProgress(batch_size=config.batch_size), None, None
        if begin.checkpoint is not None:
            saved = begin.checkpoint.checkpoint
            self._learner.load_state(saved.arrays)
            progress, spent = saved.progress, saved.spent
            best = best_so_far(run, saved.best, progress.epochs_done)
        self._models = RunModels(run, write_card, best)
        self._pace = Pace(config.n_epochs, self._n_train, len(self._validation.records), spent)
        self._epoch = EpochRun(config, train, self._learner, device, self._pace, progress)
        self.saving = Saving(run, self._models)
        self._is_trained = False
        self._has_told_of_repairs = False

    def events(self) -> Generator[TrainingEvent, None, None]:
        """Train every epoch that is left, then fit and test the best weights."""
        yield self._started()
        if self._begin.is_resumed:
            yield self._resumed()
        elif self._begin.weights:  # they may be gone when the run is resumed
            self.saving.submit(self._checkpoint)
        while not self._is_over():
            yield from self._train_epoch()
        yield from self._finish()

    def _started(self) -> TrainingStarted:
        return TrainingStarted(
            architecture=self._config.architecture,
            device=self._device.name,
            precision=self._learner.precision,
            epochs=self._config.n_epochs,
            batches_per_epoch=self._batches_per_epoch,
            n_train=self._n_train,
            n_validation=len(self._validation.records),
            n_test=len(self._parts.test.records),
            n_parameters=self._learner.n_parameters,
        )

    def _resumed(self) -> Resumed:
        found, progress = self._begin.checkpoint, self._epoch.progress
        self._run.log(f"resumed in epoch {progress.epoch} after batch {progress.batch}")
        is_from_previous = found is not None and found.is_previous
        began, now = self._run.description.device.threads, self._device.threads
        threads = (began, now) if began and now and began != now else None
        return Resumed(progress.epoch, progress.batch, is_from_previous, threads)

    def _is_over(self) -> bool:
        done, best = self._epoch.progress.epochs_done, self._models.best
        if done >= self._config.n_epochs:
            return True
        if best is None or not self._validation.records or self._config.extra_epochs:
            return False  # whoever asks for more epochs wants them, whatever early stopping says
        return 0 < self._config.early_stopping_patience <= done - best.epoch

    def _train_epoch(self) -> Generator[TrainingEvent, None, None]:
        for event in self._epoch.batches():
            if isinstance(event, BatchHalved):
                self._run.log(str(event.message))
            elif event.batch % LOG_EVERY == 0 or event.batch == event.batches:
                self._run.log(describe_batch(event))
            yield event
            # At the end of an epoch there will be one that knows the validation as well.
            if self.saving.is_due and self._epoch.progress.images < self._n_train:
                self._epoch.check_weights()
                self.saving.submit(self._checkpoint)
            yield from self.saving.troubles()
            yield from self._repairs()

        with self._learner.evaluation_weights():
            validation = yield from evaluate(
                self._learner,
                self._validation,
                self._config,
                Message("Validating"),
                self._epoch.progress,
            )
            is_best = self._models.is_best(self._epoch.progress.epoch, validation)
            if is_best:
                self._models.keep_best(validation, to_arrays(self._learner.network))
        self._pace.epoch_done()
        progress, seconds = self._epoch.progress, self._epoch.seconds
        self._epoch.begin_next()  # whoever stops at the event below goes on with the next
        done = EpochDone(
            epoch=progress.epoch,
            train_loss=progress.loss_sum / progress.images,
            train_accuracy=progress.n_correct / progress.images,
            validation_loss=validation.loss if validation else None,
            validation_accuracy=validation.accuracy if validation else None,
            is_best=is_best,
            seconds=seconds,
        )
        self._run.log(describe_epoch(done))
        yield done
        yield from self._repairs()
        self.saving.submit(self._checkpoint)
        yield from self.saving.troubles()

    def _repairs(self) -> Iterator[FilmsRepaired]:
        """Tell once of stored copies of films that were damaged."""
        note = self._parts.train.cache.repair_note
        if note is not None and not self._has_told_of_repairs:
            self._has_told_of_repairs = True
            self._run.log(str(note))
            yield FilmsRepaired(note)

    def _finish(self) -> Generator[TrainingEvent, None, None]:
        self._is_trained = True
        self.saving.make_room()
        epochs = self._epoch.progress.epochs_done
        with self._learner.evaluation_weights():
            weights = to_arrays(self._learner.network)
            if self._models.best is None:  # its file was taken away since
                self._models.is_best(max(1, epochs), None)
                self._models.keep_best(None, weights)
            last = self._models.save_last(epochs, weights)
        # From here on the network is another; the checkpoint of the last epoch stays.
        best, correction = self._models.best_weights(self._log_weights)
        load_arrays(self._learner.network, best)
        fit = yield from fit_calibration_and_novelty(
            self._learner, self._parts, self._config, self._epoch.progress
        )
        card, test = self._models.finish_best(epochs, fit, best, correction), fit.test
        if test is not None:
            self._run.log(f"test: accuracy {test.accuracy:.4f}, loss {test.loss:.4f}")
        self.saving.finish()
        validation = card.metrics["validation"]
        yield TrainingDone(
            model=self._run.best,
            epochs=epochs,
            best_epoch=card.history["best_epoch"],
            seconds=self._pace.seconds,
            images_per_second=self._pace.mean_images_per_second,
            validation_accuracy=validation["accuracy"] if validation else None,
            test_accuracy=test.accuracy if test else None,
            test_loss=test.loss if test else None,
            weights_sha256=last.tensors_sha256,
        )

    def save_stopped(self) -> None:
        """Save everything as it is when training is stopped between two batches.

        Raises:
            RunFolderError: The disk refuses.
            ModelFileError: Likewise.
        """
        # Once all epochs are done the last weights are saved and the network holds the best.
        try:
            if not self._is_trained and self._learner.has_finite_weights():
                self.saving.submit(self._checkpoint)
                self._save_last(self._epoch.progress.epochs_done)
        finally:
            self.saving.finish()

    def save_last_finite(self) -> None:
        """Save the weights of the latest checkpoint: those of now are no numbers."""
        checkpoint = self.saving.latest()
        if checkpoint is None:
            return
        self._learner.load_state(checkpoint.arrays)
        if self._learner.n_steps:  # nobody needs weights that were never trained
            self._save_last(checkpoint.progress.epochs_done)

    def _save_last(self, epochs: int) -> None:
        with self._learner.evaluation_weights():
            self._models.save_last(epochs, to_arrays(self._learner.network))

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self._learner.state(),
            self._epoch.current,
            self._models.best,
            self._pace.spent,
            self._config.to_json(),
        )


def _source(data: TrainingData, indices: Sequence[int], batch_size: int) -> BatchSource:
    records = tuple(data.dataset.records[index] for index in indices)
    return BatchSource(data.cache, records, batch_size)

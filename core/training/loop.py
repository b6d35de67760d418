"""The training loop, to be read aloud: forward, backward, step; then look how it went."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.config import TrainingConfig
from core.data.balancing import class_weights
from core.data.batches import Batch, BatchSource
from core.data.cache import ImageCache
from core.data.records import Dataset
from core.data.splits import Splits
from core.errors import Message, TrainingError
from core.evaluation.metrics import Evaluation
from core.evaluation.scoring import score
from core.events import BatchDone, EpochDone, Progress, TrainingDone, TrainingStarted
from core.models.model_file import open_model, save_model
from core.models.weights import load_arrays, to_arrays
from core.runtime.building import BUILDING
from core.runtime.devices import Device
from core.runtime.memory import memory_for
from core.runtime.processor import physical_core_count
from core.runtime.seeds import seed_everything
from core.training.card_writer import CardWriter
from core.training.learner import Learner
from core.training.pace import Pace
from core.training.run_folder import RunFolder
from core.training.schedule import learning_rate

TrainingEvent = Progress | TrainingStarted | BatchDone | EpochDone | TrainingDone
LOG_EVERY = 30  # batches, as in the notebook
CHECK_WEIGHTS_EVERY = 20  # batches; a check reads every weight once


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A dataset, its decoded films and who goes where."""

    dataset: Dataset
    cache: ImageCache
    splits: Splits


def train(
    config: TrainingConfig, data: TrainingData, run: RunFolder, device: Device
) -> Generator[TrainingEvent, None, None]:
    """Train a network and leave its models in `run`.

    Every event is also a line of the run's metrics.jsonl. The weights of each epoch are
    saved as `last`; closing the generator stops training at that batch, saves them once
    more, and the run stays readable.

    Raises:
        TrainingError: The weights are no longer finite.
        DeviceError: The device's memory does not hold a batch.
        ModelFileError: A model cannot be written, for instance because the disk is full.
        RunFolderError: Another file of the run cannot be written.
    """
    with run.guarded():
        session = _Session(config, data, run, device)
        try:
            with closing(session.events()) as events:
                for event in events:
                    if not isinstance(event, Progress):
                        run.record(event)
                    if isinstance(event, TrainingDone):
                        run.close("finished")  # whoever stops now comes too late
                    yield event
        except (GeneratorExit, KeyboardInterrupt):
            session.save_stopped()
            raise


class _Session:
    """The state of one run while it trains."""

    def __init__(
        self, config: TrainingConfig, data: TrainingData, run: RunFolder, device: Device
    ) -> None:
        self._config, self._run, self._device = config, run, device
        self._train = _source(data, data.splits.train, config.batch_size)
        self._validation = _source(data, data.splits.validation, config.batch_size)
        self._test = _source(data, data.splits.test, config.batch_size)
        with BUILDING, memory_for(config.batch_size):
            seed_everything(config.seed)
            n_classes = len(data.dataset.classes)
            weights = (
                class_weights(self._train.labels, n_classes)
                if config.class_balance == "weights"
                else None
            )
            self._learner = Learner(config, n_classes, device, weights)
        self._card = CardWriter(config, data.dataset, data.splits)
        self._pace = Pace(config.epochs, self._train.n_batches)
        self._best: _Best | None = None
        self._epochs_done = 0
        self._is_trained = False
        self._started = time.monotonic()

    def events(self) -> Generator[TrainingEvent, None, None]:
        """Train every epoch, then test the best weights."""
        yield TrainingStarted(
            architecture=self._config.architecture,
            device=self._device.name,
            precision=self._learner.precision,
            epochs=self._config.epochs,
            batches_per_epoch=self._train.n_batches,
            n_train=len(self._train.records),
            n_validation=len(self._validation.records),
            n_test=len(self._test.records),
            n_parameters=self._learner.n_parameters,
        )
        for epoch in range(1, self._config.epochs + 1):
            yield from self._train_epoch(epoch)
        yield from self._finish()

    def _train_epoch(self, epoch: int) -> Iterator[TrainingEvent]:
        started = time.monotonic()
        loss_sum, n_correct, n_seen = 0.0, 0, 0
        with closing(self._batches(epoch)) as batches:
            self._pace.start_batches()
            for number, batch in enumerate(batches, start=1):
                rate = learning_rate(self._config, epoch, number, self._train.n_batches)
                result = self._learner.step(batch, rate)
                self._check_finite(result.loss, epoch, number)
                n = len(batch.labels)
                loss_sum += result.loss * n
                n_correct += result.n_correct
                n_seen += n
                self._pace.batch_done(n)
                done = BatchDone(
                    epoch=epoch,
                    batch=number,
                    batches=self._train.n_batches,
                    loss=result.loss,
                    accuracy=result.n_correct / n,
                    learning_rate=rate,
                    images_per_second=self._pace.images_per_second,
                    seconds_left=self._pace.seconds_left(epoch, number),
                )
                if number % LOG_EVERY == 0 or number == done.batches:
                    self._run.log(_describe_batch(done))
                yield done

        validation = yield from self._evaluate(self._validation, Message("Validating"))
        self._epochs_done = epoch
        is_best = self._is_best(validation)
        if is_best:
            self._best = _Best(epoch, validation)
            self._save(self._run.best, self._best, test=None)
        self._save_last()  # whatever kills the process now, at most one epoch is lost
        self._pace.epoch_done()
        epoch_done = EpochDone(
            epoch=epoch,
            train_loss=loss_sum / n_seen,
            train_accuracy=n_correct / n_seen,
            validation_loss=validation.loss if validation else None,
            validation_accuracy=validation.accuracy if validation else None,
            is_best=is_best,
            seconds=time.monotonic() - started,
        )
        self._run.log(_describe_epoch(epoch_done))
        yield epoch_done

    def _finish(self) -> Iterator[TrainingEvent]:
        assert self._best is not None  # at least one epoch ran
        self._is_trained = True
        load_arrays(self._learner.network, open_model(self._run.best)[1])
        test = yield from self._evaluate(self._test, Message("Testing"))
        self._save(self._run.best, self._best, test)
        if test is not None:
            self._run.log(f"test: accuracy {test.accuracy:.4f}, loss {test.loss:.4f}")
        validation = self._best.validation
        yield TrainingDone(
            model=self._run.best,
            epochs=self._epochs_done,
            best_epoch=self._best.epoch,
            seconds=time.monotonic() - self._started,
            images_per_second=self._pace.mean_images_per_second,
            validation_accuracy=validation.accuracy if validation else None,
            test_accuracy=test.accuracy if test else None,
            test_loss=test.loss if test else None,
        )

    def save_stopped(self) -> None:
        """Save the weights as they are when training is stopped, if they are numbers."""
        # Once all epochs are done the last weights are saved and the network holds the best.
        if not self._is_trained and self._learner.has_finite_weights():
            self._save_last()

    def _save_last(self) -> None:
        self._save(self._run.last, _Best(self._epochs_done, None), test=None)

    def _batches(self, epoch: int) -> Generator[Batch, None, None]:
        return self._train.training_batches(
            self._config.augmentation,
            self._config.seed,
            epoch,
            physical_core_count(),
            is_balanced=self._config.class_balance == "sampling",
        )

    def _is_best(self, validation: Evaluation | None) -> bool:
        """Higher validation accuracy, then lower loss; with no validation part, the latest."""
        if validation is None or self._best is None or self._best.validation is None:
            return True
        best = self._best.validation
        return (validation.accuracy, -validation.loss) > (best.accuracy, -best.loss)

    def _check_finite(self, loss: float, epoch: int, batch: int) -> None:
        is_due = batch % CHECK_WEIGHTS_EVERY == 0 or batch == self._train.n_batches
        if math.isfinite(loss) and not (is_due and not self._learner.has_finite_weights()):
            return
        raise TrainingError(
            Message(
                "Training ran away in epoch {epoch}, batch {batch}: its numbers grew beyond all "
                "bounds. Start again with a lower learning rate, for instance {advised}.",
                epoch=epoch,
                batch=batch,
                advised=f"{self._config.learning_rate / 10:.2g}",
            )
        )

    def _evaluate(
        self, source: BatchSource, stage: Message
    ) -> Generator[Progress, None, Evaluation | None]:
        """Evaluate the network as it is; every batch is a cancel point."""
        if not source.records:
            return None
        return (yield from score(self._learner.network, source, self._config.preprocessing, stage))

    def _save(self, path: Path, best: "_Best", test: Evaluation | None) -> None:
        card = self._card(best.epoch, self._epochs_done, best.validation, test)
        save_model(path, card, to_arrays(self._learner.network))


@dataclass(frozen=True, slots=True)
class _Best:
    """The weights in a file: after which epoch, and how they did on the validation part."""

    epoch: int
    validation: Evaluation | None


def _source(data: TrainingData, indices: Sequence[int], batch_size: int) -> BatchSource:
    records = tuple(data.dataset.records[index] for index in indices)
    return BatchSource(data.cache, records, batch_size)


def _describe_batch(batch: BatchDone) -> str:
    return (
        f"epoch {batch.epoch}, batch {batch.batch}/{batch.batches}: "
        f"loss {batch.loss:.4f}, accuracy {batch.accuracy:.4f}"
    )


def _describe_epoch(epoch: EpochDone) -> str:
    line = (
        f"epoch {epoch.epoch}: training loss {epoch.train_loss:.4f}, "
        f"accuracy {epoch.train_accuracy:.4f}"
    )
    if epoch.validation_accuracy is not None:
        line += (
            f"; validation loss {epoch.validation_loss:.4f}, "
            f"accuracy {epoch.validation_accuracy:.4f}"
        )
    return line + ("; best so far" if epoch.is_best else "")

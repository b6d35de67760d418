"""The training loop, to be read aloud: forward, backward, step; then look how it went."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import TrainingConfig
from core.data.batches import BatchSource
from core.data.cache import ImageCache
from core.data.records import Dataset
from core.data.splits import Splits
from core.errors import Message, PneumoScopeError, RunFolderError, TrainingError
from core.evaluation.metrics import Evaluation, evaluation
from core.events import BatchDone, EpochDone, Progress, TrainingDone, TrainingStarted
from core.models.model_file import open_model, save_model
from core.models.weights import load_arrays, to_arrays
from core.prediction.inference import logits_of_batches
from core.runtime.devices import Device
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
) -> Iterator[TrainingEvent]:
    """Train a network and leave its models in `run`.

    Every event is also a line of the run's metrics.jsonl. Closing the generator stops
    training at that batch: the weights are saved as `last` and the run stays readable.

    Raises:
        TrainingError: The weights are no longer finite, or memory ran out.
        RunFolderError: The disk is full.
    """
    session = _Session(config, data, run, device)
    try:
        for event in session.events():
            if not isinstance(event, Progress):
                run.record(event)
            yield event
        run.close("finished")
    except GeneratorExit:
        session.save_last()
        run.log("stopped by the user")
        run.close("stopped")
        raise
    except PneumoScopeError as error:
        run.log(f"failed: {error}")
        run.close("failed", str(error))
        raise


class _Session:
    """The state of one run while it trains."""

    def __init__(
        self, config: TrainingConfig, data: TrainingData, run: RunFolder, device: Device
    ) -> None:
        seed_everything(config.seed)
        self._config, self._run, self._device = config, run, device
        self._train = _source(data, data.splits.train, config.batch_size)
        self._validation = _source(data, data.splits.validation, config.batch_size)
        self._test = _source(data, data.splits.test, config.batch_size)
        self._learner = Learner(config, len(data.dataset.classes), device)
        self._card = CardWriter(config, data.dataset, data.splits)
        self._pace = Pace(config.epochs, self._train.n_batches)
        self._n_threads = physical_core_count()
        self._best: _Best | None = None
        self._epochs_done = 0
        self._started = time.monotonic()

    def events(self) -> Iterator[TrainingEvent]:
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
        config, started = self._config, time.monotonic()
        loss_sum, n_correct, n_seen = 0.0, 0, 0
        batches = self._train.training_batches(
            config.augmentation, config.seed, epoch, self._n_threads
        )
        self._pace.start_batches()
        for number, batch in enumerate(batches, start=1):
            rate = learning_rate(config, epoch, number, self._train.n_batches)
            result = self._learner.step(batch, rate)
            self._check_finite(result.loss, epoch, number)
            n = len(batch.labels)
            loss_sum, n_correct, n_seen = (
                loss_sum + result.loss * n,
                n_correct + result.n_correct,
                n_seen + n,
            )
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
            if number % LOG_EVERY == 0 or number == self._train.n_batches:
                self._run.log(
                    f"epoch {epoch}, batch {number}/{done.batches}: "
                    f"loss {done.loss:.4f}, accuracy {done.accuracy:.4f}"
                )
            yield done

        validation = yield from self._evaluate(self._validation, Message("Validating"))
        is_best = self._is_best(validation)
        done_epoch = EpochDone(
            epoch=epoch,
            train_loss=loss_sum / n_seen,
            train_accuracy=n_correct / n_seen,
            validation_loss=validation.loss if validation else None,
            validation_accuracy=validation.accuracy if validation else None,
            is_best=is_best,
            seconds=time.monotonic() - started,
        )
        self._epochs_done = epoch
        if is_best:
            self._best = _Best(epoch, validation)
            self._save(self._run.best, self._best, test=None)
        self._pace.epoch_done()
        self._run.log(_describe(done_epoch))
        yield done_epoch

    def _finish(self) -> Iterator[TrainingEvent]:
        assert self._best is not None  # at least one epoch ran
        self.save_last()
        load_arrays(self._learner.network, open_model(self._run.best)[1])
        test = yield from self._evaluate(self._test, Message("Testing"))
        self._save(self._run.best, self._best, test)
        if test is not None:
            self._run.log(f"test: accuracy {test.accuracy:.4f}, loss {test.loss:.4f}")
        best = self._best.validation
        yield TrainingDone(
            model=self._run.best,
            epochs=self._epochs_done,
            best_epoch=self._best.epoch,
            seconds=time.monotonic() - self._started,
            images_per_second=self._pace.mean_images_per_second,
            validation_accuracy=best.accuracy if best else None,
            test_accuracy=test.accuracy if test else None,
            test_loss=test.loss if test else None,
        )

    def save_last(self) -> None:
        """Save the weights as they are, unless they are no longer numbers."""
        if self._learner.has_finite_weights():
            self._save(self._run.last, _Best(self._epochs_done, None), test=None)

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
        logits, labels = [], []
        batches = source.plain_batches(self._n_threads)
        pairs = logits_of_batches(self._learner.network, batches, self._config.preprocessing)
        for done, (batch_logits, batch_labels) in enumerate(pairs, start=1):
            logits.append(batch_logits)
            labels.append(batch_labels)
            yield Progress(stage, done, source.n_batches)
        return evaluation(np.concatenate(logits), np.concatenate(labels))

    def _save(self, path: Path, best: "_Best", test: Evaluation | None) -> None:
        card = self._card(best.epoch, self._epochs_done, best.validation, test)
        try:
            save_model(path, card, to_arrays(self._learner.network))
        except OSError as error:
            raise RunFolderError(
                Message(
                    "The model cannot be saved in {folder} ({reason}). Free some disk space or "
                    "choose another folder; what was saved before is still there.",
                    folder=str(path.parent),
                    reason=error.strerror or str(error),
                )
            ) from error


@dataclass(frozen=True, slots=True)
class _Best:
    """The weights in a file: after which epoch, and how they did on the validation part."""

    epoch: int
    validation: Evaluation | None


def _source(data: TrainingData, indices: Sequence[int], batch_size: int) -> BatchSource:
    records = tuple(data.dataset.records[index] for index in indices)
    return BatchSource(data.cache, records, batch_size)


def _describe(epoch: EpochDone) -> str:
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

"""The two model files of a run: of its best epoch, and of its end."""

import datetime
import platform
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.data.records import Dataset, display_names
from core.data.splits import Splits
from core.data.unpacked import showable
from core.errors import ModelFileError
from core.evaluation.metrics import Evaluation
from core.images.reading import READER_VERSION
from core.models.dataset_findings import DatasetFindings
from core.models.model_card import ModelCard
from core.models.model_file import open_model, read_card, save_model
from core.models.weights import Weights
from core.runtime.paddle import paddle
from core.training.checkpoint import Best
from core.training.final_fit import FinalFit
from core.training.run_folder import RunFolder
from core.workspace import program_version


class CardWriter:
    """Describes the models of one run; called once for each model file.

    Args:
        config: The run's settings.
        dataset: What it trains on.
        splits: Who went where; the files' digests are kept, so that a test stays a test.
        findings: About the dataset; None: nobody looked.
    """

    def __init__(
        self,
        config: TrainingConfig,
        dataset: Dataset,
        splits: Splits,
        findings: DatasetFindings | None = None,
    ) -> None:
        self._config, self._dataset, self._findings = config, dataset, findings
        self._split = {
            part: tuple(dataset.records[index].digest for index in indices)
            for part, indices in (
                ("train", splits.train),
                ("validation", splits.validation),
                ("test", splits.test),
                ("kept", splits.kept),
            )
        }

    def __call__(
        self, best_epoch: int, epochs: int, validation: Evaluation | None, test: Evaluation | None
    ) -> ModelCard:
        """The card of weights as they were after `best_epoch`, `epochs` being finished."""
        return ModelCard(
            architecture=self._config.architecture,
            classes=self._dataset.classes,
            display_names={name: display_names(name) for name in self._dataset.classes},
            preprocessing=self._config.preprocessing,
            reader_version=READER_VERSION,
            training=self._config,
            dataset={
                "name": showable(self._dataset.name),
                "fingerprint": self._dataset.fingerprint,
            },
            split=self._split,
            findings=self._findings,
            metrics={"validation": self._numbers(validation), "test": self._numbers(test)},
            history={"best_epoch": best_epoch, "epochs": epochs},
            versions={
                "python": platform.python_version(),
                "paddle": paddle.__version__,
                "numpy": np.__version__,
                "pneumoscope": program_version(),
            },
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )

    def _numbers(self, evaluation: Evaluation | None) -> dict[str, Any] | None:
        return evaluation.to_json(self._dataset.classes) if evaluation is not None else None


class RunModels:
    """Keeps the best weights, in memory as long as the disk refuses them.

    Args:
        run: Whose models they are.
        write_card: Describes them.
        best: Of the sittings before this one.
    """

    def __init__(self, run: RunFolder, write_card: CardWriter, best: Best | None) -> None:
        self._run, self._write_card = run, write_card
        self._waiting: tuple[ModelCard, Weights] | None = None
        self._handing_over = threading.Lock()
        self.best = best
        self.error: ModelFileError | None = None  # of the latest attempt

    def is_best(self, epoch: int, validation: Evaluation | None) -> bool:
        """Tell that an epoch did better than all before it; if so, it is the best from now on."""
        figures = (validation.accuracy, validation.loss) if validation else (None, None)
        this = Best(epoch=epoch, accuracy=figures[0], loss=figures[1])
        if self.best is not None and not self.best.is_beaten_by(this):
            return False
        self.best = this
        return True

    def keep_best(self, validation: Evaluation | None, weights: Weights) -> None:
        """Have the weights of the best epoch saved by the next `save_waiting`."""
        assert self.best is not None
        card = self._write_card(self.best.epoch, self.best.epoch, validation, None)
        with self._handing_over:
            self._waiting = card, weights

    def save_waiting(self) -> None:
        """Save the best weights, if they are not saved yet; safe to call from another thread.

        Where the disk refuses, `error` says why, and they go on waiting.
        """
        with self._handing_over:
            waiting = self._waiting
        if waiting is None:
            return
        try:
            save_model(self._run.best, *waiting)
        except ModelFileError as error:
            self.error = error
            return
        self.error = None
        with self._handing_over:
            if self._waiting is waiting:  # and none that is better came meanwhile
                self._waiting = None

    def best_weights(
        self, log_weights: NDArray[np.float32] | None
    ) -> tuple[Weights, tuple[float, ...]]:
        """Return the best weights as they are used, and what was subtracted from their last bias.

        A class that weighed w times as much in training has a logit too large by log w: the
        network learned the classes' shares as if they were w times as large (Menon et al.,
        "Long-tail learning via logit adjustment", ICLR 2021).

        Args:
            log_weights: Of the classes in training, (C,); None: they weighed the same.

        Raises:
            ModelFileError: The file cannot be written or read.
        """
        self.save_waiting()
        if self.error is not None:
            raise self.error
        card, weights, _ = open_model(self._run.best)
        if log_weights is None or card.prior_correction:  # an earlier end of the run did it
            return weights, card.prior_correction
        corrected = {**weights, "fc.bias": weights["fc.bias"] - log_weights}
        return corrected, tuple(float(one) for one in log_weights)

    def finish_best(
        self, epochs: int, fit: FinalFit, weights: Weights, prior_correction: tuple[float, ...]
    ) -> ModelCard:
        """Write calibration, novelty and the test into the best model's file.

        Args:
            epochs: That are finished.
            fit: Of these weights.
            weights: From `best_weights`.
            prior_correction: Likewise.

        Raises:
            ModelFileError: The file cannot be written or read.
        """
        old = read_card(self._run.best)
        card = self._write_card(old.history["best_epoch"], epochs, None, fit.test)
        metrics = {**card.metrics, "validation": old.metrics.get("validation")}
        calibration, reference = fit.calibration, fit.novelty_reference
        novelty, extras = reference.to_parts() if reference is not None else (None, {})
        card = card.changed(
            metrics=metrics,
            prior_correction=prior_correction,
            calibration=calibration.to_json() if calibration is not None else None,
            novelty=novelty,
        )
        return save_model(self._run.best, card, weights, extras)

    def save_last(self, epochs: int, weights: Mapping[str, NDArray[np.float32]]) -> ModelCard:
        """Save the weights as they are when training ends or is stopped.

        Raises:
            ModelFileError: The file cannot be written.
        """
        return save_model(self._run.last, self._write_card(epochs, epochs, None, None), weights)


def best_so_far(run: RunFolder, noted: Best | None, epochs_done: int) -> Best | None:
    """Return the best epoch by its model file, seen from where a run goes on.

    Args:
        run: A run that is resumed.
        noted: The best epoch as the checkpoint has it.
        epochs_done: At the checkpoint.

    Returns:
        None where there is no readable file: the next epoch will be the best.
    """
    try:
        card = read_card(run.best)
        epoch = card.history["best_epoch"]
        if epoch > epochs_done:
            return noted  # saved after the checkpoint: that epoch is trained once more
        validation: Mapping[str, Any] = card.metrics.get("validation") or {}
        return Best(epoch=epoch, accuracy=validation.get("accuracy"), loss=validation.get("loss"))
    except (ModelFileError, ValueError):
        return None

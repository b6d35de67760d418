"""The two model files of a run: of its best epoch, and of its end."""

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFileError
from core.evaluation.metrics import Evaluation
from core.models.model_card import ModelCard
from core.models.model_file import open_model, read_card, save_model
from core.models.weights import Weights
from core.training.card_writer import CardWriter
from core.training.looking_back import Knowledge
from core.training.position import Best
from core.training.run_folder import RunFolder


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
        """Whether an epoch did better than all before it; if so, it is the best from now on."""
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

    def best_weights(self) -> Weights:
        """The best weights, from their file.

        Raises:
            ModelFileError: The file cannot be written or read.
        """
        self.save_waiting()
        if self.error is not None:
            raise self.error
        return open_model(self._run.best)[1]

    def finish_best(self, epochs: int, knowledge: Knowledge) -> ModelCard:
        """Write into the best model's file what it knows of itself.

        Raises:
            ModelFileError: The file cannot be written or read.
        """
        old, weights, _ = open_model(self._run.best)
        card = self._write_card(old.history["best_epoch"], epochs, None, knowledge.test)
        metrics = {**card.metrics, "validation": old.metrics.get("validation")}
        calibration, memory = knowledge.calibration, knowledge.memory
        novelty, extras = memory.to_parts() if memory is not None else (None, {})
        card = dataclasses.replace(
            card,
            metrics=metrics,
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
    """What the best model's file holds, seen from where a run goes on.

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

"""What a run writes into its model files about itself."""

import datetime
import platform
from typing import Any

import numpy as np

from core.config import TrainingConfig
from core.data.class_names import display_names
from core.data.folder import showable
from core.data.images import READER_VERSION
from core.data.records import Dataset
from core.data.splits import Splits
from core.evaluation.metrics import Evaluation
from core.models.model_card import ModelCard
from core.runtime.paddle_library import paddle
from core.version import program_version


class CardWriter:
    """Describes the models of one run; called once for each model file.

    Args:
        config: The run's settings.
        dataset: What it trains on.
        splits: Who went where; the files' digests are kept, so that a test stays a test.
    """

    def __init__(self, config: TrainingConfig, dataset: Dataset, splits: Splits) -> None:
        self._config, self._dataset = config, dataset
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

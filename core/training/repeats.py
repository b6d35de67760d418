"""Luck and size: the same recipe with other seeds, and on a part of the patients.

Each repeat is a whole training run in a folder of its own; only its figures and answers stay.
"""

import shutil
import statistics
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.data.splits import random_key, split
from core.errors import DatasetError, Message
from core.evaluation.evaluate import ModelEvaluation as Evaluated
from core.evaluation.evaluate import evaluate_model, films_of_part
from core.events import EpochDone, Progress, TrainingDone
from core.workspace import Workspace

MOST_SEEDS: Final = 20
SHARES: Final = (0.25, 0.5, 0.75, 1.0)  # of the training patients, for the learning curve
_STAGE: Final = Message("Training model {number} of {n}")


@dataclass(frozen=True, slots=True)
class Repeat:
    """One more model of the same recipe."""

    seed: int
    share: float  # of the training patients
    n_train: int  # X-rays
    accuracy: float
    sensitivities: tuple[float | None, ...]  # by class
    answers: dict[str, int]  # digest of each test X-ray -> predicted class


@dataclass(frozen=True, slots=True)
class Spread:
    """How far figures differ between models of one recipe."""

    repeats: tuple[Repeat, ...]
    classes: tuple[str, ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Of the models, in the order of their seeds."""
        return tuple(one.accuracy for one in self.repeats)

    @property
    def n_by_luck(self) -> int:
        """Test X-rays on whose class the models do not agree, of those that all were tested on."""
        return sum(len({one.answers[digest] for one in self.repeats}) > 1 for digest in self.shared)

    @property
    def shared(self) -> frozenset[str]:
        """Digests of the test X-rays that all models were tested on."""
        return frozenset.intersection(*(frozenset(one.answers) for one in self.repeats))

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON types."""
        values = self.accuracies
        return {
            "models": [
                {
                    "seed": one.seed,
                    "train_share": one.share,
                    "n_train": one.n_train,
                    "accuracy": one.accuracy,
                    "sensitivity": dict(zip(self.classes, one.sensitivities, strict=True)),
                }
                for one in self.repeats
            ],
            "accuracy_mean": statistics.fmean(values),
            "accuracy_sd": statistics.stdev(values) if len(values) > 1 else None,
            "n_by_luck": self.n_by_luck,
            "n_shared": len(self.shared),
        }


def repeat_seeds(
    config: TrainingConfig, loaded: LoadedDataset, n: int, device: str, workspace: Workspace
) -> Generator[Progress, None, Spread]:
    """Train `n` models that differ in their seed alone, on the same split.

    Args:
        config: The recipe; its seed makes the split, and is the first.
        loaded: The dataset.
        n: Models, at least 2.
        device: "auto", "cpu" or "gpu:N".
        workspace: For decoded films and, while they are trained, for the runs.

    Raises:
        PneumoScopeError: As for a run.
    """
    found = []
    for number in range(n):
        one = yield from _repeat(
            config, loaded, config.seed + number, 1.0, device, workspace, (number + 1, n)
        )
        found.append(one)
    return Spread(tuple(found), loaded.dataset.classes)


def learning_curve(
    config: TrainingConfig, loaded: LoadedDataset, device: str, workspace: Workspace
) -> Generator[Progress, None, Spread]:
    """Train on 25, 50, 75 and 100 % of the training patients, tested on the same X-rays."""
    found = []
    for number, share in enumerate(SHARES, start=1):
        one = yield from _repeat(
            config, loaded, config.seed, share, device, workspace, (number, len(SHARES))
        )
        found.append(one)
    return Spread(tuple(found), loaded.dataset.classes)


def _repeat(
    config: TrainingConfig,
    loaded: LoadedDataset,
    seed: int,
    share: float,
    device: str,
    workspace: Workspace,
    place: tuple[int, int],
) -> Generator[Progress, None, Repeat]:
    from core.training.session import run_training  # loads Paddle, which the command line need not

    stage = Message(_STAGE.template, number=place[0], n=place[1])
    # The seed of the split stays; weights, order and augmentation take the new one.
    splits = split(loaded.dataset, loaded.grouping, config)
    splits = replace(splits, train=_some_patients(loaded, splits.train, share, config.seed))
    if not splits.test:
        raise DatasetError(Message("This split has no test part, so nothing can be compared."))
    changed = config.changed(seed=seed)
    folder = Path(tempfile.mkdtemp(prefix="repeat-", dir=workspace.runs))
    done: TrainingDone | None = None
    try:
        for event in run_training(
            changed, loaded, folder / "run", device, workspace, splits=splits
        ):
            if isinstance(event, TrainingDone):
                done = event
            elif isinstance(event, EpochDone):
                yield Progress(stage, event.epoch, config.epochs)
        assert done is not None
        evaluated: Evaluated | None = None
        for step in evaluate_model(done.model, loaded, "test", workspace, device):
            if isinstance(step, Evaluated):
                evaluated = step
        assert evaluated is not None
        records = films_of_part(evaluated.card, loaded.dataset, "test")
        predicted = evaluated.raw.answers.logits.argmax(axis=1).tolist()
        return Repeat(
            seed,
            share,
            len(splits.train),
            evaluated.result.accuracy,
            tuple(one.sensitivity for one in evaluated.result.classes),
            {record.digest: label for record, label in zip(records, predicted, strict=True)},
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _some_patients(
    loaded: LoadedDataset, train: Sequence[int], share: float, seed: int
) -> tuple[int, ...]:
    """Return the training X-rays of a share of the patients of each class, at least one."""
    if share >= 1:
        return tuple(train)
    groups, records = loaded.grouping.groups, loaded.dataset.records
    kept: set[str] = set()
    for label in range(len(loaded.dataset.classes)):
        of_class = {groups[index] for index in train if records[index].label == label}
        order = sorted(of_class, key=lambda group: random_key(seed, group))
        kept |= set(order[: max(1, int(np.ceil(share * len(order))))])
    return tuple(index for index in train if groups[index] in kept)

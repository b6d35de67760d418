"""Luck and size: the same recipe with other seeds, and on a part of the patients.

Each repeat is a whole training run in a folder of its own; only its figures and answers stay.
"""

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

import numpy as np

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.data.splits import Splits, random_key, split
from core.errors import DatasetError, Message
from core.evaluation.evaluate import ModelEvaluation, evaluate_model
from core.evaluation.figures import PRIMARY, Answered, figures
from core.evaluation.repeated import LearningCurve, Repeat, SplitBias, SplitPair, Spread
from core.evaluation.study import answered_by
from core.events import BatchDone, Progress, TrainingDone
from core.files import part_folder
from core.models.operating_point import OperatingPoint
from core.workspace import Workspace

MOST_SEEDS: Final = 20
SHARES: Final = (0.25, 0.5, 0.75, 1.0)  # of the training patients, for the learning curve
N_PAIRS: Final = 5  # of a split by patient and one by image
_STAGE: Final = Message("Training model {number} of {n}")


def repeat_seeds(
    config: TrainingConfig, loaded: LoadedDataset, n: int, device: str, workspace: Workspace
) -> Iterator[Progress | Spread]:
    """Train `n` models that differ in their seed alone, on the same split; the last yield tells.

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
    yield Spread(tuple(found), loaded.dataset.classes)


def learning_curve(
    config: TrainingConfig, loaded: LoadedDataset, device: str, workspace: Workspace
) -> Iterator[Progress | LearningCurve]:
    """Train on 25, 50, 75 and 100 % of the training patients, tested on the same X-rays.

    Arguments and errors are those of `repeat_seeds`.
    """
    found = []
    for number, share in enumerate(SHARES, start=1):
        one = yield from _repeat(
            config, loaded, config.seed, share, device, workspace, (number, len(SHARES))
        )
        found.append(one)
    yield LearningCurve(tuple(found), loaded.dataset.classes)


def compare_splits(
    config: TrainingConfig, loaded: LoadedDataset, device: str, workspace: Workspace
) -> Iterator[Progress | SplitBias]:
    """Train five times on a split by patient and on one by image, and compare the test results.

    Arguments are those of `repeat_seeds`.

    Raises:
        DatasetError: No patient has two images, so that both splits are alike.
        PneumoScopeError: As for a run.
    """
    records, grouping = loaded.dataset.records, loaded.grouping
    if grouping.n_groups == len(records):
        raise DatasetError(
            Message(
                "No patient is known to have two X-rays, so a split by patient and one by image "
                "are the same."
            )
        )
    _check_weights(config)
    single = replace(grouping, groups=tuple(record.name for record in records))
    pairs = []
    for number in range(N_PAIRS):
        recipe = config.changed(seed=config.seed + number, split="stratified")
        found = []
        for place, groups in enumerate((grouping, single)):
            parts = split(loaded.dataset, groups, recipe)
            stage = Message(_STAGE.template, number=2 * number + place + 1, n=2 * N_PAIRS)
            answered, _ = yield from train_and_test(recipe, loaded, parts, stage, device, workspace)
            found.append(float((answered.predicted == answered.truth).mean()))
        learned = {grouping.groups[index] for index in (*parts.train, *parts.validation)}
        n_leaking = sum(grouping.groups[index] in learned for index in parts.test)
        by_patient, by_image = found
        pairs.append(SplitPair(recipe.seed, by_patient, by_image, len(parts.test), n_leaking))
    yield SplitBias(tuple(pairs))


def _check_weights(config: TrainingConfig) -> None:
    """Refuse a recipe that cannot be repeated."""
    if config.initial_weights:
        raise DatasetError(
            Message(
                "The model began with the weights {name}, which its file does not hold, so its "
                "recipe cannot be repeated. Choose a model that began with random weights.",
                name=config.initial_weights,
            )
        )


def _repeat(
    config: TrainingConfig,
    loaded: LoadedDataset,
    seed: int,
    share: float,
    device: str,
    workspace: Workspace,
    place: tuple[int, int],
) -> Generator[Progress, None, Repeat]:
    _check_weights(config)
    # The seed of the split stays; weights, order and augmentation take the new one.
    splits = split(loaded.dataset, loaded.grouping, config)
    splits = replace(splits, train=some_patients(loaded, splits.train, share, config.seed))
    answered, digests = yield from train_and_test(
        config.changed(seed=seed),
        loaded,
        splits,
        Message(_STAGE.template, number=place[0], n=place[1]),
        device,
        workspace,
    )
    wanted = (*PRIMARY, "accuracy")
    return Repeat(
        seed,
        share,
        len(splits.train),
        len({loaded.grouping.groups[index] for index in splits.train}),
        tuple(one for one in figures(answered) if one.name in wanted),
        dict(zip(digests, answered.predicted.tolist(), strict=True)),
    )


def train_and_test(
    config: TrainingConfig,
    loaded: LoadedDataset,
    splits: Splits,
    stage: Message,
    device: str,
    workspace: Workspace,
) -> Generator[Progress, None, tuple[Answered, tuple[str, ...]]]:
    """Train a model of which nothing stays but its answers to the test part.

    Args:
        config: The recipe.
        loaded: The dataset.
        splits: Its parts.
        stage: What the progress is called.
        device: "auto", "cpu" or "gpu:N".
        workspace: For decoded X-rays and, while it is trained, for the run.

    Returns:
        The answers, and the digests of the X-rays.

    Raises:
        DatasetError: There is no test part.
        PneumoScopeError: As for a run.
    """
    from core.training.session import run_training  # loads Paddle, which the command line need not

    if not splits.test:
        raise DatasetError(Message("This split has no test part, so nothing can be compared."))
    # Where the program is killed, its next start clears it away.
    folder = part_folder(workspace.runs, "repeat")
    done: TrainingDone | None = None
    evaluated: ModelEvaluation | None = None
    try:
        latest = Progress(stage, 0, 0)
        n_epochs = config.epochs + config.extra_epochs
        run = run_training(config, loaded, folder / "run", device, workspace, splits=splits)
        with closing(run) as events:
            for event in events:
                if isinstance(event, TrainingDone):
                    done = event
                elif isinstance(event, BatchDone):
                    step = (event.epoch - 1) * event.batches + event.batch
                    latest = Progress(stage, step, n_epochs * event.batches)
                yield latest  # also a point where it can be stopped
        assert done is not None
        for given in evaluate_model(done.model, loaded, "test", workspace, device):
            if isinstance(given, ModelEvaluation):
                evaluated = given
            yield latest
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert evaluated is not None
    point = OperatingPoint.neutral(evaluated.card.classes)
    answered = answered_by(evaluated.classifier, loaded, evaluated.raw, point)
    return answered, tuple(record.digest for record in evaluated.raw.records)


def some_patients(
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

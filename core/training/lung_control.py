"""The retrained control: what a network learns of X-rays whose lungs are painted over.

What it still tells, it cannot have from the lungs; a network that sees whole X-rays may learn it
just as well.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

import numpy as np

from core.config import TrainingConfig
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset
from core.data.records import Record
from core.data.splits import Splits, split
from core.errors import DatasetError, Message, PneumoScopeError
from core.evaluation.intervals import clustered_share
from core.evaluation.lung_tests import LEAST_FILMS, Retrained, class_area, without_lung_box
from core.events import Progress
from core.images.reading import load_xray
from core.prediction.lungs import LungField, find_lungs
from core.runtime.threads import map_ahead, physical_core_count
from core.training.repeats import some_patients, train_and_test
from core.workspace import Workspace

SIZE_PX: Final = 64
MOST_TRAIN: Final = 1000  # X-rays whose lungs are looked for; a tenth of a second each
MOST_TEST: Final = 600
_LOOKING: Final = Message("Looking for the lungs")
_TRAINING: Final = Message("Training without the lungs")


def retrain_without_lungs(
    config: TrainingConfig, loaded: LoadedDataset, device: str, workspace: Workspace
) -> Iterator[Progress | Retrained]:
    """Train a recipe at 64 pixels on X-rays without lungs; the last yield tells how it does.

    Args:
        config: The recipe; its seed makes the split.
        loaded: The dataset.
        device: "auto", "cpu" or "gpu:N".
        workspace: For decoded X-rays and, while it is trained, for the run.

    Raises:
        DatasetError: Too few X-rays have reliable lungs, or there is no test part.
        PneumoScopeError: As for a run.
    """
    config = config.changed(image_size=SIZE_PX, initial_weights="")
    splits = _some(loaded, split(loaded.dataset, loaded.grouping, config), config.seed)
    _check(splits)  # before minutes are spent
    cache: ImageCache | None = None
    for step in loaded.at_size(SIZE_PX, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    wanted = sorted({*splits.train, *splits.validation, *splits.test})
    records = [loaded.dataset.records[index] for index in wanted]
    n_threads = physical_core_count()
    found: dict[int, LungField] = {}
    searches = map_ahead(_lungs_of, records, n_threads, 2 * n_threads)
    with closing(searches):
        for done, (index, lungs) in enumerate(zip(wanted, searches, strict=True), start=1):
            if lungs is not None:
                found[index] = lungs
            yield Progress(_LOOKING, done, len(wanted))
    splits = Splits(
        tuple(index for index in splits.train if index in found),
        tuple(index for index in splits.validation if index in found),
        tuple(index for index in splits.test if index in found),
        (),
    )
    _check(splits)
    masked = replace(loaded, cache=_painted(loaded, cache, found, splits))
    answered, _ = yield from train_and_test(config, masked, splits, _TRAINING, device, workspace)
    truth, patients = answered.truth, answered.patients
    yield Retrained(
        len(splits.train),
        len(wanted) - len(found),
        clustered_share(answered.predicted == truth, patients),
        tuple(
            class_area(answered.probabilities[:, label], truth == label, patients)
            for label in range(answered.n_classes)
        ),
        float(np.bincount(truth).max() / len(truth)),
    )


def _check(splits: Splits) -> None:
    """Refuse a control that would say nothing."""
    if min(len(splits.train), len(splits.test)) < LEAST_FILMS:
        raise DatasetError(
            Message(
                "Too few X-rays with reliable lungs: {train} for training and {test} for the test, "
                "and {least} of each are needed.",
                train=len(splits.train),
                test=len(splits.test),
                least=LEAST_FILMS,
            )
        )


def _some(loaded: LoadedDataset, splits: Splits, seed: int) -> Splits:
    """Leave so many patients that their lungs can be looked for in a few minutes."""

    def few(part: tuple[int, ...], most: int) -> tuple[int, ...]:
        return some_patients(loaded, part, min(1.0, most / max(len(part), 1)), seed)

    return Splits(
        few(splits.train, MOST_TRAIN),
        few(splits.validation, MOST_TEST),
        few(splits.test, MOST_TEST),
        (),
    )


def _lungs_of(record: Record) -> LungField | None:
    try:
        lungs = find_lungs(load_xray(record.path))
    except PneumoScopeError:
        return None
    return lungs if lungs is not None and lungs.is_reliable else None


def _painted(
    loaded: LoadedDataset, cache: ImageCache, found: dict[int, LungField], splits: Splits
) -> ImageCache:
    """Return the cache with the lungs painted over by the mean grey of the training X-rays.

    The mean of all, for that of one would tell of its frame.
    """
    records = loaded.dataset.records
    grey = cache.grey[:].copy()
    level = float(np.mean([grey[cache.rows[records[index].digest]] for index in splits.train]))
    for index, lungs in found.items():
        row = cache.rows[records[index].digest]
        grey[row] = without_lung_box(grey[row], lungs, level)
    empty = np.zeros((0, SIZE_PX, SIZE_PX, 3), np.uint8)
    return replace(cache, grey=grey, colour_rows={}, colour=empty)

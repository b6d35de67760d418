"""Fit calibration and novelty at the end of training, with the weights that will be used.

`evaluate` is also what every epoch is validated with.
"""

import dataclasses
import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.config import TrainingConfig
from core.data.batches import BatchSource
from core.errors import Message, PneumoScopeError
from core.evaluation.evaluate import Answers, gather, paddle_network
from core.evaluation.metrics import Evaluation, evaluation
from core.events import Progress
from core.prediction.calibration import Calibration, fit_calibration
from core.prediction.novelty import FilmSet, NoveltyReference, fit_novelty
from core.runtime.devices import release_device_memory
from core.runtime.memory import OutOfMemoryError
from core.training.checkpoint import TrainingProgress
from core.training.epoch import diverged
from core.training.learner import Learner

log = logging.getLogger(__name__)

MAX_FILMS: Final = 2000  # of training that are looked at again


@dataclass(frozen=True, slots=True, eq=False)
class FinalFit:
    """Test, calibration and novelty reference of a network, for its model file."""

    test: Evaluation | None = None  # None: there is no test part
    calibration: Calibration | None = None  # None: too few validation films
    novelty_reference: NoveltyReference | None = None  # None: likewise


@dataclass(frozen=True, slots=True)
class Parts:
    """The films of a run."""

    train: BatchSource
    validation: BatchSource
    test: BatchSource
    classes: tuple[str, ...]  # the names behind the labels
    # The patient of each validation film; None: each is of another.
    validation_groups: tuple[str, ...] | None = None


def fit_calibration_and_novelty(
    learner: Learner, parts: Parts, config: TrainingConfig, progress: TrainingProgress
) -> Generator[Progress, None, FinalFit]:
    """Ask the network about the films it learned from and those it was chosen and tested by.

    Raises:
        TrainingError: The network's answers are no finite numbers.
        DeviceError: The memory does not hold a single film.
    """
    tested = yield from _ask(learner, parts.test, config, Message("Testing"), progress)
    test = _evaluation_of(tested, config, progress) if tested is not None else None
    looking = Message("Looking back at the films")
    validated = yield from _ask(learner, parts.validation, config, looking, progress)
    if validated is None:
        return FinalFit(test)
    calibration = fit_calibration(validated.logits, validated.labels, parts.validation_groups)
    if calibration is not None and tested is not None:
        calibration = calibration.tested(tested.logits, tested.labels)
    some = _some_of(parts.train)
    trained = yield from _ask(learner, some, config, looking, progress)
    assert trained is not None  # a run has training films
    learned_from = _film_set(some, trained)
    return FinalFit(test, calibration, _novelty(learned_from, parts, validated, config))


def _novelty(
    train: FilmSet, parts: Parts, validated: Answers, config: TrainingConfig
) -> NoveltyReference | None:
    try:
        return fit_novelty(
            train,
            _film_set(parts.validation, validated),
            parts.classes,
            keep_thumbnails=config.is_keeping_thumbnails,
        )
    except (ValueError, ArithmeticError, MemoryError):
        # A model that knows little of its films is better than none after hours of training.
        log.exception("the training films cannot be remembered")
        return None


def _film_set(source: BatchSource, answers: Answers) -> FilmSet:
    return FilmSet(
        features=answers.features,
        films=[source.cache.image(record.digest) for record in source.records],
        labels=answers.labels,
        digests=tuple(record.digest for record in source.records),
        prints=source.cache.prints_of(record.digest for record in source.records),
    )


def _some_of(source: BatchSource) -> BatchSource:
    """Evenly chosen films, of every class its share: films stand by class in a dataset."""
    if len(source.records) <= MAX_FILMS:
        return source
    places = np.linspace(0, len(source.records) - 1, MAX_FILMS).round().astype(int)
    by_class = sorted(source.records, key=lambda record: record.label)
    return BatchSource(source.cache, tuple(by_class[at] for at in places), source.batch_size)


def evaluate(
    learner: Learner,
    source: BatchSource,
    config: TrainingConfig,
    stage: Message,
    progress: TrainingProgress,
) -> Generator[Progress, None, Evaluation | None]:
    """Evaluate the network as it is, in batches of the size that training has come down to.

    Returns:
        None where `source` has no films.

    Raises:
        TrainingError: The network's answers are no finite numbers.
        DeviceError: The memory does not hold a single film.
    """
    answers = yield from _ask(learner, source, config, stage, progress)
    return _evaluation_of(answers, config, progress) if answers is not None else None


def _ask(
    learner: Learner,
    source: BatchSource,
    config: TrainingConfig,
    stage: Message,
    progress: TrainingProgress,
) -> Generator[Progress, None, Answers | None]:
    """Ask the network as it is; arguments, result and errors as of `evaluate`."""
    if not source.records:
        return None
    size = progress.batch_size
    while True:
        try:
            films = dataclasses.replace(source, batch_size=size)
            network = paddle_network(learner.network, config.preprocessing)
            return (yield from gather(network, films, stage))
        except OutOfMemoryError:
            if size == 1:
                raise
        release_device_memory()
        size = max(1, size // 2)


def _evaluation_of(
    answers: Answers, config: TrainingConfig, progress: TrainingProgress
) -> Evaluation:
    """Count right and wrong answers.

    Raises:
        TrainingError: The answers are no finite numbers.
    """
    try:
        return evaluation(answers.logits, answers.labels)
    except PneumoScopeError as error:
        if type(error) is not PneumoScopeError:
            raise
        # What `core.evaluation.metrics` says of answers that are no numbers.
        raise diverged(config, progress.epoch, progress.batch) from error

"""Look how the network does in the middle of training, whatever the memory holds."""

import dataclasses
from collections.abc import Generator

from core.config import TrainingConfig
from core.data.batches import BatchSource
from core.errors import Message, PneumoScopeError
from core.evaluation.metrics import Evaluation, evaluation
from core.evaluation.scoring import Answers, gather
from core.events import Progress
from core.runtime.devices import release_device_memory
from core.runtime.memory import OutOfMemoryError
from core.training.epoch_run import ran_away
from core.training.learner import Learner
from core.training.position import Position


def evaluate(
    learner: Learner,
    source: BatchSource,
    config: TrainingConfig,
    stage: Message,
    position: Position,
) -> Generator[Progress, None, Evaluation | None]:
    """Evaluate the network as it is, in batches of the size that training has come down to.

    Returns:
        None where `source` has no films.

    Raises:
        TrainingError: The network's answers are no finite numbers.
        DeviceError: The memory does not hold a single film.
    """
    answers = yield from ask(learner, source, config, stage, position)
    return evaluation_of(answers, config, position) if answers is not None else None


def ask(
    learner: Learner,
    source: BatchSource,
    config: TrainingConfig,
    stage: Message,
    position: Position,
) -> Generator[Progress, None, Answers | None]:
    """What the network as it is answers; else as `evaluate`."""
    if not source.records:
        return None
    size = position.batch_size
    while True:
        try:
            films = dataclasses.replace(source, batch_size=size)
            return (yield from gather(learner.network, films, config.preprocessing, stage))
        except OutOfMemoryError:
            if size == 1:
                raise
        release_device_memory()
        size = max(1, size // 2)


def evaluation_of(answers: Answers, config: TrainingConfig, position: Position) -> Evaluation:
    """Count what was answered.

    Raises:
        TrainingError: The answers are no finite numbers.
    """
    try:
        return evaluation(answers.logits, answers.labels)
    except PneumoScopeError as error:
        if type(error) is not PneumoScopeError:
            raise
        # What `core.evaluation.metrics` says of answers that are no numbers.
        raise ran_away(config, position.epoch, position.batch) from error

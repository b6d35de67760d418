"""Put films through a network and count what came out."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.data.batches import BatchSource
from core.errors import Message
from core.evaluation.metrics import Evaluation, evaluation
from core.events import Progress
from core.prediction.inference import compute_outputs
from core.runtime.processor import physical_core_count


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network answered to films whose classes are known."""

    logits: NDArray[np.float32]  # (N, C)
    features: NDArray[np.float32]  # (N, F), what the last layer saw
    labels: NDArray[np.int64]  # (N,)


def gather(
    network: Any, source: BatchSource, preprocessing: Preprocessing, stage: Message
) -> Generator[Progress, None, Answers]:
    """Ask a network as it is about films, at least one; yields after every batch.

    Raises:
        DeviceError: The device's memory does not hold a batch.
    """
    outputs, labels = [], []
    with closing(source.plain_batches(physical_core_count())) as batches:
        for done, batch in enumerate(batches, start=1):
            output = compute_outputs(network, batch.images, preprocessing)
            outputs.append((output.logits, output.features))
            labels.append(batch.labels)
            yield Progress(stage, done, source.n_batches)
    logits, features = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
    return Answers(logits, features, np.concatenate(labels))


def score(
    network: Any, source: BatchSource, preprocessing: Preprocessing, stage: Message
) -> Generator[Progress, None, Evaluation]:
    """Evaluate a network as it is; yields after every batch, returns the numbers.

    Raises:
        PneumoScopeError: There is no film, or the network's answers are no finite numbers.
    """
    answers = yield from gather(network, source, preprocessing, stage)
    return evaluation(answers.logits, answers.labels)

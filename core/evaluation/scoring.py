"""Put films through a network and count what came out."""

from collections.abc import Generator
from contextlib import closing
from typing import Any

import numpy as np

from core.config import Preprocessing
from core.data.batches import BatchSource
from core.errors import Message
from core.evaluation.metrics import Evaluation, evaluation
from core.events import Progress
from core.prediction.inference import compute_logits
from core.runtime.processor import physical_core_count


def score(
    network: Any, source: BatchSource, preprocessing: Preprocessing, stage: Message
) -> Generator[Progress, None, Evaluation]:
    """Evaluate a network as it is; yields after every batch, returns the numbers.

    Raises:
        PneumoScopeError: There is no film, or the network's answers are no finite numbers.
    """
    logits, labels = [], []
    with closing(source.plain_batches(physical_core_count())) as batches:
        for done, batch in enumerate(batches, start=1):
            logits.append(compute_logits(network, batch.images, preprocessing))
            labels.append(batch.labels)
            yield Progress(stage, done, source.n_batches)
    return evaluation(np.concatenate(logits), np.concatenate(labels))

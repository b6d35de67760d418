"""Evaluate a model file on a dataset: the test part it never saw, or every film."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core.data.batches import BatchSource
from core.data.cache import ImageCache, open_cache
from core.data.loading import LoadedDataset
from core.data.records import Dataset, Record
from core.errors import DatasetError, Message
from core.evaluation.metrics import Evaluation, evaluation
from core.events import Progress
from core.models.model_card import ModelCard
from core.prediction.classifier import Classifier
from core.prediction.inference import logits_of_batches
from core.runtime.processor import physical_core_count
from core.workspace import Workspace

Part = Literal["test", "all"]
BATCH_SIZE = 32


@dataclass(frozen=True, slots=True, eq=False)
class ModelEvaluation:
    """How a model did, and on which films."""

    model: Path
    card: ModelCard
    part: Part
    result: Evaluation


def evaluate_model(
    model: Path,
    loaded: LoadedDataset,
    part: Part,
    workspace: Workspace,
    device_name: str = "auto",
) -> Iterator[Progress | ModelEvaluation]:
    """Yield progress and at last the evaluation.

    Args:
        model: A model file.
        loaded: The dataset; its classes must be the model's.
        part: "test" takes the films that the model's training kept apart as test.
        workspace: Where decoded films are kept.
        device_name: "auto", "cpu" or "gpu:N".

    Raises:
        ModelFileError: The model file is refused.
        DatasetError: The classes differ, or no test film of the model is in the dataset.
    """
    classifier = Classifier.open(model, device_name)
    records = films_of_part(classifier.card, loaded.dataset, part)
    cache: ImageCache | None = None
    size = classifier.card.preprocessing.image_size
    for step in open_cache(loaded.dataset.records, size, workspace.caches):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of open_cache
    source = BatchSource(cache, records, BATCH_SIZE)
    logits, labels = [], []
    pairs = logits_of_batches(
        classifier.network,
        source.plain_batches(physical_core_count()),
        classifier.card.preprocessing,
    )
    for done, (batch_logits, batch_labels) in enumerate(pairs, start=1):
        logits.append(batch_logits)
        labels.append(batch_labels)
        yield Progress(Message("Evaluating"), done, source.n_batches)
    result = evaluation(np.concatenate(logits), np.concatenate(labels))
    yield ModelEvaluation(model, classifier.card, part, result)


def films_of_part(card: ModelCard, dataset: Dataset, part: Part) -> tuple[Record, ...]:
    """The films to evaluate on, with labels in the order of the model's classes."""
    strange = sorted(set(dataset.classes) - set(card.classes))
    if strange:
        raise DatasetError(
            Message(
                "The dataset has classes that the model does not know: {strange}. The model "
                "knows: {known}.",
                strange=", ".join(strange),
                known=", ".join(card.classes),
            )
        )
    label_of = [card.classes.index(name) for name in dataset.classes]
    wanted = set(card.split["test"]) if part == "test" else None
    films = tuple(
        Record(record.name, record.path, record.digest, label_of[record.label])
        for record in dataset.records
        if wanted is None or record.digest in wanted
    )
    if not films:
        raise DatasetError(
            Message(
                "None of the model's test films is in {name}, so the model was trained on other "
                "films. Evaluate on all films instead.",
                name=dataset.source.name,
            )
        )
    return films

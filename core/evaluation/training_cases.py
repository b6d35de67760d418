"""Training X-rays with the highest loss: a list to look at, for some of them may be mislabelled."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from core.data.batches import BatchSource
from core.data.cache import ImageCache
from core.errors import DatasetError, Message
from core.evaluation.evaluate import (
    BATCH_SIZE,
    ModelEvaluation,
    Raw,
    gather,
    matched_classes,
)
from core.evaluation.study import Cases, TrainingCases, answered_by
from core.events import Progress
from core.models.operating_point import OperatingPoint
from core.workspace import Workspace

N_CASES: Final = 24


def training_cases(
    evaluated: ModelEvaluation, workspace: Workspace
) -> Iterator[Progress | TrainingCases]:
    """Ask a model about the X-rays it was trained on; the last yield tells the worst answers.

    Test and validation X-rays are never among them: whoever relabels those changes the result.

    Args:
        evaluated: Of the model, on the dataset that holds its training X-rays.
        workspace: Where decoded X-rays are kept.

    Raises:
        DatasetError: None of its training X-rays is in the dataset.
    """
    classifier, loaded, card = evaluated.classifier, evaluated.loaded, evaluated.card
    called = matched_classes(card.classes, loaded.dataset.classes, {})
    labels = {
        label: card.classes.index(called[name])
        for label, name in enumerate(loaded.dataset.classes)
        if called[name] in card.classes
    }
    elsewhere = {
        digest for part, digests in card.split.items() if part != "train" for digest in digests
    }
    wanted = set(card.split["train"]) - elsewhere
    records = tuple(
        replace(record, label=labels[record.label])
        for record in loaded.dataset.records
        if record.digest in wanted and record.label in labels
    )
    if not records:
        raise DatasetError(
            Message(
                "None of the model's training X-rays is in {name}. Open the dataset that it was "
                "trained on.",
                name=loaded.dataset.name,
            )
        )
    cache: ImageCache | None = None
    for step in loaded.at_size(card.preprocessing.image_size, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    source = BatchSource(cache, records, BATCH_SIZE)
    answers = yield from gather(
        classifier.network.outputs, source, Message("Asking about the training X-rays")
    )
    raw = Raw(records, answers)
    answered = answered_by(classifier, loaded, raw, OperatingPoint.neutral(card.classes))
    cases = Cases(classifier, loaded, records)
    everyone = np.ones(answered.probabilities.shape, np.bool_)  # which remain possible matters not
    wrong = [one for one in cases.answers(raw, answered, everyone) if one.predicted != one.truth]
    wrong.sort(key=lambda one: -one.loss)
    findings = card.findings
    confounded = (
        ()
        if findings is None
        else tuple(name for name in card.classes if findings.shortcut_of(name) is not None)
    )
    yield TrainingCases(len(records), tuple(cases.with_nearest(wrong[:N_CASES])), confounded)

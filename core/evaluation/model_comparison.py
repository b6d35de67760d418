"""Other models on the X-rays of an evaluation, and whether the differences may be chance."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.data.batches import BatchSource
from core.data.cache import ImageCache
from core.errors import DatasetError, Message
from core.evaluation.comparison import ModelComparison, compare
from core.evaluation.evaluate import BATCH_SIZE, ModelEvaluation, gather, matched_classes
from core.evaluation.intervals import Ints
from core.evaluation.study import Study, corrected
from core.events import Progress
from core.models.model_card import ModelCard
from core.models.operating_point import OperatingPoint, operating_point_of
from core.prediction.classifier import Classifier
from core.workspace import Workspace

MOST_MODELS: Final = 10  # beside the evaluated one


def compare_models(
    evaluated: ModelEvaluation, study: Study, others: Sequence[Path], workspace: Workspace
) -> Iterator[Progress | ModelComparison]:
    """Ask other models about the evaluated X-rays, and compare each two; the last yield is it.

    X-rays that one of the models was trained or chosen on, and all of the same patients, are left
    out: nobody would be surprised that it knows them.

    Args:
        evaluated: The evaluation of the first model.
        study: Its figures.
        others: Model files, at least one.
        workspace: Where decoded X-rays are kept.

    Raises:
        ModelFileError: A model file is refused.
        DatasetError: A model knows other classes, there are too many, or no X-ray is left.
    """
    if len(others) > MOST_MODELS:
        raise DatasetError(
            Message(
                "{n} models are too many to compare. Choose at most {most}.",
                n=len(others),
                most=MOST_MODELS,
            )
        )
    loaded, records = evaluated.loaded, evaluated.raw.records
    opened = [Classifier.open(path) for path in others]
    orders = [_order(one, evaluated.card) for one in opened]
    group_of = dict(
        zip((one.name for one in loaded.dataset.records), loaded.grouping.groups, strict=True)
    )
    cards = [evaluated.card, *(one.card for one in opened)]
    known = {
        digest for card in cards for part in ("train", "validation") for digest in card.split[part]
    }
    seen = {group_of[one.name] for one in loaded.dataset.records if one.digest in known}
    kept = [
        row
        for row, record in enumerate(records)
        if record.digest not in known and group_of[record.name] not in seen
    ]
    if not kept:
        raise DatasetError(
            Message(
                "One of the models was trained on each of these X-rays or their patients, so "
                "nothing is left to compare them on. Open a dataset that none of them knows."
            )
        )
    films = tuple(records[row] for row in kept)
    truth = study.answered.truth[kept]
    right = [study.answered.predicted[kept] == truth]
    for number, (classifier, order) in enumerate(zip(opened, orders, strict=True), start=1):
        cache: ImageCache | None = None
        for step in loaded.at_size(classifier.card.preprocessing.image_size, workspace):
            if isinstance(step, ImageCache):
                cache = step
            else:
                yield step
        assert cache is not None  # the last step of at_size
        stage = Message("Asking model {number} of {n}", number=number, n=len(opened))
        source = BatchSource(cache, films, BATCH_SIZE)
        answers = yield from gather(classifier.network.outputs, source, stage)
        card = classifier.card
        point = operating_point_of(card) or OperatingPoint.neutral(card.classes)
        said = point.answers(corrected(classifier, answers.logits), card.classes)
        right.append(order[said] == truth)
    names = [_name(path) for path in (evaluated.model, *others)]
    patients: Ints = study.answered.patients[kept]
    yield compare(names, right, patients, len(records) - len(kept))


def _name(path: Path) -> str:
    return f"{path.absolute().parent.name}/{path.name}"


def _order(classifier: Classifier, card: ModelCard) -> Any:
    """Return the number by which the evaluated model calls each class of another, (C,).

    Raises:
        DatasetError: The two know other classes.
    """
    called = matched_classes(card.classes, classifier.card.classes, {})
    if sorted(called.values()) != sorted(card.classes):
        raise DatasetError(
            Message(
                "The model {file} knows other classes ({theirs}) than the evaluated one ({ours}), "
                "so the two cannot be compared.",
                file=classifier.path.name,
                theirs=", ".join(classifier.card.classes),
                ours=", ".join(card.classes),
            )
        )
    return np.array([card.classes.index(called[name]) for name in classifier.card.classes])

"""The four steps from a dataset to answers, each with its state in one line."""

from dataclasses import dataclass
from typing import Literal

from app.i18n import tr
from app.view_models import ViewModels
from app.widgets.page import DATA, EVALUATE, READ, TRAIN

State = Literal["done", "next", "later"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path."""

    page: int
    title: str
    words: str  # its state
    state: State


def steps(models: ViewModels) -> tuple[Step, ...]:
    """Return the steps in their order; the first one that can be taken and is not done is next."""
    states = (
        (DATA, tr("Data"), *_data(models)),
        (TRAIN, tr("Train"), *_train(models)),
        (EVALUATE, tr("Evaluate"), *_evaluate(models)),
        (READ, tr("Read"), *_read(models)),
    )
    found: list[Step] = []
    has_next = False
    for page, title, words, is_done, is_possible in states:
        state: State = "done" if is_done else "later"
        if is_possible and not is_done and not has_next:
            state, has_next = "next", True
        found.append(Step(page, title, words, state))
    return tuple(found)


def _data(models: ViewModels) -> tuple[str, bool, bool]:
    loaded = models.data.dataset
    if models.data.is_busy:
        return tr("Opening the dataset …"), False, True
    if loaded is None:
        return tr("Drop a zip or folder of X-rays."), False, True
    n, n_classes = len(loaded.dataset.records), len(loaded.dataset.classes)
    words = tr(
        "{name}: {n} X-rays in {n_classes} classes",
        name=loaded.dataset.name,
        n=f"{n:,}",
        n_classes=n_classes,
    )
    return words, True, True


def _train(models: ViewModels) -> tuple[str, bool, bool]:
    training = models.training
    n_epochs, done = training.run_config.epochs, training.history.epochs
    if training.is_training:
        epoch = min(len(done) + 1, n_epochs)
        return tr("Training: epoch {epoch} of {n}", epoch=epoch, n=n_epochs), False, True
    if training.result is not None:
        accuracy = training.result.validation_accuracy
        if accuracy is None:
            return tr("Trained"), True, True
        return tr("Trained: validation accuracy {value}", value=f"{accuracy:.1%}"), True, True
    if training.can_resume:
        words = tr("Paused after epoch {epoch} of {n}", epoch=len(done), n=n_epochs)
        return words, False, True
    if training.dataset is None:
        return tr("Needs a dataset."), False, False
    is_done = models.reading.card is not None  # a model was opened instead
    return tr("Ready to train"), is_done, True


def _evaluate(models: ViewModels) -> tuple[str, bool, bool]:
    evaluation = models.evaluation
    if evaluation.is_busy:
        return tr("Evaluating …"), False, True
    if evaluation.result is not None:
        result = evaluation.result.result
        words = tr("Accuracy {value} on {n} X-rays", value=f"{result.accuracy:.1%}", n=result.n)
        return words, True, True
    if evaluation.model is None:
        return tr("Needs a model."), False, False
    if evaluation.dataset is None:
        return tr("Needs a dataset."), False, False
    return tr("Ready to evaluate"), False, True


def _read(models: ViewModels) -> tuple[str, bool, bool]:
    reading = models.reading
    if reading.card is None:
        return tr("Needs a model."), False, False
    if not reading.films:
        return tr("Drop X-rays to read them."), False, True
    return tr("X-rays read: {n}", n=f"{len(reading.films):,}"), True, True

"""The Evaluate page's state: a model, a dataset, and how the one does on the other."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import TaskQueue, TaskRunner
from core.data.dataset import LoadedDataset
from core.evaluation.evaluate import (
    ClassQuestion,
    ModelEvaluation,
    Part,
    evaluate_model,
    strange_classes,
)
from core.events import Progress
from core.models.model_file import read_card
from core.workspace import Workspace


class EvaluationViewModel(QObject):
    """Evaluates one model at a time.

    Args:
        runner: Where the work is done; this view-model's own.
        workspace: Where decoded films are kept.
    """

    changed = Signal()  # model, dataset, part, busy or not
    progressed = Signal(object)  # Progress
    evaluated = Signal(object)  # ModelEvaluation
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner, workspace: Workspace) -> None:
        super().__init__()
        self._queue, self._workspace = TaskQueue(runner, self), workspace
        self._part: Part = "test"
        self.model: Path | None = None
        self.dataset: LoadedDataset | None = None
        self.result: ModelEvaluation | None = None
        self.question: ClassQuestion | None = None  # to be answered by `choose_classes`
        self._mapping: Mapping[str, str] = {}  # class folders of the dataset -> the model's
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self.changed)

    @property
    def part(self) -> Part:
        """The films to evaluate on: the model's test part, or all."""
        return self._part

    @part.setter
    def part(self, part: Part) -> None:
        self._part = part
        self.changed.emit()

    @property
    def is_busy(self) -> bool:
        """True while an evaluation is going on."""
        return self._queue.is_busy

    @property
    def can_evaluate(self) -> bool:
        """True with a model and films, and nothing else to do."""
        return self.model is not None and self.dataset is not None and not self.is_busy

    def set_model(self, model: Path) -> None:
        """Evaluate `model` from now on; an earlier model's numbers are no longer shown."""
        self.model = model
        self._drop_result()

    def set_dataset(self, dataset: LoadedDataset) -> None:
        """Evaluate on `dataset` from now on; another one's numbers are no longer shown."""
        self.dataset = dataset
        self._drop_result()

    def evaluate(self) -> None:
        """Evaluate the model on the chosen part of the dataset."""
        model, dataset, part, mapping = self.model, self.dataset, self._part, self._mapping
        if model is None or dataset is None or self.is_busy:
            return

        def work() -> Iterator[Progress | ClassQuestion | ModelEvaluation]:
            question = strange_classes(read_card(model), dataset.dataset, mapping)
            if question is not None:
                yield question
                return
            yield from evaluate_model(model, dataset, part, self._workspace, mapping=mapping)

        self._queue.put(model, work)
        self.changed.emit()

    def choose_classes(self, mapping: Mapping[str, str]) -> None:
        """Answer the question, and evaluate.

        Args:
            mapping: Each class folder of the question -> a class of the model, or LEFT_OUT.
        """
        self._mapping, self.question = dict(mapping), None
        self.evaluate()

    def cancel(self) -> None:
        """Give up; an earlier result stays."""
        self._queue.drop()
        self.changed.emit()

    def end(self) -> None:
        """Give up, and begin nothing after it."""
        self._queue.close()

    def _drop_result(self) -> None:
        self.result, self.question, self._mapping = None, None, {}
        self._queue.drop()
        self.changed.emit()

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)
        elif isinstance(event, ClassQuestion):
            self.question = event
            self.changed.emit()
        else:
            self.result = event  # type: ignore[assignment]
            self.evaluated.emit(event)

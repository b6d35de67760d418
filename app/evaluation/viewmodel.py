"""The Evaluate page's state: a model, a dataset, and how the one does on the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.tasks import Failure, TaskQueue, TaskRunner
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.evaluation.comparison import ModelComparison
from core.evaluation.decision import threshold_for_sensitivity
from core.evaluation.evaluate import (
    ClassQuestion,
    ModelEvaluation,
    Part,
    evaluate_model,
    strange_classes,
)
from core.evaluation.lung_tests import Retrained
from core.evaluation.model_comparison import compare_models
from core.evaluation.repeated import LearningCurve, SplitBias, Spread
from core.evaluation.statements import Statements, keep_statements, statements_of
from core.evaluation.study import Study, TrainingCases, study_of
from core.evaluation.training_cases import training_cases
from core.events import Progress
from core.models.model_file import keep_operating_point, read_card
from core.models.operating_point import OperatingPoint
from core.report.charts import CHARTS, Look, Words, render
from core.report.evaluation_kit import write_kit
from core.report.facts import ReportContext
from core.training.lung_control import retrain_without_lungs
from core.training.repeats import compare_splits, learning_curve, repeat_seeds
from core.workspace import Workspace

_LOADING = Progress(Message("Loading the deep-learning library"), 0, 0)
_TRAININGS = ("repeats", "learning", "splits", "control")  # requests
_Trained = Progress | Spread | LearningCurve | SplitBias | Retrained


@dataclass(frozen=True, slots=True)
class ChartDrawn:
    """A chart is ready."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class KitWritten:
    """The paper kit is on the disk."""

    folder: Path


@dataclass(frozen=True, slots=True)
class PointKept:
    """The model file holds the operating point."""

    point: OperatingPoint


class EvaluationViewModel(QObject):
    """Evaluates one model at a time.

    Args:
        runner: Where the work is done; this view-model's own.
        workspace: Where decoded films are kept.
        is_training: Whether a run is trained elsewhere; Paddle trains one network at a time.
    """

    changed = Signal()  # model, dataset, part, busy or not
    progressed = Signal(object)  # Progress
    evaluated = Signal(object)  # ModelEvaluation
    studied = Signal(object)  # Study, after an evaluation
    chart_drawn = Signal(object)  # ChartDrawn
    kit_written = Signal(object)  # KitWritten
    point_kept = Signal(object)  # PointKept
    failed = Signal(object)  # Failure

    def __init__(
        self,
        runner: TaskRunner,
        workspace: Workspace,
        is_training: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self._queue, self._workspace = TaskQueue(runner, self), workspace
        self._is_training_elsewhere = is_training
        self._part: Part = "test"
        self.model: Path | None = None
        self.dataset: LoadedDataset | None = None
        self.result: ModelEvaluation | None = None
        self.study: Study | None = None
        self.question: ClassQuestion | None = None  # to be answered by `choose_classes`
        self._mapping: Mapping[str, str] = {}  # class folders of the dataset -> the model's
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self.changed)

    @property
    def part(self) -> Part:
        """The films to evaluate on: the model's test part, or all; another one starts anew."""
        return self._part

    @part.setter
    def part(self, part: Part) -> None:
        if part == self._part:
            return
        had_result, mapping = self.result is not None, self._mapping
        self._part = part
        self._drop_result()
        self._mapping = mapping
        if had_result:
            self.evaluate()

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

        def work() -> Iterator[Progress | ClassQuestion | ModelEvaluation | Study]:
            question = strange_classes(read_card(model), dataset.dataset, mapping)
            if question is not None:
                yield question
                return
            for step in evaluate_model(model, dataset, part, self._workspace, mapping=mapping):
                yield step
                if isinstance(step, ModelEvaluation):
                    yield from study_of(step)

        self._queue.put(model, work)
        self.changed.emit()

    def study_again(
        self, thresholds: Mapping[str, float] | None = None, *, with_lungs: bool = False
    ) -> None:
        """Compute the figures anew from the answers that are known.

        Args:
            thresholds: Of all classes; None: as they were.
            with_lungs: Whether the lung tests are run.
        """
        result, study = self.result, self.study
        if result is None or study is None or self.is_busy:
            return
        point = study.operating_point
        if thresholds is not None:
            n = 0 if study.validation is None else len(study.validation.truth)
            point = OperatingPoint(thresholds=dict(thresholds), n=n)
        is_other_point = point != study.operating_point

        def work() -> Iterator[Progress | Study]:
            for step in study_of(result, point, with_lungs=with_lungs):
                if not isinstance(step, Study):
                    yield step
                    continue
                lungs = step.lungs or study.lungs
                if lungs is not None and study.lungs is not None:
                    lungs = replace(lungs, retrained=study.lungs.retrained)
                yield replace(
                    step,
                    lungs=lungs,
                    # It compared other answers.
                    comparison=None if is_other_point else study.comparison,
                    training=study.training,
                    spread=study.spread,
                    learning=study.learning,
                    splits=study.splits,
                )

        self._queue.put(result.model, work)
        self.changed.emit()

    def compare(self, others: Sequence[Path]) -> None:
        """Compare the model with others on the X-rays of the evaluation."""
        result, study = self.result, self.study
        if result is None or study is None or not others or self.is_busy:
            return
        workspace = self._workspace

        def work() -> Iterator[Progress | Study]:
            for step in compare_models(result, study, others, workspace):
                if isinstance(step, ModelComparison):
                    yield replace(study, comparison=step)
                else:
                    yield step

        self._queue.put(study, work)
        self.changed.emit()

    def ask_about_training(self) -> None:
        """Find the training X-rays with the highest loss."""
        result, study, workspace = self.result, self.study, self._workspace
        if result is None or study is None or self.is_busy:
            return

        def work() -> Iterator[Progress | Study]:
            for step in training_cases(result, workspace):
                if isinstance(step, TrainingCases):
                    yield replace(study, training=step)
                else:
                    yield step

        self._queue.put(study, work)
        self.changed.emit()

    @property
    def is_training(self) -> bool:
        """True while models of the same recipe are trained."""
        return self._queue.current in _TRAININGS

    def repeat(self, n_seeds: int) -> None:
        """Train the model's recipe again with other seeds."""
        self._train("repeats", lambda *given: repeat_seeds(given[0], given[1], n_seeds, *given[2:]))

    def learn(self) -> None:
        """Train the model's recipe on ever more of the patients."""
        self._train("learning", learning_curve)

    def compare_splits(self) -> None:
        """Train the model's recipe on splits by patient and by image."""
        self._train("splits", compare_splits)

    def retrain_without_lungs(self) -> None:
        """Train the model's recipe on X-rays without lungs, after the other lung tests."""
        self._train("control", retrain_without_lungs)

    def _train(
        self,
        request: str,
        training: Callable[..., Iterator[_Trained]],
    ) -> None:
        result, study, workspace = self.result, self.study, self._workspace
        if result is None or study is None or self.is_busy:
            return
        if self._is_training_elsewhere():
            self.failed.emit(
                Failure(Message("A network is being trained. Wait until it is done, or stop it."))
            )
            return

        def work() -> Iterator[Progress | Study]:
            lungs = study.lungs
            if request == "control" and lungs is None:
                for tested in study_of(result, study.operating_point, with_lungs=True):
                    if isinstance(tested, Study):
                        lungs = tested.lungs
                    else:
                        yield tested
            yield _LOADING
            for step in training(result.card.training, result.loaded, "auto", workspace):
                if isinstance(step, Spread):
                    yield replace(study, spread=step)
                elif isinstance(step, SplitBias):
                    yield replace(study, splits=step)
                elif isinstance(step, LearningCurve):
                    yield replace(study, learning=step)
                elif isinstance(step, Retrained):
                    assert lungs is not None
                    yield replace(study, lungs=replace(lungs, retrained=step))
                else:
                    yield step

        self._queue.put(request, work)
        self.changed.emit()

    def threshold_for(self, label: int, sensitivity: float) -> float | None:
        """Return the threshold of a class that finds this share of it in validation."""
        study = self.study
        if study is None or study.validation is None:
            return None
        limits = [study.operating_point.thresholds[name] for name in study.classes]
        return threshold_for_sensitivity(study.validation, np.array(limits), label, sensitivity)

    def keep_point(self) -> None:
        """Save the operating point in the model file."""
        model, study = self.model, self.study
        if model is None or study is None or self.is_busy:
            return
        point = study.operating_point

        def work() -> Iterator[PointKept]:
            keep_operating_point(model, point.to_json())
            yield PointKept(point)

        self._queue.put(model, work)
        self.changed.emit()

    def draw(self, look: Look, words: Words) -> None:
        """Draw all charts in a theme's colours and a language."""
        study = self.study
        if study is None:
            return

        def work() -> Iterator[ChartDrawn]:
            for chart in CHARTS:
                if chart.is_drawn(study):
                    yield ChartDrawn(chart.name, render(chart, study, words, look)[0])

        self._queue.put(study, work)

    @property
    def statements(self) -> Statements:
        """The statements that people made about the dataset."""
        if self.dataset is None:
            return Statements()
        return statements_of(self._workspace, self.dataset.dataset.fingerprint)

    def write_kit(self, folder: Path, statements: Statements, context: ReportContext) -> None:
        """Keep the statements with the dataset and write the paper kit."""
        result, study = self.result, self.study
        if result is None or study is None or self.is_busy:
            return
        workspace = self._workspace

        def work() -> Iterator[Progress | KitWritten]:
            keep_statements(workspace, result.loaded.dataset.fingerprint, statements)
            yield from write_kit(folder, result, study, statements, context)
            yield KitWritten(folder)

        self._queue.put(folder, work)
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
        self.result = self.study = self.question = None
        self._mapping = {}
        self._queue.drop()
        self.changed.emit()

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)
        elif isinstance(event, ClassQuestion):
            self.question = event
            self.changed.emit()
        elif isinstance(event, ModelEvaluation):
            self.result = event
            self.evaluated.emit(event)
        elif isinstance(event, Study):
            self.study = event
            self.studied.emit(event)
        elif isinstance(event, ChartDrawn):
            self.chart_drawn.emit(event)
        elif isinstance(event, KitWritten):
            self.kit_written.emit(event)
        elif isinstance(event, PointKept):
            self.point_kept.emit(event)

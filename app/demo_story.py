"""The demo in the window: load, train, evaluate, read, the user being free to take over."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from app.viewmodels.data import DataViewModel
from app.viewmodels.evaluation import EvaluationViewModel
from app.viewmodels.reading import ReadingViewModel
from app.viewmodels.training import TrainingViewModel
from core.demo import demo_config

DATA, TRAIN, EVALUATE, READ = range(4)


class DemoStory(QObject):
    """Presses the buttons that a user would press, each once the step before has ended.

    Args:
        data: Opens the built-in films; likewise the other three do their part.
        training: Trains on them.
        evaluation: Evaluates the model.
        reading: Reads the films that were kept.
        show_page: Brings a page to the front.
    """

    def __init__(
        self,
        data: DataViewModel,
        training: TrainingViewModel,
        evaluation: EvaluationViewModel,
        reading: ReadingViewModel,
        show_page: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._data, self._training, self._evaluation = data, training, evaluation
        self._show_page = show_page
        data.loaded.connect(self._on_data_loaded)
        training.trained.connect(self._on_trained)
        evaluation.evaluated.connect(self._on_evaluated)
        # Each step is taken once: later runs are the user's own.
        self._steps_left = {DATA, TRAIN, EVALUATE}

    @Slot()
    def begin(self) -> None:
        """Open the built-in films."""
        self._show_page(DATA)
        self._data.open_demo()

    @Slot()
    def _on_data_loaded(self) -> None:
        if self._take(DATA):
            self._show_page(TRAIN)
            self._training.set_config(demo_config())
            self._training.start()

    @Slot()
    def _on_trained(self) -> None:
        if self._take(TRAIN):
            self._show_page(EVALUATE)
            self._evaluation.evaluate()

    @Slot()
    def _on_evaluated(self) -> None:
        if self._take(EVALUATE):
            self._show_page(READ)

    def _take(self, step: int) -> bool:
        is_left = step in self._steps_left
        self._steps_left.discard(step)
        return is_left

"""The demo in the window: load, train, evaluate, read, the user being free to take over."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.data.viewmodel import DataViewModel
from app.evaluation.viewmodel import EvaluationViewModel
from app.reading.viewmodel import ReadingViewModel
from app.training.viewmodel import TrainingViewModel
from app.widgets.page import DATA, EVALUATE, READ, TRAIN
from core.data.dataset import LoadedDataset
from core.demo import demo_config


class DemoStory(QObject):
    """The user of the demo: begins each step once the one before has ended.

    Args:
        data: Opens the built-in films; likewise the other three do their part.
        training: Trains on them.
        evaluation: Evaluates the model.
        reading: Reads the films that were kept.
        show_page: Brings a page to the front.
    """

    step_begun = Signal(int)  # 1 to 4
    given_up = Signal()  # the user or an error ended it before its last step

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
        self._step: int | None = None  # the page whose work is awaited; None: the story is over
        data.loaded.connect(self._on_data_loaded)
        data.changed.connect(self._on_data_changed)
        training.trained.connect(self._on_trained)
        evaluation.evaluated.connect(self._on_evaluated)
        # Whoever stops a step, or meets an error, goes on alone.
        training.stopped.connect(self._give_up)
        for model in (data, training, evaluation):
            model.failed.connect(self._give_up)

    @Slot()
    def begin(self) -> None:
        """Open the built-in films."""
        self._step = DATA
        self.step_begun.emit(1)
        self._show_page(DATA)
        self._data.open_demo()

    @Slot()
    def end(self) -> None:
        """Begin no further step; what goes on goes on."""
        self._step = None

    @Slot()
    def _give_up(self) -> None:
        if self._step is not None:
            self._step = None
            self.given_up.emit()

    @Slot(object)
    def _on_data_loaded(self, loaded: LoadedDataset) -> None:
        if self._step != DATA or loaded.dataset.sources != (self._data.demo_source,):
            return
        self._step = TRAIN
        self.step_begun.emit(2)
        self._show_page(TRAIN)
        self._training.set_config(demo_config())
        self._training.start()

    @Slot()
    def _on_data_changed(self) -> None:
        """Give up after a load that ended without films: it was cancelled."""
        if self._step == DATA and not self._data.is_busy:
            self._give_up()

    @Slot()
    def _on_trained(self) -> None:
        if self._step != TRAIN or self._data.dataset is not self._training.run_dataset:
            self._give_up()
            return
        self._step = EVALUATE
        self.step_begun.emit(3)
        self._show_page(EVALUATE)
        self._evaluation.evaluate()

    @Slot()
    def _on_evaluated(self) -> None:
        if self._step == EVALUATE:
            self.step_begun.emit(4)
            self._show_page(READ)
        self._step = None

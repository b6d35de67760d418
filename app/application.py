"""Builds the program: the only place where objects are wired to each other."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, QTimer, QTranslator, Slot
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import QApplication

from app import interrupts
from app import theme as styling
from app.data.augmentation_viewmodel import AugmentationViewModel
from app.data.catalogue import FilmReader
from app.data.split_viewmodel import SplitViewModel
from app.data.viewmodel import DataViewModel
from app.demo import DemoStory
from app.evaluation.viewmodel import EvaluationViewModel
from app.failures import GarbageCollector, UncaughtErrors, start_logging
from app.help.viewmodel import HelpViewModel
from app.i18n import set_language, tr
from app.main_window import MainWindow
from app.quiz.viewmodel import QuizViewModel
from app.reading.desk_viewmodel import DeskViewModel
from app.reading.export import ExportViewModel
from app.reading.viewmodel import ReadingViewModel
from app.runs.viewmodel import RunsViewModel
from app.settings import AppSettings, Theme
from app.tasks import TaskRunner
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from app.view_models import ViewModels
from app.widgets.page import TRAIN
from core.config import TrainingConfig
from core.demo import demo_config
from core.errors import PneumoScopeError
from core.quiz.films import sources_of
from core.runtime.devices import Device
from core.runtime.threads import tune_process
from core.workspace import Workspace

log = logging.getLogger(__name__)


class Application(QObject):
    """Everything behind one window.

    Args:
        qt: The running QApplication.
        settings: Preferences.
        workspace: Where the program keeps its files.
    """

    def __init__(self, qt: QApplication, settings: AppSettings, workspace: Workspace) -> None:
        super().__init__()
        self._qt, self._settings = qt, settings
        self.garbage = GarbageCollector()
        self._qt_words = QTranslator()
        qt.setStyle("Fusion")
        self._set_fonts()
        set_language(settings.language)
        self._apply_theme(settings.theme)

        self._runners = [TaskRunner() for _ in range(6)]
        loading, training, evaluating, reading, exports, opening_weights = self._runners
        self._background = [TaskRunner() for _ in range(8)]
        self._finding_devices, auditing, looking, listing_runs, diagnosing, *behind_reading = (
            self._background
        )
        viewing, explaining, asking = behind_reading
        self.data = DataViewModel(loading, auditing, workspace)
        self.training = TrainingViewModel(training, workspace)
        self._restore_training()
        self.evaluation = EvaluationViewModel(
            evaluating, workspace, lambda: self.training.is_training
        )
        self.reading = ReadingViewModel(reading, workspace)
        self.desk = DeskViewModel(viewing, explaining)
        self.exports = ExportViewModel(
            exports, lambda film: self.desk.explanation(film.key, film.predicted)
        )
        self.quiz = QuizViewModel(asking)
        self.split = SplitViewModel(self.data, self.training)
        self.augmentation = AugmentationViewModel()
        self.weights = InitialWeightsViewModel(opening_weights, self.training, workspace)
        self.films = FilmReader(looking)
        self.runs = RunsViewModel(
            listing_runs, workspace, [Path(folder) for folder in settings.run_folders]
        )
        self.help = HelpViewModel(diagnosing, workspace, lambda: self.training.is_training)
        models = ViewModels(
            data=self.data,
            split=self.split,
            augmentation=self.augmentation,
            training=self.training,
            weights=self.weights,
            evaluation=self.evaluation,
            reading=self.reading,
            desk=self.desk,
            exports=self.exports,
            quiz=self.quiz,
            runs=self.runs,
            help=self.help,
        )
        self.window = MainWindow(models, self._runners, self._background, settings)
        self._story: DemoStory | None = None
        self._has_asked_for_devices = False
        self._connect()
        self._set_words(settings.language)

    def start(self, paths: list[Path], *, demo: bool) -> None:
        """Show the window and open what was asked for."""
        self.window.show()
        # After the first paint, so that the window is there at once.
        if demo:
            QTimer.singleShot(0, self._begin_demo)
        elif paths:
            QTimer.singleShot(0, lambda: self.window.open_paths(paths))

    def _restore_training(self) -> None:
        """Take the settings of the last session; what cannot be read is left out."""
        saved = self._settings.training_config
        if saved:
            try:
                self.training.set_config(TrainingConfig.from_json(json.loads(saved)))
            except (ValueError, RecursionError, PneumoScopeError):
                log.warning("the settings of training could not be restored", exc_info=True)
        self._remembered = self.training.config
        self.training.changed.connect(self._remember_training)

    @Slot()
    def _remember_training(self) -> None:
        config = self.training.config
        if config is self._remembered or config == demo_config():
            return
        self._remembered = config
        kept = config.changed(extra_epochs=0, initial_weights="")  # of a run, not of its recipe
        self._settings.training_config = json.dumps(kept.to_json())

    def _connect(self) -> None:
        self.data.loaded.connect(self.training.set_dataset)
        self.data.audited.connect(self.training.set_report)
        self.data.loaded.connect(self.evaluation.set_dataset)
        self.data.loaded.connect(self.reading.set_dataset)
        self.data.loaded.connect(self._offer_quiz)
        self.reading.model_opened.connect(self._on_model_opened)
        self.split.changed.connect(self._on_split_changed)
        self.augmentation.changed.connect(
            lambda: self.training.change(augmentation=self.augmentation.config)
        )
        self.training.changed.connect(lambda: self.augmentation.follow(self.training.config))
        films = self.window.data_page.films
        films.film_wanted.connect(lambda film: self.films.read(film.name, film.path))
        self.films.failed.connect(self.window.show_failure)
        self.films.film_read.connect(
            lambda film: films.show_film(film.name, film.image, film.reason)
        )
        self.weights.changed.connect(
            lambda: self.training.set_opening_weights(self.weights.is_busy)
        )
        self.evaluation.changed.connect(
            lambda: self.training.set_training_elsewhere(self.evaluation.is_training)
        )
        self.runs.folders_changed.connect(self._on_run_folders_changed)
        self.training.trained.connect(self.runs.refresh)
        self.training.stopped.connect(self.runs.refresh)
        self.training.trained.connect(lambda done: self._use(done.model))
        self.training.stopped.connect(self._use)
        self.window.demo_wanted.connect(self._begin_demo)
        self.window.language_chosen.connect(self._on_language_chosen)
        self.window.theme_chosen.connect(self._on_theme_chosen)
        self.window.page_shown.connect(self._on_window_page_shown)
        self._finding_devices.reported.connect(self._on_devices_reported)
        self._finding_devices.failed.connect(self.window.show_failure)

    @Slot()
    def _begin_demo(self) -> None:
        if self.training.is_training or self.window.is_closing:
            return
        if self._story is None:
            self._story = DemoStory(
                self.data, self.training, self.evaluation, self.reading, self.window.show_page
            )
            self._story.step_begun.connect(self.window.demo_bar.show_step)
            self._story.given_up.connect(lambda: self.window.demo_bar.show_step(5))
            self.window.demo_bar.ended.connect(self._story.end)
        self._story.begin()

    def find_devices(self) -> None:
        """Load Paddle behind the window, once, and offer what it can compute on."""
        if not self._has_asked_for_devices:
            self._has_asked_for_devices = True
            self._finding_devices.start(_find_devices)

    @Slot(int)
    def _on_window_page_shown(self, page: int) -> None:
        if page == TRAIN:  # no other page needs Paddle
            self.find_devices()

    @Slot(object)
    def _on_devices_reported(self, devices: tuple[Device, ...]) -> None:
        self.garbage.settle()  # Paddle has been loaded
        self.training.set_devices(devices)

    @Slot(list)
    def _on_run_folders_changed(self, folders: list[Path]) -> None:
        self._settings.run_folders = [str(folder) for folder in folders]

    @Slot()
    def _on_split_changed(self) -> None:
        """Preview the films that would be trained on, in the order in which they would be."""
        loaded, parts = self.data.dataset, self.split.splits
        if loaded is None or parts is None:
            return
        records = [loaded.dataset.records[index] for index in parts.train]
        self.augmentation.set_films(
            [record.name for record in records],
            lambda index: loaded.cache.image(records[index].digest),
        )

    @Slot(object)
    def _on_model_opened(self, classifier: object) -> None:
        self.exports.use(classifier)  # type: ignore[arg-type]
        self._offer_quiz()

    @Slot()
    def _offer_quiz(self) -> None:
        """Let the quiz ask about the films of the open dataset."""
        loaded = self.data.dataset
        sources = sources_of(loaded.dataset) if loaded is not None else ()
        self.quiz.prepare(sources, self.reading.classifier)

    @Slot(object)
    def _use(self, model: Path | None) -> None:
        """Evaluate and read with the model that training left, if there is one."""
        if model is None or self.window.is_closing:
            return
        self.evaluation.set_model(model)
        self.reading.open_model(model, kept_from=self.training.run_dataset)

    @Slot(str)
    def _on_language_chosen(self, code: str) -> None:
        self._settings.language = code
        self._set_words(code)

    @Slot(str)
    def _on_theme_chosen(self, theme: Theme) -> None:
        self._settings.theme = theme
        self._apply_theme(theme)
        self.window.apply_theme(theme)

    def _set_words(self, code: str) -> None:
        set_language(code)
        QCoreApplication.removeTranslator(self._qt_words)
        self._qt_words = styling.qt_translator(code)
        QCoreApplication.installTranslator(self._qt_words)
        # Qt tells the widgets only if its own translator has words, which English has not.
        QCoreApplication.sendEvent(self._qt, QEvent(QEvent.Type.LanguageChange))

    def _apply_theme(self, theme: Theme) -> None:
        self._qt.setPalette(styling.palette(theme))
        sheet = styling.style_sheet(theme)
        if self._qt.styleSheet() != sheet:  # the same one would style every widget anew
            self._qt.setStyleSheet(sheet)

    def _set_fonts(self) -> None:
        font = QFont(self._qt.font())
        font.setFamilies([font.family(), *styling.load_fonts()])
        self._qt.setFont(font)


def run_window(paths: list[str], demo: bool) -> int:
    """Open the window and stay until it is closed; the exit code of the program."""
    started = time.monotonic()
    tune_process()  # before anything can load Paddle's libraries
    workspace = Workspace.of_user()
    workspace.remove_leftovers()
    start_logging(workspace.logs)
    QApplication.setOrganizationName("PneumoScope")
    QApplication.setApplicationName("PneumoScope")
    qt = QApplication(sys.argv[:1])
    qt.setApplicationDisplayName(tr("PneumoScope"))
    qt.setWindowIcon(QIcon(styling.pixmap("pneumoscope", "", 64)))
    errors = UncaughtErrors()
    errors.install()
    program = Application(qt, AppSettings(_settings_store()), workspace)
    errors.caught.connect(program.window.show_failure)
    program.garbage.begin()
    # Not at once: the request may come while something is painted.
    request = interrupts.Request(lambda: QTimer.singleShot(0, program.window.end), is_window=True)
    ticking = QTimer()  # lets Python see requests to end while Qt's loop runs
    ticking.start(200)
    ticking.timeout.connect(lambda: None)
    with interrupts.answering(request):
        program.start([Path(path) for path in paths], demo=demo)
        log.info("window shown %.2f s after the start", time.monotonic() - started)
        return qt.exec()


def _settings_store() -> QSettings:
    ini = QSettings.Format.IniFormat
    return QSettings(ini, QSettings.Scope.UserScope, "PneumoScope", "PneumoScope")


def _find_devices() -> Iterator[object]:
    """Load Paddle where nobody waits for it, and see what it can compute on."""
    from core.runtime.devices import list_devices

    yield list_devices()

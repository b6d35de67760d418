"""The window: the rail, the pages, drops anywhere, and what closing means while work runs."""

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import theme as styling
from app.data.page import DataPage
from app.drops import Dropped, contents_of, welcome
from app.evaluation.page import EvaluationPage
from app.failures import show_failure
from app.file_dialogs import MODEL_ENDING, FileDialogs
from app.help.page import HelpPage
from app.i18n import LANGUAGES, language, tr
from app.quiz.start import QuizView
from app.reading.page import ReadingPage
from app.runs.page import RunsPage
from app.settings import THEMES, AppSettings, Theme
from app.start.next_step import DemoBar, NextStepBar
from app.start.page import StartPage
from app.tasks import Failure, TaskRunner
from app.training.page import TrainingPage
from app.view_models import ViewModels
from app.widgets.dialogs import ask
from app.widgets.help_links import SCHEME
from app.widgets.labels import plain_label
from app.widgets.page import DATA, EVALUATE, HELP, READ, RUNS, START, TRAIN
from app.widgets.window_parts import MenuBar, Rail, show_about
from core.config import TrainingConfig
from core.data.members import DATASET_ENDINGS
from core.data.tables import is_table
from core.errors import Message
from core.images.formats import is_named_as_image


class Incoming(QObject):
    """Sorts films, models and datasets.

    Args:
        models: What opens them.
        settings: The last folder.
        window: Shows the page that something went to.
    """

    def __init__(self, models: ViewModels, settings: AppSettings, window: "MainWindow") -> None:
        super().__init__()
        self._data, self._reading = models.data, models.reading
        self._evaluation, self._settings, self._window = models.evaluation, settings, window

    @Slot(list)
    def open_paths(self, paths: list[Path]) -> None:
        """Send files to the page they are for, wherever they were dropped."""
        models = [path for path in paths if path.suffix.lower() == MODEL_ENDING]
        films = [path for path in paths if path.suffix.lower() != MODEL_ENDING]
        sources: list[Path] = []
        if paths:
            self._settings.last_folder = str(paths[0].parent)
        if models:
            self.open_model(models[0])
        if self._window.page != READ:  # there, zips and folders are lists of films
            sources = [path for path in films if _is_source(path)]
            known = set(sources)
            films = [path for path in films if path not in known]
        if films:
            self._window.show_page(READ)
            self._reading.read(films)
        if sources:
            self.open_sources(sources)
        if len(models) > 1:
            only = Message("Only {name} was opened: one model at a time.", name=models[0].name)
            self._window.show_failure(Failure(only))

    @Slot(list)
    def open_sources(self, sources: list[Path]) -> None:
        """Open zips and folders as one dataset."""
        self._settings.last_folder = str(sources[0].parent)
        self._window.show_page(DATA)
        self._data.open(sources)

    @Slot(object)
    def open_dropped(self, dropped: Dropped) -> None:
        """Open what a drop or the clipboard held, and say why the rest cannot be."""
        self.open_paths(list(dropped.paths))
        if dropped.pictures:
            self._window.show_page(READ)
            self._reading.read([], dropped.pictures)
        for refusal in dropped.refusals:
            self._window.show_failure(Failure(refusal))

    @Slot(object)
    def open_model(self, path: Path) -> None:
        """Use a model file for reading and evaluating."""
        if self._window.page != EVALUATE:
            self._window.show_page(READ)
        self._reading.open_model(path, kept_from=self._data.dataset)
        self._evaluation.set_model(path)


def _is_source(path: Path) -> bool:
    """Return True if a path is a dataset rather than a film; no film's file is looked for."""
    if path.name.lower().endswith(DATASET_ENDINGS) or is_table(path):
        return True
    return not is_named_as_image(path.name) and path.is_dir()


PAGE_ICONS = ("start", "data", "train", "evaluate", "read", "runs", "help")
PAGE_HELP = ("start", "data", "train", "evaluate", "read", "runs")  # what F1 opens on each


class MainWindow(QMainWindow):
    """Lays out the pages and sends what is dropped to the one it is for.

    Args:
        models: What the pages show.
        runners: The user's work, about which closing asks.
        background: What nobody asked for, such as loading Paddle; closing waits without asking.
        settings: The window's place and the last folder.
    """

    language_chosen = Signal(str)
    page_shown = Signal(int)
    theme_chosen = Signal(str)
    demo_wanted = Signal()  # the guided one

    def __init__(
        self,
        models: ViewModels,
        runners: list[TaskRunner],
        background: list[TaskRunner],
        settings: AppSettings,
    ) -> None:
        super().__init__()
        self._models = models
        self._data, self._training, self._quiz = models.data, models.training, models.quiz
        self._runners, self._background, self._settings = runners, background, settings
        self._is_closing = False
        self._theme: Theme = settings.theme
        self.start_page = StartPage(models, settings)
        self.data_page = DataPage(models.data, models.split, models.augmentation)
        self.training_page = TrainingPage(models.training, models.weights)
        self.evaluation_page = EvaluationPage(models.evaluation)
        self.reading_page = ReadingPage(
            models.reading, models.desk, models.exports, QuizView(models.quiz)
        )
        self.runs_page = RunsPage(models.runs)
        self.help_page = HelpPage(models.help)
        self._pages = (
            self.start_page,
            self.data_page,
            self.training_page,
            self.evaluation_page,
            self.reading_page,
            self.runs_page,
            self.help_page,
        )
        self._dialogs = FileDialogs(self, settings)
        self._incoming = Incoming(models, settings, self)
        self._rail = Rail(len(self._pages))
        self._menus = MenuBar(THEMES)
        self.setMenuBar(self._menus)
        self._stack = QStackedWidget()
        self.demo_bar, self._next_step = DemoBar(), NextStepBar(models)
        self._disclaimer = plain_label("disclaimer")
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.setMinimumSize(960, 640)
        if not settings.geometry.isEmpty():
            self.restoreGeometry(settings.geometry)
        self.apply_theme(self._theme)
        self._retranslate()
        self._show_recent()
        self.show_page(START)

    @property
    def is_closing(self) -> bool:
        """True once the window waits for work to end in order to close: start nothing new."""
        return self._is_closing

    @property
    def page(self) -> int:
        """The one in front."""
        return self._stack.currentIndex()

    def show_page(self, index: int) -> None:
        """Bring a page to the front."""
        self._stack.setCurrentIndex(index)
        self._rail.choose(index)

    @Slot(str)
    def show_help(self, name: str) -> None:
        """Bring the help to the front, at one of its pages."""
        self.help_page.show_help(name)
        self.show_page(HELP)

    @Slot(QUrl)
    def open_help_link(self, link: QUrl) -> None:
        """Open the place of a `HelpLink`."""
        self.show_page(HELP)  # first: a page that was never shown has no place to scroll to
        self.help_page.show_help(link.path(), link.fragment())

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""
        self._theme = theme
        colour = styling.colours(theme)["text"]
        icons = [styling.icon(name, colour) for name in PAGE_ICONS]
        self._rail.show_icons(
            icons, styling.icon("language", colour), styling.icon("theme", colour)
        )
        for page in self._pages:
            page.apply_theme(theme)
        self._name_rail()

    def open_paths(self, paths: list[Path]) -> None:
        """Send files to the page they are for, wherever they were dropped."""
        self._incoming.open_paths(paths)

    @Slot(bool)
    def set_full_screen(self, is_full: bool) -> None:
        """Give the viewer the whole screen, but for the line that says what this is not."""
        for widget in (self._rail, self._menus):
            widget.setVisible(not is_full)
        if is_full:
            self.demo_bar.hide()
        self.reading_page.set_full_screen(is_full)
        full = Qt.WindowState.WindowFullScreen  # a window that was as large as can be stays so
        self.setWindowState(self.windowState() | full if is_full else self.windowState() & ~full)

    @Slot(object)
    def show_failure(self, failure: Failure) -> None:
        """Say what failed."""
        show_failure(failure, self)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        welcome(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if welcome(event):
            self._incoming.open_dropped(contents_of(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close at once when idle; else ask, stop the work, and close when it has ended."""
        has_quiz = self._quiz.holds_answers and not self._is_closing
        if not (self._is_at_work() or has_quiz):
            self._models.reading.end()
            if self.isFullScreen():  # the next window has its frame again
                self.set_full_screen(False)
            self._settings.geometry = self.saveGeometry()
            event.accept()
            if self.isHidden():  # Qt ends the program only with the last visible window
                QCoreApplication.quit()
            return
        event.ignore()
        if self._is_closing:
            return
        if has_quiz or any(runner.is_running for runner in self._runners):
            self._ask_to_close()
        else:  # Paddle is still loading, for instance, which cannot be cut short
            self.hide()
            self._close_when_idle()

    def _ask_to_close(self) -> None:
        if any(box.isVisible() for box in self.findChildren(QMessageBox, "closeQuestion")):
            return
        hint = ""
        if self._training.is_training:
            hint = tr("What was trained so far is kept in the run's folder.")
        elif self._quiz.holds_answers:
            hint = tr("The answers of the quiz are not saved yet.")
        ask(
            self,
            tr("Work is still going on. Stop it and close?"),
            hint,
            yes=tr("Stop and close"),
            no=tr("Keep working"),
            on_yes=self._close_when_idle,
        ).setObjectName("closeQuestion")

    @Slot()
    def end(self) -> None:
        """Stop all work and close, without a question: the system or a terminal asks for it."""
        if not self._is_closing:
            self._close_when_idle()

    def _close_when_idle(self) -> None:
        self._is_closing = True
        self._disclaimer.setText(tr("Closing: finishing this batch …"))
        models = self._models
        for model in (models.data, models.runs, models.reading, models.desk, models.evaluation):
            model.end()
        models.help.end()
        models.exports.cancel()
        models.training.end()
        for runner in (*self._runners, *self._background):
            runner.stop()
        self._close_if_idle()

    @Slot()
    def _close_if_idle(self) -> None:
        if not self._is_closing:
            return
        for runner in (*self._runners, *self._background):
            runner.stop()  # what ended last may have begun something new
        if not self._is_at_work():
            self.close()

    def _is_at_work(self) -> bool:
        return any(runner.is_running for runner in (*self._runners, *self._background))

    def _lay_out(self) -> None:
        # From the outside in: whatever is moved into a widget is styled anew with all it holds.
        centre = QWidget()
        self.setCentralWidget(centre)
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        right = QVBoxLayout()
        row.addLayout(right, 1)
        right.setSpacing(0)
        right.addWidget(self.demo_bar)
        right.addWidget(self._stack, 1)
        right.addWidget(self._next_step)
        right.addWidget(self._disclaimer)
        for page in self._pages:
            self._stack.addWidget(page)

    def _connect(self) -> None:
        self._rail.page_chosen.connect(self._stack.setCurrentIndex)
        self._stack.currentChanged.connect(self.page_shown)
        self._stack.currentChanged.connect(self._next_step.show_for)
        self._next_step.page_wanted.connect(self.show_page)
        self._rail.language_pressed.connect(lambda: self.language_chosen.emit(_other_language()))
        self._rail.theme_pressed.connect(self._on_theme_pressed)
        self.training_page.advanced.set_unfolded(self._settings.is_form_advanced)
        self.training_page.advanced.folded.connect(self._on_advanced_folded)
        # WORKAROUND: PySide6 asks for bytes in its types and takes a name only.
        QDesktopServices.setUrlHandler(SCHEME, self, "open_help_link")  # type: ignore[arg-type]
        start = self.start_page
        start.page_wanted.connect(self.show_page)
        start.zip_wanted.connect(self._dialogs.choose_zips)
        start.folder_wanted.connect(self._dialogs.choose_folder)
        start.model_wanted.connect(self._dialogs.choose_model)
        start.demo_wanted.connect(self.demo_wanted)
        start.help_wanted.connect(self.show_help)
        start.dataset_chosen.connect(self._on_recent_chosen)
        start.model_chosen.connect(self._incoming.open_model)
        start.run_chosen.connect(self._on_start_run_chosen)
        start.resume_wanted.connect(self._on_runs_resume_wanted)
        self.data_page.zip_wanted.connect(self._dialogs.choose_zips)
        self.data_page.folder_wanted.connect(self._dialogs.choose_folder)
        self.data_page.table_wanted.connect(self._dialogs.choose_table)
        self.data_page.train_wanted.connect(lambda: self.show_page(TRAIN))
        self.evaluation_page.model_wanted.connect(self._dialogs.choose_model)
        self.evaluation_page.rivals_wanted.connect(self._dialogs.choose_rivals)
        self._dialogs.rivals_chosen.connect(self._models.evaluation.compare)
        self.evaluation_page.film_wanted.connect(lambda path: self._incoming.open_paths([path]))
        self.reading_page.model_wanted.connect(self._dialogs.choose_model)
        self.reading_page.films_wanted.connect(self._dialogs.choose_films)
        self.reading_page.folder_wanted.connect(self._dialogs.choose_film_folder)
        self.reading_page.full_screen_wanted.connect(self.set_full_screen)
        self._dialogs.chosen.connect(self._incoming.open_paths)
        self._dialogs.sources_chosen.connect(self._incoming.open_sources)
        self._menus.recent_chosen.connect(self._on_recent_chosen)
        self.data_page.recent_chosen.connect(self._on_recent_chosen)
        self._data.opened.connect(self._on_dataset_opened)
        self._models.reading.model_opened.connect(self._on_model_opened)
        self._menus.zip_wanted.connect(self._dialogs.choose_zips)
        self._menus.folder_wanted.connect(self._dialogs.choose_folder)
        self._menus.model_wanted.connect(self._dialogs.choose_model)
        self._menus.films_wanted.connect(self._dialogs.choose_films)
        self._menus.demo_wanted.connect(self._on_demo_wanted)
        self._menus.guided_demo_wanted.connect(self.demo_wanted)
        self._menus.help_wanted.connect(self._on_help_wanted)
        self._menus.tutorial_wanted.connect(lambda: self.show_help("tutorial"))
        self._menus.shortcuts_wanted.connect(lambda: self.show_help("shortcuts"))
        self._menus.quit_wanted.connect(self.close)
        self._menus.about_wanted.connect(lambda: show_about(self))
        self._menus.language_chosen.connect(self.language_chosen)
        self._menus.theme_chosen.connect(self.theme_chosen)
        self._models.runs.model_wanted.connect(self._incoming.open_model)
        self._models.runs.config_wanted.connect(self._on_runs_config_wanted)
        self._models.runs.resume_wanted.connect(self._on_runs_resume_wanted)
        for page in (self.data_page, self.evaluation_page, self.reading_page):
            page.dropped.connect(self._incoming.open_dropped)
        models = self._models
        for model in (models.data, models.training, models.evaluation, models.reading):
            model.failed.connect(self.show_failure)
        for other in (models.desk, models.exports, models.quiz, models.runs, models.help):
            other.failed.connect(self.show_failure)
        for runner in (*self._runners, *self._background):
            runner.finished.connect(self._close_if_idle)

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("PneumoScope"))
        self._disclaimer.setText(
            tr("Research and teaching only, never diagnosis.")
            + "  "
            + tr("Nothing leaves this computer.")
        )
        self._name_rail()

    def _name_rail(self) -> None:
        self._menus.show_state(language(), self._theme)
        other_theme = tr("Light") if self._theme == "dark" else tr("Dark")
        self._rail.show_words(
            [
                tr("Start"),
                tr("Data"),
                tr("Train"),
                tr("Evaluate"),
                tr("Read"),
                tr("Runs"),
                tr("Help"),
            ],
            LANGUAGES[_other_language()],
            other_theme,
        )

    @Slot(list)
    def _on_dataset_opened(self, sources: list[Path]) -> None:
        self._settings.remember_dataset([str(source) for source in sources])
        self._show_recent()

    @Slot()
    def _on_model_opened(self) -> None:
        if (path := self._models.reading.model) is not None:
            self._settings.remember_model(str(path))

    @Slot(bool)
    def _on_advanced_folded(self, is_advanced: bool) -> None:
        self._settings.is_form_advanced = is_advanced

    @Slot()
    def _on_help_wanted(self) -> None:
        """Open the help of the page in front."""
        if self.page != HELP:
            self.show_help(PAGE_HELP[self.page])

    @Slot(object)
    def _on_start_run_chosen(self, folder: Path) -> None:
        self.show_page(RUNS)
        self._models.runs.select([folder])

    def _show_recent(self) -> None:
        self._menus.show_recent(self._settings.recent_datasets)
        self.data_page.show_recent(self._settings.recent_datasets)

    @Slot(list)
    def _on_recent_chosen(self, sources: list[str]) -> None:
        self.show_page(DATA)
        self._data.open([Path(source) for source in sources])

    @Slot(object)
    def _on_runs_config_wanted(self, config: TrainingConfig) -> None:
        # What was added to that run later, and the file it began with, are not its recipe.
        self._training.set_config(config.changed(extra_epochs=0, initial_weights=""))
        self.show_page(TRAIN)

    @Slot(object)
    def _on_runs_resume_wanted(self, folder: Path) -> None:
        self.show_page(TRAIN)
        self._training.resume(folder)

    def _on_demo_wanted(self) -> None:
        self.show_page(DATA)
        self._data.open_demo()

    def _on_theme_pressed(self) -> None:
        self.theme_chosen.emit("light" if self._theme == "dark" else "dark")


def _other_language() -> str:
    return "en" if language() == "zh_CN" else "zh_CN"

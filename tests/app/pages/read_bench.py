"""The Read page with all its view-models, on which a model answers at once."""

from collections.abc import Sequence
from pathlib import Path

from hands import label_texts, wait_until
from pretended_explanations import Explanations
from pretended_reading import MODEL, Readings

from app.pages.reading_desk import ReadingDesk
from app.pages.reading_page import ReadingPage
from app.pages.reading_panel import ReadingPanel
from app.tasks import TaskRunner
from app.viewmodels.desk import DeskViewModel
from app.viewmodels.quiz import QuizViewModel
from app.viewmodels.read_film import ReadFilm
from app.viewmodels.reading import ReadingViewModel
from app.viewmodels.taking_away import TakingAwayViewModel
from app.widgets.reading_list import ReadingList
from app.widgets.reading_list.row import RowWords
from app.widgets.viewer import ViewerDesk
from core.workspace import Workspace


class Bench:
    """The page and what is behind it.

    Args:
        runners: Idle ones, at least five.
        workspace: Of its own.
        readings: Answer.
        explanations: Explain.
    """

    def __init__(
        self,
        runners: Sequence[TaskRunner],
        workspace: Workspace,
        readings: Readings,
        explanations: Explanations,
    ) -> None:
        self.runners, self.readings, self.explanations = runners, readings, explanations
        reading, viewing, explaining, taking, asking, *_, speeding = runners
        self.reading = ReadingViewModel(reading, speeding, workspace)
        self.looking = DeskViewModel(viewing, explaining)
        self.taking = TakingAwayViewModel(
            taking, lambda film: self.looking.explanation(film.key, film.predicted)
        )
        self.reading.model_opened.connect(self.taking.use)
        self.quiz = QuizViewModel(asking)
        self.page = ReadingPage(self.reading, self.looking, self.taking, self.quiz)
        self.page.apply_theme("dark")
        self.page.resize(1280, 760)

    @property
    def desk(self) -> ReadingDesk:
        return self.page.desk

    @property
    def film_list(self) -> ReadingList:
        return self.page.desk.list

    @property
    def viewer(self) -> ViewerDesk:
        return self.page.desk.viewer

    @property
    def panel(self) -> ReadingPanel:
        return self.page.desk.panel

    @property
    def films(self) -> list[ReadFilm]:
        """Those that were read, in their order."""
        return list(self.reading.films.values())

    def settle(self) -> None:
        """Wait until everything is read, shown and explained."""

        def is_settled() -> bool:
            self.film_list.keys_in_order()  # shows what came
            return not any(runner.is_running for runner in self.runners)

        wait_until(is_settled)

    def open(self, model: Path = MODEL) -> None:
        """Open a model."""
        self.reading.open_model(model)
        self.settle()

    def read(self, *paths: Path) -> list[ReadFilm]:
        """Read files; all films that are in the list now."""
        self.reading.read(paths)
        self.settle()
        return self.films

    def choose(self, film: ReadFilm) -> None:
        """Press a row of the list."""
        self.film_list.choose(film.key)
        self.settle()

    def said(self) -> list[str]:
        """What the panel says."""
        return label_texts(self.panel)

    def row(self, key: int) -> RowWords:
        """What the list says of a film."""
        self.film_list.keys_in_order()
        return self.film_list._model.words(key)

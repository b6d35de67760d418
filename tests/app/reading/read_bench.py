"""The Read page with all its view-models, on which a model answers at once."""

from collections.abc import Sequence
from pathlib import Path

from app.quiz.start import QuizView
from app.quiz.viewmodel import QuizViewModel
from app.reading.desk import ReadingDesk
from app.reading.desk_viewmodel import DeskViewModel
from app.reading.export import ExportViewModel
from app.reading.film_list import ReadingList
from app.reading.film_list_model import RowWords
from app.reading.page import ReadingPage
from app.reading.panel import ReadingPanel
from app.reading.viewmodel import ReadingViewModel
from app.tasks import TaskRunner
from app.widgets.viewer import ViewerDesk
from core.prediction.reading import FilmResult
from core.workspace import Workspace
from tests.app.hands import label_texts, wait_until
from tests.app.pretended_explanations import Explanations
from tests.app.pretended_reading import MODEL, Readings


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
        reading, viewing, explaining, exports, asking, *_ = runners
        self.reading = ReadingViewModel(reading, workspace)
        self.looking = DeskViewModel(viewing, explaining)
        self.exports = ExportViewModel(
            exports, lambda film: self.looking.explanation(film.key, film.predicted)
        )
        self.reading.model_opened.connect(self.exports.use)
        self.quiz = QuizViewModel(asking)
        self.page = ReadingPage(self.reading, self.looking, self.exports, QuizView(self.quiz))
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
    def films(self) -> list[FilmResult]:
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

    def read(self, *paths: Path) -> list[FilmResult]:
        """Read files; all films that are in the list now."""
        self.reading.read(paths)
        self.settle()
        return self.films

    def choose(self, film: FilmResult) -> None:
        """Press a row of the list."""
        self.film_list.choose(film.key)
        self.settle()

    def said(self) -> list[str]:
        """Return the texts of the panel."""
        return label_texts(self.panel)

    def row(self, key: int) -> RowWords:
        """Return the words of a film's row."""
        self.film_list.keys_in_order()
        return self.film_list._model.words(key)

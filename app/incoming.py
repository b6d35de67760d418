"""Where files go that are dropped, chosen or named: to the page they are for."""

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Slot

from app.dropped import Dropped
from app.file_dialogs import MODEL_ENDING
from app.pages.page import DATA, EVALUATE, READ
from app.settings import AppSettings
from app.tasks import Failure
from app.viewmodels.of_window import ViewModels
from core.data.images import is_named_as_image
from core.errors import Message


class Window(Protocol):
    """What is asked of the window."""

    @property
    def page(self) -> int:
        """The page in front."""

    def show_page(self, index: int) -> None:
        """Bring a page to the front."""

    def show_failure(self, failure: Failure) -> None:
        """Say what failed."""


class Incoming(QObject):
    """Sorts films, models and datasets.

    Args:
        models: What opens them.
        settings: The last folder.
        window: Shows the page that something went to.
    """

    def __init__(self, models: ViewModels, settings: AppSettings, window: Window) -> None:
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
            self._window.show_failure(Failure(only, ""))

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
            self._window.show_failure(Failure(refusal, ""))

    @Slot(object)
    def open_model(self, path: Path) -> None:
        """Use a model file for reading and evaluating."""
        if self._window.page != EVALUATE:
            self._window.show_page(READ)
        self._reading.open_model(path, kept_from=self._data.dataset)
        self._evaluation.set_model(path)


def _is_source(path: Path) -> bool:
    """Whether a path is a dataset rather than a film; no film's file is looked for."""
    if path.suffix.lower() == ".zip":
        return True
    return not is_named_as_image(path.name) and path.is_dir()

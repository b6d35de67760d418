"""What is dropped, chosen or named goes to the page it is for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.drops import Dropped
from app.main_window import Incoming
from app.settings import AppSettings
from app.tasks import Failure
from app.view_models import ViewModels
from app.widgets.page import DATA, EVALUATE, READ, TRAIN
from core.errors import Message

A, B, C = Path("a.png"), Path("b.dcm"), Path("no_ending")
ZIP, MODEL, OTHER = Path("films.ZIP"), Path("one.safetensors"), Path("two.SafeTensors")


class Window:
    """Notes what happens to it, and to the view-models behind it."""

    def __init__(self) -> None:
        self.page = DATA
        self.failures: list[str] = []
        self.done: list[tuple[Any, ...]] = []

    def show_page(self, index: int) -> None:
        self.page = index

    def show_failure(self, failure: Failure) -> None:
        self.failures.append(str(failure.message))

    def note(self, name: str) -> Any:
        """A method that notes what it is given."""
        return lambda *given, **named: self.done.append((name, *given, *named.values()))


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def incoming(window: Window, settings: AppSettings) -> Incoming:
    models = SimpleNamespace(
        data=SimpleNamespace(open=window.note("open"), dataset="the dataset"),
        reading=SimpleNamespace(read=window.note("read"), open_model=window.note("model")),
        evaluation=SimpleNamespace(set_model=window.note("evaluate")),
    )
    return Incoming(cast(ViewModels, models), settings, window)


@pytest.mark.parametrize("page", [DATA, TRAIN, EVALUATE, READ])
def test_films_are_read_wherever_they_come(incoming: Incoming, window: Window, page: int) -> None:
    window.page = page
    incoming.open_paths([A, B, C])
    assert window.done == [("read", [A, B, C])]
    assert window.page == READ


@pytest.mark.parametrize("page", [DATA, TRAIN, EVALUATE])
def test_zips_and_folders_are_one_dataset(
    incoming: Incoming, window: Window, tmp_path: Path, page: int
) -> None:
    window.page = page
    incoming.open_paths([ZIP, tmp_path])
    assert window.done == [("open", [ZIP, tmp_path])]
    assert window.page == DATA


def test_on_the_read_page_they_are_lists_of_films(
    incoming: Incoming, window: Window, tmp_path: Path
) -> None:
    window.page = READ
    incoming.open_paths([ZIP, A, tmp_path])
    assert window.done == [("read", [ZIP, A, tmp_path])]
    assert window.page == READ


def test_films_beside_a_dataset_are_read(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([A, ZIP])
    assert window.done == [("read", [A]), ("open", [ZIP])]
    assert window.page == DATA


def test_a_folder_that_is_called_like_a_film_is_no_dataset(
    incoming: Incoming, window: Window, tmp_path: Path
) -> None:
    folder = tmp_path / "film.png"
    folder.mkdir()
    incoming.open_paths([folder])
    assert window.done == [("read", [folder])]  # which looks into it, or says why not


def test_a_model_is_for_reading_and_evaluating(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([MODEL])
    assert window.done == [("model", MODEL, "the dataset"), ("evaluate", MODEL)]
    assert window.page == READ


def test_a_model_on_the_evaluate_page_stays_there(incoming: Incoming, window: Window) -> None:
    window.page = EVALUATE
    incoming.open_paths([MODEL])
    assert window.page == EVALUATE


def test_a_model_and_films_come_together(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([A, MODEL])
    assert [name for name, *_ in window.done] == ["model", "evaluate", "read"]


def test_of_two_models_one_is_opened_and_that_is_said(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([MODEL, OTHER])
    assert ("model", MODEL, "the dataset") in window.done
    assert window.failures == ["Only one.safetensors was opened: one model at a time."]


def test_nothing_does_nothing(incoming: Incoming, window: Window, settings: AppSettings) -> None:
    before = settings.last_folder
    incoming.open_paths([])
    assert (window.done, window.page, settings.last_folder) == ([], DATA, before)


def test_the_folder_is_remembered(
    incoming: Incoming, settings: AppSettings, tmp_path: Path
) -> None:
    incoming.open_paths([tmp_path / "a.png"])
    assert settings.last_folder == str(tmp_path)


def test_pictures_are_read(incoming: Incoming, window: Window) -> None:
    incoming.open_dropped(Dropped(pictures=(b"a picture",)))
    assert window.done == [("read", [], (b"a picture",))]
    assert window.page == READ


def test_what_cannot_be_opened_is_told_and_the_rest_is_opened(
    incoming: Incoming, window: Window
) -> None:
    refusals = (Message("This is a link to {where}.", where="example.org"), Message("Nothing."))
    incoming.open_dropped(Dropped(paths=(A,), refusals=refusals))
    assert window.done == [("read", [A])]
    assert window.failures == ["This is a link to example.org.", "Nothing."]

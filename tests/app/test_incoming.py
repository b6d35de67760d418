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


def test_each_file_goes_to_the_page_it_is_for(
    incoming: Incoming, window: Window, tmp_path: Path
) -> None:
    a_folder = tmp_path / "film.png"  # is called like a film, and is looked into as one
    a_folder.mkdir()
    model = [("model", MODEL, "the dataset"), ("evaluate", MODEL)]
    for page in (DATA, TRAIN, EVALUATE, READ):
        is_read = page == READ  # where zips and folders are lists of films
        for paths, done, shown in (
            ([A, B, C], [("read", [A, B, C])], READ),
            ([a_folder], [("read", [a_folder])], READ),
            (
                [ZIP, tmp_path],
                [("read" if is_read else "open", [ZIP, tmp_path])],
                READ if is_read else DATA,
            ),
            ([MODEL], model, EVALUATE if page == EVALUATE else READ),
            ([A, MODEL], [*model, ("read", [A])], READ),
        ):
            window.page, window.done = page, []
            incoming.open_paths(paths)
            assert window.done == done
            assert window.page == shown


def test_films_beside_a_dataset_are_read(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([A, ZIP])
    assert window.done == [("read", [A]), ("open", [ZIP])]
    assert window.page == DATA


def test_of_two_models_one_is_opened_and_that_is_said(incoming: Incoming, window: Window) -> None:
    incoming.open_paths([MODEL, OTHER])
    assert ("model", MODEL, "the dataset") in window.done
    assert window.failures == ["Only one.safetensors was opened: one model at a time."]


def test_the_folder_is_remembered_and_nothing_does_nothing(
    incoming: Incoming, window: Window, settings: AppSettings, tmp_path: Path
) -> None:
    incoming.open_paths([tmp_path / "a.png"])
    assert settings.last_folder == str(tmp_path)
    window.done = []
    incoming.open_paths([])
    assert (window.done, settings.last_folder) == ([], str(tmp_path))


def test_pictures_are_read_and_what_cannot_be_opened_is_told(
    incoming: Incoming, window: Window
) -> None:
    incoming.open_dropped(Dropped(pictures=(b"a picture",)))
    assert window.page == READ
    refusals = (Message("This is a link to {where}.", where="example.org"), Message("Nothing."))
    incoming.open_dropped(Dropped(paths=(A,), refusals=refusals))
    assert window.done == [("read", [], (b"a picture",)), ("read", [A])]
    assert window.failures == ["This is a link to example.org.", "Nothing."]

"""Closing the window: at once when idle; else it asks, ends the work, and then closes."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from PySide6.QtWidgets import QMessageBox

from app.application import Application
from app.data import viewmodel as data_module
from app.settings import AppSettings
from app.tasks import TaskRunner
from app.widgets.viewer.picture import to_image
from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.events import BatchDone, Progress
from core.models.model_file import read_card
from core.phantom import draw_film
from core.training.run_folder import LAST_FILE
from tests.app.hands import drop, label_texts, press, wait_until
from tests.app.made_dataset import name_of
from tests.app.pretended import ONE, Audits
from tests.app.pretended_explanations import Explanations
from tests.made_runs import read_run

STAGES = ["importing", "caching", "training"]


class Work:
    """Holds the program at one stage of its work until it is let go."""

    def __init__(self, stage: str, patch: pytest.MonkeyPatch) -> None:
        from core.training import session

        self._stage = stage
        self.reached, self.gate = threading.Event(), threading.Event()
        for module, name in ((data_module, "load_dataset"), (session, "run_training")):
            patch.setattr(module, name, self._held(getattr(module, name)))

    def _held(self, source: Any) -> Any:
        def held(*arguments: Any) -> Generator[object, None, None]:
            with closing(source(*arguments)) as events:
                for event in events:
                    if self._is_now(event):
                        self.reached.set()
                        assert self.gate.wait(60)
                    yield event

        return held

    def _is_now(self, event: object) -> bool:
        if self._stage == "training":
            return isinstance(event, BatchDone)
        is_reading = isinstance(event, Progress) and "Reading films" in str(event.stage)
        return is_reading if self._stage == "caching" else isinstance(event, Progress)


@pytest.fixture(params=STAGES)
def work(
    request: pytest.FixtureRequest,
    application: Application,
    films_zip: Path,
    loaded: LoadedDataset,
    tiny_config: TrainingConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Work]:
    """The program in the middle of its work."""
    work = Work(request.param, monkeypatch)
    if request.param == "training":
        application.training.set_config(tiny_config)
        application.training.set_dataset(loaded)
        application.training.start()
    else:
        drop(application.window, films_zip)
    wait_until(work.reached.is_set)
    yield work
    work.gate.set()


def question(program: Application) -> QMessageBox:
    """The question that closing asked."""
    shown = [box for box in program.window.findChildren(QMessageBox) if box.isVisible()]
    assert len(shown) == 1, f"there are {len(shown)} questions"
    return shown[0]


def test_an_idle_window_closes_at_once(application: Application) -> None:
    assert application.window.close()
    assert not application.window.isVisible()


def test_a_window_at_work_asks_and_stays(application: Application, work: Work) -> None:
    assert not application.window.close()
    assert application.window.isVisible()
    assert "Stop it and close?" in question(application).text()


def test_the_question_is_asked_once(application: Application, work: Work) -> None:
    application.window.close()
    application.window.close()
    assert question(application).isVisible()


def test_keep_working_goes_on(application: Application, work: Work) -> None:
    application.window.close()
    press(question(application), "Keep working")
    work.gate.set()
    wait_until(
        lambda: application.data.dataset is not None or application.training.result is not None
    )
    assert application.window.isVisible()


def test_stop_and_close_closes_when_the_work_has_ended(
    application: Application, work: Work, started_runners: WeakSet[TaskRunner]
) -> None:
    application.window.close()
    press(question(application), "Stop and close")
    assert application.window.isVisible()
    assert any(text.startswith("Closing:") for text in label_texts(application.window))
    work.gate.set()
    wait_until(lambda: not application.window.isVisible())
    assert not any(runner.is_running for runner in started_runners)
    assert application.data.dataset is None
    assert application.training.result is None


@pytest.mark.parametrize("work", ["training"], indirect=True)
def test_a_run_that_closing_stopped_can_be_read(application: Application, work: Work) -> None:
    application.window.close()
    press(question(application), "Stop and close")
    work.gate.set()
    wait_until(lambda: not application.window.isVisible())
    folder = application.training.run_folder
    assert folder is not None
    description, events = read_run(folder)
    assert description["status"] == "paused"  # to be offered at the next start
    assert [event["event"] for event in events] == ["TrainingStarted", "BatchDone"]
    assert read_card(folder / LAST_FILE).classes == ("COVID", "NORMAL", "Viral_Pneumonia")


@pytest.mark.parametrize("work", ["importing", "caching"], indirect=True)
def test_an_import_that_closing_stopped_leaves_nothing_half_done(
    application: Application, work: Work, tmp_path: Path
) -> None:
    application.window.close()
    press(question(application), "Stop and close")
    work.gate.set()
    wait_until(lambda: not application.window.isVisible())
    assert not list((tmp_path / "home").rglob("*.part"))
    left = [path.name for path in (tmp_path / "home" / "caches").glob("*")]
    assert left in ([], ["patients.key"])  # with which patients' numbers are hidden, once made


def test_the_story_of_the_demo_starts_nothing_new_while_closing(
    application: Application,
    loaded: LoadedDataset,
    monkeypatch: pytest.MonkeyPatch,
    started_runners: WeakSet[TaskRunner],
) -> None:
    """The films are there just when the window is told to close."""
    reached, gate = threading.Event(), threading.Event()

    def almost_done(*_: object) -> Generator[object, None, None]:
        reached.set()
        assert gate.wait(60)
        yield loaded

    monkeypatch.setattr(data_module, "draw_demo", lambda _: iter([]))
    monkeypatch.setattr(data_module, "load_dataset", almost_done)
    application.start([], demo=True)
    wait_until(reached.is_set)
    application.window.close()
    press(question(application), "Stop and close")
    gate.set()
    wait_until(lambda: not application.window.isVisible())
    assert not application.training.history.n_batches
    assert not any(runner.is_running for runner in started_runners)


@pytest.mark.usefixtures("openings")
def test_a_dataset_that_is_being_looked_through_does_not_keep_the_window_open(
    application: Application, audits: Audits, started_runners: WeakSet[TaskRunner]
) -> None:
    application.data.open([ONE])
    wait_until(lambda: bool(audits.begun) and not application.data.is_busy)
    application.data.edit(lambda edits: edits.leave_out([name_of(0, 0)]))  # to be looked through
    application.window.close()
    assert not application.window.isVisible()
    assert not application.window.findChildren(QMessageBox)
    audits.gate.set()
    wait_until(lambda: not any(runner.is_running for runner in started_runners))
    assert len(audits.begun) == 1
    assert application.data.report is None


def test_films_in_sight_are_not_explained_one_after_the_other_before_it_closes(
    application: Application,
    model_file: Path,
    film_files: list[Path],
    explanations: Explanations,
    started_runners: WeakSet[TaskRunner],
) -> None:
    application.window.open_paths([model_file, *film_files])
    wait_until(lambda: len(application.reading.films) == 3 and not application.reading.is_busy)
    explanations.gate.clear()
    application.desk.look_at([(film, 0) for film in application.reading.films.values()])
    wait_until(lambda: bool(explanations.asked) and explanations.asked[-1][1] == 0)
    n_asked = len(explanations.asked)
    application.window.close()
    explanations.gate.set()
    wait_until(lambda: not any(runner.is_running for runner in started_runners))
    assert len(explanations.asked) == n_asked
    assert not application.window.isVisible()


@pytest.mark.usefixtures("explanations")
def test_what_was_pasted_does_not_stay_on_the_disk(
    application: Application, model_file: Path, tmp_path: Path
) -> None:
    application.reading.read([], [to_image(draw_film("NORMAL", 3, 64))])
    application.reading.open_model(model_file)
    wait_until(lambda: len(application.reading.films) == 1 and not application.reading.is_busy)
    [film] = application.reading.films.values()
    assert film.path.exists()
    application.window.close()
    wait_until(lambda: not application.window._is_at_work())
    assert not list((tmp_path / "home").rglob("Pasted*"))


def test_the_place_of_the_window_is_kept(application: Application, settings: AppSettings) -> None:
    application.window.setGeometry(20, 30, 1000, 700)
    place = application.window.saveGeometry()
    application.window.close()
    assert settings.geometry == place

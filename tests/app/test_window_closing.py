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

STAGES = ("caching", "importing", "training")  # films that were cached are not read again


class Work:
    """Holds the program at the stages of its work, one by one, until it is let go."""

    def __init__(self, program: Application, patch: pytest.MonkeyPatch) -> None:
        from core.training import session

        self._program = program
        self._stage = ""
        self._reached, self._gate = threading.Event(), threading.Event()
        for module, name in ((data_module, "load_dataset"), (session, "run_training")):
            patch.setattr(module, name, self._held(getattr(module, name)))

    def begin(self, stage: str, films: Path, loaded: LoadedDataset, config: TrainingConfig) -> None:
        """Bring the program into the middle of `stage`."""
        self._stage = stage
        self._reached.clear()
        self._gate.clear()
        if stage == "training":
            self._program.training.set_config(config)
            self._program.training.set_dataset(loaded)
            self._program.training.start()
        else:
            drop(self._program.window, films)
        wait_until(self._reached.is_set)

    def go_on(self) -> None:
        self._gate.set()

    def _held(self, source: Any) -> Any:
        def held(*arguments: Any) -> Generator[object, None, None]:
            with closing(source(*arguments)) as events:
                for event in events:
                    if self._is_now(event):
                        self._reached.set()
                        assert self._gate.wait(60)
                    yield event

        return held

    def _is_now(self, event: object) -> bool:
        if self._stage == "training":
            return isinstance(event, BatchDone)
        is_reading = isinstance(event, Progress) and "Reading films" in str(event.stage)
        return is_reading if self._stage == "caching" else isinstance(event, Progress)


@pytest.fixture
def work(application: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    work = Work(application, monkeypatch)
    yield work
    work.go_on()


def question(program: Application) -> QMessageBox:
    """The question that closing asked."""
    shown = [box for box in program.window.findChildren(QMessageBox) if box.isVisible()]
    assert len(shown) == 1, f"there are {len(shown)} questions"
    return shown[0]


def stop_and_close(program: Application, work: Work, runners: WeakSet[TaskRunner]) -> None:
    program.window.close()
    press(question(program), "Stop and close")
    assert program.window.isVisible()
    assert any(text.startswith("Closing:") for text in label_texts(program.window))
    work.go_on()
    wait_until(lambda: not program.window.isVisible())
    assert not any(runner.is_running for runner in runners)


def test_an_idle_window_closes_at_once_and_its_place_is_kept(
    application: Application, settings: AppSettings
) -> None:
    application.window.setGeometry(20, 30, 1000, 700)
    place = application.window.saveGeometry()
    assert application.window.close()
    assert not application.window.isVisible()
    assert settings.geometry == place


def test_a_window_at_work_asks_once_and_goes_on_or_stops(
    application: Application,
    work: Work,
    films_zip: Path,
    loaded: LoadedDataset,
    tiny_config: TrainingConfig,
    tmp_path: Path,
    started_runners: WeakSet[TaskRunner],
) -> None:
    for stage in STAGES:
        source = tmp_path / f"{stage}.zip"
        source.write_bytes(films_zip.read_bytes())
        work.begin(stage, source, loaded, tiny_config)
        assert not application.window.close()
        assert not application.window.close()
        assert application.window.isVisible()
        assert "Stop it and close?" in question(application).text()
        press(question(application), "Keep working")
        work.go_on()
        wait_until(lambda: not application.window._is_at_work())
        assert application.window.isVisible()
        current = application.data.current
        assert current is not None
        assert stage == "training" or current.sources == (source,)
    assert application.training.result is not None

    work.begin("training", films_zip, loaded, tiny_config)
    stop_and_close(application, work, started_runners)
    assert application.training.result is None
    folder = application.training.run_folder
    assert folder is not None
    description, events = read_run(folder)
    assert description["status"] == "paused"  # to be offered at the next start
    assert [event["event"] for event in events] == ["TrainingStarted", "BatchDone"]
    assert read_card(folder / LAST_FILE).classes == ("COVID", "NORMAL", "Viral_Pneumonia")


@pytest.mark.parametrize("stage", ["importing", "caching"])
def test_an_import_that_closing_stopped_leaves_nothing_half_done(
    application: Application,
    work: Work,
    stage: str,
    films_zip: Path,
    loaded: LoadedDataset,
    tiny_config: TrainingConfig,
    tmp_path: Path,
    started_runners: WeakSet[TaskRunner],
) -> None:
    work.begin(stage, films_zip, loaded, tiny_config)
    stop_and_close(application, work, started_runners)
    assert application.data.dataset is None
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
def test_work_in_the_background_does_not_keep_the_window_open_and_is_not_gone_on_with(
    application: Application,
    audits: Audits,
    explanations: Explanations,
    model_file: Path,
    film_files: list[Path],
    tmp_path: Path,
    started_runners: WeakSet[TaskRunner],
) -> None:
    """A dataset is being looked through, three films in sight explained, one was pasted."""
    application.data.open([ONE])
    wait_until(lambda: bool(audits.begun) and not application.data.is_busy)
    application.data.edit(lambda edits: edits.leave_out([name_of(0, 0)]))  # to be looked through
    application.reading.read(film_files, [to_image(draw_film("NORMAL", 3, 64))])
    application.reading.open_model(model_file)
    wait_until(lambda: len(application.reading.films) == 4 and not application.reading.is_busy)
    *films, pasted = application.reading.films.values()
    assert pasted.path.exists()
    explanations.gate.clear()
    application.desk.look_at([(film, 0) for film in films])
    wait_until(lambda: bool(explanations.asked) and explanations.asked[-1][1] == 0)
    n_asked = len(explanations.asked)

    application.window.close()
    assert not application.window.isVisible()
    assert not application.window.findChildren(QMessageBox)
    audits.gate.set()
    explanations.gate.set()
    wait_until(lambda: not any(runner.is_running for runner in started_runners))
    assert len(audits.begun) == 1
    assert application.data.report is None
    assert len(explanations.asked) == n_asked
    assert not list((tmp_path / "home").rglob("Pasted*"))

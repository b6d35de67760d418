"""Opening datasets and keeping several open; edits and audits have tests of their own."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.data import viewmodel as data_module
from app.data.viewmodel import MAX_OPEN, DataViewModel
from app.tasks import Failure, TaskRunner
from core import demo
from core.data.dataset import LoadedDataset, load_dataset
from core.events import Progress
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, wait_until
from tests.app.pretended import ONE, THREE, TWO, Audits


@pytest.fixture
def model(
    runner: TaskRunner, auditing: TaskRunner, workspace: Workspace, audits: Audits
) -> DataViewModel:
    """Its audits end at once."""
    audits.gate.set()
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the opening of a dataset at its first event until it is set."""
    gate = threading.Event()

    def held(sources: Sequence[Path], workspace: Workspace, size: int) -> Iterator[object]:
        for event in load_dataset(sources, workspace, size):
            assert gate.wait(60)
            yield event

    monkeypatch.setattr(data_module, "load_dataset", held)
    return gate


def open_whole(qtbot: QtBot, model: DataViewModel, *sources: Path) -> LoadedDataset:
    with qtbot.waitSignal(model.loaded, timeout=WAIT_MS) as loaded:
        model.open(sources)
    wait_until(lambda: not model.is_busy)
    return loaded.args[0]


def test_a_zip_is_opened_with_progress(qtbot: QtBot, model: DataViewModel, films_zip: Path) -> None:
    seen: list[Progress] = []
    states: list[bool] = []
    model.progressed.connect(seen.append)
    model.changed.connect(lambda: states.append(model.is_busy))
    opened = open_whole(qtbot, model, films_zip)
    assert model.dataset is opened
    assert list(opened.dataset.counts.values()) == [20, 20, 20]
    assert {progress.total for progress in seen} >= {60}
    assert all(isinstance(progress, Progress) for progress in seen)
    assert (states[0], states[-1]) == (True, False)
    assert states == sorted(states, reverse=True)  # busy first, and never again


def test_a_zip_that_is_refused_says_why_and_keeps_the_old_dataset(
    qtbot: QtBot, model: DataViewModel, films_zip: Path, tmp_path: Path
) -> None:
    opened = open_whole(qtbot, model, films_zip)
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"this is no archive")
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS) as failed:
        model.open([bad])
    wait_until(lambda: not model.is_busy)
    failure = failed.args[0]
    assert isinstance(failure, Failure)
    assert "bad.zip" in str(failure.message)
    assert model.dataset is opened


def test_giving_up_keeps_the_old_dataset(
    qtbot: QtBot,
    model: DataViewModel,
    films_zip: Path,
    loaded: LoadedDataset,
    gate: threading.Event,
) -> None:
    model._on_opening_reported(loaded, (ONE,))  # as if it had been opened before
    with qtbot.assertNotEmitted(model.loaded):
        model.open([films_zip])
        model.cancel()
        gate.set()
        wait_until(lambda: not model.is_busy)
    assert model.dataset is loaded


def test_giving_up_drops_the_one_that_waits_too_and_leaves_nothing_half_unpacked(
    qtbot: QtBot,
    model: DataViewModel,
    films_zip: Path,
    gate: threading.Event,
    workspace: Workspace,
) -> None:
    with qtbot.assertNotEmitted(model.loaded):
        model.open([films_zip])
        model.open([films_zip])
        model.cancel()
        gate.set()
        wait_until(lambda: not model.is_busy)
    assert model.dataset is None
    assert not list(workspace.caches.glob("*/"))
    assert not list(workspace.datasets.glob("*/"))


def test_another_dataset_is_opened_in_place_of_the_one_on_its_way(
    qtbot: QtBot, model: DataViewModel, films_zip: Path, tmp_path: Path, gate: threading.Event
) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(films_zip.read_bytes())
    opened: list[LoadedDataset] = []
    model.loaded.connect(opened.append)
    model.open([films_zip])
    model.open([tmp_path / "never.zip"])
    model.open([other])  # the last one counts
    gate.set()
    wait_until(lambda: bool(opened) and not model.is_busy)
    assert [one.dataset.sources for one in opened] == [(other,)]


def test_the_built_in_films_are_drawn_once(
    qtbot: QtBot, model: DataViewModel, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "FILMS_PER_CLASS", 4)
    monkeypatch.setattr(demo, "FILM_SIZE", 48)
    stages: list[str] = []
    model.progressed.connect(lambda progress: stages.append(str(progress.stage)))
    for _ in range(2):
        with qtbot.waitSignal(model.loaded, timeout=WAIT_MS):
            model.open_demo()
        wait_until(lambda: not model.is_busy)
    assert stages.count("Drawing synthetic films") == 12
    assert model.dataset is not None
    assert model.dataset.dataset.counts == {"COVID": 4, "NORMAL": 4, "Viral_Pneumonia": 4}


@pytest.mark.usefixtures("openings")
class TestSeveral:
    """Datasets that were opened one after the other."""

    def test_all_stay_open_and_each_may_come_to_the_front(
        self, qtbot: QtBot, model: DataViewModel
    ) -> None:
        told: list[list[Path]] = []
        model.opened.connect(told.append)
        opened = [open_whole(qtbot, model, *sources) for sources in ((ONE, TWO), (TWO,), (THREE,))]
        assert [one.loaded for one in model.datasets] == opened
        assert model.dataset is opened[-1]
        with qtbot.waitSignal(model.loaded) as shown:
            model.show(0)
        assert shown.args == [opened[0]]
        assert model.current is model.datasets[0]
        assert told == [[ONE, TWO], [TWO], [THREE]]  # shown again is not opened again

    def test_the_report_comes_to_the_front_with_its_dataset(
        self, qtbot: QtBot, model: DataViewModel
    ) -> None:
        open_whole(qtbot, model, ONE)
        wait_until(lambda: model.report is not None)
        first = model.report
        open_whole(qtbot, model, TWO)
        wait_until(lambda: model.report is not None)
        with qtbot.waitSignal(model.audited) as audited:
            model.show(0)
        assert audited.args == [first]
        assert model.report is first

    def test_closing_the_one_in_front_shows_the_last_of_the_others(
        self, qtbot: QtBot, model: DataViewModel
    ) -> None:
        open_whole(qtbot, model, ONE)
        second = open_whole(qtbot, model, TWO)
        open_whole(qtbot, model, THREE)
        model.close(2)
        assert model.dataset is second
        assert [one.sources for one in model.datasets] == [(ONE,), (TWO,)]
        with qtbot.assertNotEmitted(model.loaded), qtbot.waitSignal(model.changed):
            model.close(0)
        assert model.dataset is second
        with qtbot.waitSignal(model.changed):
            model.close(0)
        assert (model.current, model.dataset, model.report) == (None, None, None)

    def test_only_so_many_are_kept(self, qtbot: QtBot, model: DataViewModel) -> None:
        for number in range(MAX_OPEN + 2):
            open_whole(qtbot, model, Path(f"{number}.zip"))
        assert len(model.datasets) == MAX_OPEN
        assert model.datasets[0].sources == (Path("2.zip"),)  # the oldest went
        assert model.current is model.datasets[-1]

    def test_the_same_sources_opened_again_take_the_place_of_the_first(
        self, qtbot: QtBot, model: DataViewModel
    ) -> None:
        open_whole(qtbot, model, ONE, TWO)
        open_whole(qtbot, model, ONE)
        again = open_whole(qtbot, model, ONE, TWO)
        assert [one.sources for one in model.datasets] == [(ONE,), (ONE, TWO)]
        assert model.dataset is again

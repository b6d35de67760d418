"""The window on a workspace of its own, with a guard that nothing outlives its test."""

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from app.application import Application
from app.settings import AppSettings
from app.tasks import EventSource, TaskRunner
from core.config import Preprocessing, TrainingConfig, preset
from core.data.dataset import LoadedDataset, load_dataset
from core.events import TrainingDone
from core.phantom import write_dataset
from core.workspace import Workspace
from tests.app.hands import FILMS_PER_CLASS, wait_until
from tests.app.pretended import Audits, Openings
from tests.app.pretended_explanations import Explanations
from tests.app.whole_program import end, english_settings, running_application


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A warning of Qt's fails a test, as Python's do."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            # The offscreen screen says it of every dialog.
            item.add_marker(pytest.mark.qt_log_ignore("plugin does not support propagateSizeHints"))


@pytest.fixture(scope="session")
def started_runners() -> Iterator[WeakSet[TaskRunner]]:
    """Every runner that was ever started and is still in memory."""
    runners: WeakSet[TaskRunner] = WeakSet()
    start = TaskRunner.start

    def noted(runner: TaskRunner, source: EventSource) -> None:
        runners.add(runner)
        start(runner, source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskRunner, "start", noted)
        yield runners


@pytest.fixture(scope="session", autouse=True)
def _clipboard_is_empty_at_the_end() -> Iterator[None]:
    """The offscreen clipboard would free what lies in it after Python itself, and crash."""
    yield
    if QApplication.instance() is not None:
        QApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def _no_garbage_is_collected_elsewhere() -> None:
    """From now on tests/conftest.py collects it, on this thread."""
    gc.disable()


@pytest.fixture(autouse=True)
def _nothing_is_left(started_runners: WeakSet[TaskRunner]) -> Iterator[None]:
    """Fail a test that leaves a thread, a running task or a visible window behind."""
    threads, windows = _python_threads(), _visible_windows()
    yield
    assert not any(runner.is_running for runner in started_runners), "a task is still running"
    assert not _python_threads() - threads, "a thread is still alive"
    assert not _visible_windows() - windows, "a window is still open"


def _python_threads() -> set[threading.Thread]:
    # Python never forgets a QThread that it once saw, so these tell nothing.
    return {
        thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)
    }


def _visible_windows() -> set[QWidget]:
    if QApplication.instance() is None:
        return set()
    return {window for window in QApplication.topLevelWidgets() if window.isVisible()}


# Films, and a model that learned from them.


@pytest.fixture(scope="session")
def films_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic films of 96 pixels in the three usual classes."""
    path = tmp_path_factory.mktemp("films") / "films.zip"
    for _ in write_dataset(path, FILMS_PER_CLASS, 96):
        pass
    return path


@pytest.fixture(scope="session")
def loaded(films_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> LoadedDataset:
    """The films of `films_zip`, read at the size of `tiny_config`."""
    *_, last = load_dataset([films_zip], Workspace(tmp_path_factory.mktemp("shared")), 32)
    assert isinstance(last, LoadedDataset)
    return last


@pytest.fixture(scope="session")
def tiny_config() -> TrainingConfig:
    """One epoch of ResNet-18 at 32 pixels."""
    return preset("recommended").changed(
        epochs=1,
        batch_size=16,
        preprocessing=Preprocessing(image_size=32, mean=0.5, std=0.25),
    )


@pytest.fixture(scope="session")
def model_file(
    loaded: LoadedDataset, tiny_config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that was trained on `films_zip`."""
    from core.training.session import run_training

    folder = tmp_path_factory.mktemp("model")
    workspace = Workspace(folder / "home")
    *_, done = run_training(tiny_config, loaded, folder / "run", "cpu", workspace)
    assert isinstance(done, TrainingDone)
    return done.model


@pytest.fixture(scope="session")
def film_files(loaded: LoadedDataset) -> list[Path]:
    """One film of each class."""
    records = loaded.dataset.records
    return [records[label * FILMS_PER_CLASS].path for label in range(len(loaded.dataset.classes))]


@pytest.fixture
def broken_film(tmp_path: Path) -> Path:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing of sense")
    return path


# The program.


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture
def settings(tmp_path: Path) -> AppSettings:
    return english_settings(tmp_path)


@pytest.fixture
def runner(qapp: QApplication) -> Iterator[TaskRunner]:
    """A runner that is idle again when the test is over."""
    runner = TaskRunner()
    yield runner
    end([runner])


@pytest.fixture
def runners(qapp: QApplication) -> Iterator[list[TaskRunner]]:
    """Six runners that are idle again when the test is over."""
    runners = [TaskRunner() for _ in range(6)]
    yield runners
    end(runners)


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> Openings:
    """Every dataset that is opened is one made in memory."""
    return Openings(monkeypatch)


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Audits]:
    """No dataset is really looked through; the gate is closed."""
    audits = Audits(monkeypatch)
    yield audits
    audits.gate.set()


@pytest.fixture
def explanations(monkeypatch: pytest.MonkeyPatch) -> Iterator[Explanations]:
    """No answer is really explained; the gate is open."""
    explanations = Explanations(monkeypatch)
    yield explanations
    explanations.gate.set()


@pytest.fixture
def auditing(qapp: QApplication, audits: Audits) -> Iterator[TaskRunner]:
    """Where `audits` run; idle again when the test is over."""
    runner = TaskRunner()
    yield runner
    audits.gate.set()
    end([runner])


@pytest.fixture
def application(
    qapp: QApplication,
    settings: AppSettings,
    workspace: Workspace,
    started_runners: WeakSet[TaskRunner],
) -> Iterator[Application]:
    """The program in English, its window shown and Paddle loaded."""
    with running_application(settings, workspace, started_runners) as program:
        found: list[object] = []
        program.training.devices_found.connect(found.append)
        program.start([], demo=False)
        program.find_devices()
        wait_until(lambda: bool(found) and not any(one.is_running for one in started_runners))
        yield program

"""The Read page on its own."""

import gettext
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from app import i18n, theme
from app.i18n import set_language
from app.tasks import TaskRunner
from core.workspace import Workspace
from tests.app.pretended_explanations import Explanations
from tests.app.pretended_reading import Readings, write_films
from tests.app.reading.read_bench import Bench
from tests.app.whole_program import end


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    """Six film files."""
    return write_films(tmp_path, 6)


@pytest.fixture
def bench(
    qtbot: QtBot,
    runners: list[TaskRunner],
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    explanations: Explanations,
) -> Iterator[Bench]:
    """The page, shown, without a model."""
    bench = Bench(runners, workspace, Readings(monkeypatch), explanations)
    bench.page.show()
    qtbot.waitExposed(bench.page)
    bench.page.activateWindow()
    yield bench
    for gate in (bench.readings.gate, bench.readings.opening, explanations.gate):
        gate.set()
    end(runners)  # before the page goes, which is told what they do
    bench.page.close()
    bench.page.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    set_language("en")


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """The page with a model."""
    bench.open()
    return bench


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    i18n._Active.catalogue = gettext.NullTranslations()
    yield
    i18n.set_language("en")


@pytest.fixture
def colours() -> dict[str, str]:
    return theme.colours("dark")

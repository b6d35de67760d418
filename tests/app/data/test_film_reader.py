import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytestqt.qtbot import QtBot

from app.data import catalogue as reader_module
from app.data.catalogue import FilmReader, FullFilm
from app.tasks import TaskRunner
from tests.app.hands import WAIT_MS, wait_until


@pytest.fixture
def reader(runner: TaskRunner) -> FilmReader:
    return FilmReader(runner)


@pytest.fixture
def film(tmp_path: Path) -> tuple[Path, NDArray[np.uint8]]:
    pixels = np.random.default_rng(0).integers(0, 255, (70, 90)).astype(np.uint8)
    path = tmp_path / "0001.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


class Slowly:
    """Reads nothing until the gate is open."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        self.begun: list[Path] = []
        self.threads: set[threading.Thread] = set()
        patch.setattr(reader_module, "load_xray", self._load)

    def _load(self, path: Path) -> NDArray[np.uint8]:
        self.begun.append(path)
        self.threads.add(threading.current_thread())
        assert self.gate.wait(60)
        return np.zeros((2, 2), np.uint8)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slowly]:
    slowly = Slowly(monkeypatch)
    yield slowly
    slowly.gate.set()


def read(qtbot: QtBot, reader: FilmReader, name: str, path: Path) -> FullFilm:
    with qtbot.waitSignal(reader.film_read, timeout=WAIT_MS) as answer:
        reader.read(name, path)
    return answer.args[0]


def test_a_film_is_read_at_full_size_under_the_name_that_its_user_knows(
    qtbot: QtBot, reader: FilmReader, film: tuple[Path, NDArray[np.uint8]]
) -> None:
    path, pixels = film
    answer = read(qtbot, reader, "input_data/COVID/a film.png", path)
    assert answer.name == "input_data/COVID/a film.png"
    np.testing.assert_array_equal(answer.image, pixels)
    assert answer.reason is None


def test_a_film_that_cannot_be_read_or_is_gone_says_why_under_the_same_name(
    qtbot: QtBot, reader: FilmReader, broken_film: Path, tmp_path: Path
) -> None:
    for path in (broken_film, tmp_path / "gone.png"):
        answer = read(qtbot, reader, "a film.png", path)
        assert answer.image is None
        assert "a film.png" in str(answer.reason)
        assert path.name not in str(answer.reason)


def test_of_many_wishes_only_the_first_and_the_latest_are_read_in_a_thread(
    runner: TaskRunner, reader: FilmReader, slowly: Slowly
) -> None:
    answers: list[str] = []
    reader.film_read.connect(lambda film: answers.append(film.name))
    for number in range(5):
        reader.read(f"{number}", Path(f"{number}.png"))
    slowly.gate.set()
    wait_until(lambda: not runner.is_running)
    assert answers == ["0", "4"]
    assert slowly.begun == [Path("0.png"), Path("4.png")]
    assert threading.main_thread() not in slowly.threads

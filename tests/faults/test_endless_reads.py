"""A file that never answers is named within seconds, and the rest goes on."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import files
from core.data.sources import list_folder, open_source
from core.data.unpacked import Unpacked
from core.errors import ArchiveError, ImageReadError
from core.images.reading import load_xray
from core.prediction.film_search import FoundFilm, RefusedFilm, find_films

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes stand in for such files")


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of three films, of which the second is opened like a file and never answers."""
    folder = tmp_path / "films"
    folder.mkdir()
    levels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(levels).save(folder / name)
    (tmp_path / "dead.zip").touch()
    gate = threading.Event()
    real_open = os.open
    real_path_open = Path.open

    def is_dead(path: object) -> bool:
        return isinstance(path, str | Path) and str(path).endswith(("b.png", "dead.zip"))

    def opened(path: object, *given: object, **named: object) -> int:
        if is_dead(path):
            gate.wait(60)
            raise OSError(5, "gone")
        return real_open(path, *given, **named)  # type: ignore[arg-type]

    def path_opened(path: Path, *given: object, **named: object) -> object:
        if is_dead(path):
            gate.wait(60)
            raise OSError(5, "gone")
        return real_path_open(path, *given, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(Path, "open", path_opened)
    monkeypatch.setattr(files, "PATIENCE_S", 0.2)
    yield folder
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "file":
            thread.join(10)


def test_a_dataset_is_read_without_the_file_that_never_answers(endless: Path) -> None:
    *_, found = list_folder(endless)
    assert isinstance(found, Unpacked)
    assert [file.name for file in found.files] == ["a.png", "c.png"]
    [refusal] = found.left_out
    assert (refusal.file, str(refusal.reason)) == (
        "b.png",
        f"It cannot be read: {os.strerror(110)}.",
    )


def test_a_film_that_never_answers_is_named(endless: Path) -> None:
    with pytest.raises(ImageReadError, match=r"b\.png cannot be opened: .*timed out"):
        load_xray(endless / "b.png")


def test_a_search_goes_on_after_a_file_that_never_answers(endless: Path, tmp_path: Path) -> None:
    events = list(find_films([endless], tmp_path / "store"))
    films = [event.path.name for event in events if isinstance(event, FoundFilm)]
    assert films == ["a.png", "b.png", "c.png"]  # named as images; their reader will tell
    assert not [event for event in events if isinstance(event, RefusedFilm)]


def test_an_archive_that_never_answers_is_refused(endless: Path, tmp_path: Path) -> None:
    dead = endless.parent / "dead.zip"
    with pytest.raises(ArchiveError, match=r"dead\.zip does not answer"):
        list(open_source(dead, tmp_path / "store"))


def test_nobody_waits_long_for_the_ninth_dead_file(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(files, "PATIENCE_S", 0.01)
    waits: list[float | None] = []
    real_join = threading.Thread.join

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        waits.append(timeout)
        real_join(thread, 0.01 if timeout is not None else None)

    monkeypatch.setattr(threading.Thread, "join", join)
    for _ in range(9):
        with pytest.raises(TimeoutError):
            files.in_time(gate.wait)
    assert waits[-2:] == [0.01, files._SHORT_PATIENCE_S]
    gate.set()


def test_a_pipe_among_films_is_no_film(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageReadError, match=r"pipe\.png cannot be opened"):
        load_xray(tmp_path / "pipe.png")

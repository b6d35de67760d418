"""A home, a dozen phantom films a class and a model trained on them, all by the commands."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli.options import run
from app.i18n import set_language
from core.phantom import write_dataset
from core.workspace import HOME_VARIABLE

TRAIN = ("--image-size", "32", "--epochs", "1", "--batch-size", "8")


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        return json.loads(self.out, parse_constant=pytest.fail)


Command = Callable[..., Said]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads are still alive: {left}"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    set_language("en")
    yield
    set_language("en")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the words of one command in this process."""

    def call(*words: object) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantom films of each of three classes, of two films a patient."""
    path = tmp_path_factory.mktemp("data") / "phantoms.zip"
    list(write_dataset(path, n_per_class=12, size=48))
    return path


@pytest.fixture(scope="session")
def trained(archive: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of one epoch at 32 pixels."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(home))
        assert run(["train", str(archive), "--out", str(folder), *TRAIN]) == 0
    return folder


@pytest.fixture
def model(trained: Path) -> Path:
    return trained / "best.safetensors"


@pytest.fixture
def film(home: Path, trained: Path) -> Path:
    """One of the films, unpacked."""
    return sorted((home / "datasets").rglob("*.png"))[0]

"""The program where its surroundings fail it: no folder of its own, a sleep, a clock set back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import files
from core.files import part_path, remove_stale
from core.phantom import write_dataset

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and signals")
ROOT = Path(__file__).parents[2]


def environment(home: Path | str) -> dict[str, str]:
    return {**os.environ, "PNEUMOSCOPE_HOME": str(home), "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "films.zip"
    for _ in write_dataset(path, 6, 64):
        pass
    return path


def test_a_home_that_cannot_be_written_is_told_in_one_line(films: Path) -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "check", films],
        cwd=ROOT,
        env=environment("/proc/nowhere"),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "PNEUMOSCOPE_HOME" in done.stderr


def test_a_window_without_a_home_is_told_in_one_line() -> None:
    code = (
        "import sys; from app import bootstrap; bootstrap.find_screen = lambda: True\n"
        "bootstrap.missing_for_x11 = lambda: None\n"
        "bootstrap.parse = lambda argv: bootstrap.Request('window', ())\n"
        "sys.exit(bootstrap.main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment("/proc/nowhere"), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "PNEUMOSCOPE_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.nightly
def test_a_sleep_of_a_minute_changes_nothing(films: Path, tmp_path: Path) -> None:
    words = [sys.executable, "main.py", "check", films, "--json"]
    outputs = []
    for name in ("awake", "asleep"):
        with subprocess.Popen(
            words, cwd=ROOT, env=environment(tmp_path / name), stdout=subprocess.PIPE
        ) as process:
            if name == "asleep":
                while not (tmp_path / name / "datasets").exists():
                    assert process.poll() is None
                process.send_signal(signal.SIGSTOP)
                time.sleep(60)  # what is tested is the time that passes
                process.send_signal(signal.SIGCONT)
            out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        outputs.append(out)
    assert outputs[0] == outputs[1]


def test_a_clock_that_was_set_back_takes_nothing_from_a_living_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = part_path(tmp_path / "film")
    part.touch()
    in_a_year = time.time() + 365 * 24 * 3600
    os.utime(part, (in_a_year, in_a_year))  # it was made before the clock was set back
    monkeypatch.setattr(files.time, "time", lambda: in_a_year - 2 * 365 * 24 * 3600)
    remove_stale(tmp_path)
    assert part.exists()

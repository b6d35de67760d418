"""Ctrl+C, SIGTERM and a closed terminal end the program with its exit code, at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.phantom import write_dataset

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at signals in /proc"
)
ROOT = Path(__file__).parents[2]
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WINDOW = """import sys
from app import interrupts
interrupts.end_at_once()
import app.application
real = app.application.Application.start
def start(program, *args, **options):
    real(program, *args, **options)
    print("shown", flush=True)
app.application.Application.start = start
code = app.application.run_window(sys.argv[1:], demo=False)
interrupts.ignore()
sys.exit(code)
"""


def _hear_all() -> None:
    """A shell has its background jobs ignore Ctrl+C, and with them whatever they start."""
    for number in REQUESTS:
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def started(home: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "PNEUMOSCOPE_HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "QT_QPA_PLATFORM": "offscreen",
    }
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_hear_all,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def answers(process: subprocess.Popen[bytes], number: int) -> bool:
    """True once the process has a handler of its own for the signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = int(status.split("SigCgt:")[1].split()[0], 16)
    return bool(caught >> (number - 1) & 1)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "films.zip"
    for _ in write_dataset(path, 6, 64):
        pass
    return path


@pytest.mark.parametrize("number", REQUESTS)
@pytest.mark.parametrize("n_times", [1, 3])
def test_a_request_in_the_first_moment_ends_with_130(
    number: int, n_times: int, films: Path, tmp_path: Path
) -> None:
    with started(tmp_path, "main.py", "check", films) as process:
        while not answers(process, signal.SIGHUP):  # the last that main.py sees to
            assert process.poll() is None
        for _ in range(n_times):
            process.send_signal(number)
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in said


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(40))
def test_requests_at_any_time_end_with_130_or_come_too_late(
    seed: int, films: Path, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    words = ("train", films, "--out", tmp_path / "run", "--image-size", 32, "--epochs", 1)
    with started(tmp_path, "main.py", *words) as process:
        while not answers(process, signal.SIGTERM):
            assert process.poll() is None
        time.sleep(draw.uniform(0, 12))
        for _ in range(draw.randint(1, 3)):
            process.send_signal(draw.choice(REQUESTS))
            time.sleep(draw.choice([0, 0.1, 0.5]))
        _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    assert b"Traceback" not in said


@pytest.mark.parametrize("n_times", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_window_that_is_asked_to_end_closes_without_a_question_and_keeps_its_state(
    n_times: int, tmp_path: Path
) -> None:
    with started(tmp_path, "-c", WINDOW) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"shown\n"
        for _ in range(n_times):
            process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    settings = tmp_path / "config/PneumoScope/PneumoScope.ini"
    assert b"geometry" in settings.read_bytes()

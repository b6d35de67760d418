"""What only a process of its own can show: signals, pipes, encodings, what is imported."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.made_runs import read_run

ROOT = Path(__file__).parents[3]
RUN = "import sys; from app.cli.options import run; sys.exit(run(sys.argv[1:]))"


def _hear_interrupts() -> None:
    """A shell has its background jobs ignore Ctrl+C, and with them whatever they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(
    *words: object, environment: dict[str, str] | None = None, stdout: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=_hear_interrupts if os.name == "posix" else None,
    )


def test_it_imports_no_qt(archive: Path) -> None:
    code = (
        "import sys; from app.cli.options import run; code = run(sys.argv[1:]);"
        "import app.cli.train, core.training.session;"
        "print(code, [name for name in sys.modules if name.startswith(('PySide6', 'shiboken6'))],"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", archive, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "0 []\n"
    assert json.loads(done.stdout)["classes"]["NORMAL"] == 12


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_with_what_was_saved(
    archive: Path, tmp_path: Path, number: signal.Signals
) -> None:
    size = ("--image-size", "32", "--batch-size", "8", "--epochs", "1000")
    with start("train", archive, "--out", tmp_path / "run", *size, "--json") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if line.startswith(b"Epoch 1:"):
                break
        process.send_signal(number)
        rest = process.stderr.read().decode()
        assert process.stdout.read() == b""
    assert process.returncode == 130
    assert rest.endswith("Interrupted. What was saved before is still there.\n")
    assert "Traceback" not in rest
    assert read_run(tmp_path / "run")[0]["status"] == "stopped"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"best.safetensors", "last.safetensors", "metrics.jsonl"} <= names


def test_a_reader_that_went_away_is_told_in_one_line(archive: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start("check", archive, stdout=writer)
    os.close(writer)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("The result could not be written (")
    assert said.count(b"\n") == 1


def test_an_encoding_without_chinese_does_not_matter(archive: Path, tmp_path: Path) -> None:
    environment = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    missing = tmp_path / "正常肺部.zip"
    process = start("check", missing, environment=environment)
    out, said = process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert said.startswith(rb"\u6b63\u5e38\u80ba\u90e8.zip is not there.")


def test_json_is_json_in_any_encoding(tmp_path: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        for number, name in enumerate(zipped.namelist()):
            folder = tmp_path / "films" / ("正常" if number % 2 else "é😀")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.png").write_bytes(zipped.read(name))
    environment = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    process = start("check", tmp_path / "films", "--json", environment=environment)
    out, _ = process.communicate()
    assert json.loads(out)["classes"] == {"é😀": 18, "正常": 18}

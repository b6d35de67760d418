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
# A second run in the same process, and which modules of Qt were loaded after both.
RUN_TWICE = """import sys
from app.cli.options import run
for folder in sys.argv[1:3]:
    code = run([*sys.argv[3:], "--out", folder])
    of_qt = [name for name in sys.modules if name.startswith(("PySide6", "shiboken6"))]
    print("ended", code, of_qt, file=sys.stderr, flush=True)
"""


def start(
    *words: object,
    code: str = RUN,
    environment: dict[str, str] | None = None,
    stdout: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to one process")
def test_a_signal_ends_training_with_what_was_saved_and_no_qt_is_loaded(
    archive: Path, tmp_path: Path
) -> None:
    signals = {"first": signal.SIGINT, "second": signal.SIGTERM}
    folders = [tmp_path / name for name in signals]
    size = ("--image-size", "32", "--batch-size", "8", "--epochs", "1000")
    words = (*folders, "train", archive, *size, "--json")
    with start(*words, code=RUN_TWICE) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for number, folder in zip(signals.values(), folders, strict=True):
            said: list[str] = []
            for line in process.stderr:
                said.append(line.decode())
                if line.startswith(b"Epoch 1:"):
                    process.send_signal(number)
                elif line.startswith(b"ended"):
                    break
            assert said[-2:] == [
                "Interrupted. What was saved before is still there.\n",
                "ended 130 []\n",
            ]
            assert "Traceback" not in "".join(said)
            assert read_run(folder)[0]["status"] == "stopped"
            names = {path.name for path in folder.iterdir()}
            assert {"best.safetensors", "last.safetensors", "metrics.jsonl"} <= names
        assert process.stdout.read() == b""
    assert process.returncode == 0


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

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.errors import RunFolderError
from core.training.run_folder import LOCK_FILE, RunLock, is_owned

ROOT = Path(__file__).parents[3]
# Takes the lock, says so, and holds it until its input ends.
HOLD = """
import sys
from pathlib import Path
from core.errors import RunFolderError
from core.training.run_folder import RunLock
try:
    with RunLock(Path(sys.argv[1])):
        print("mine", flush=True)
        sys.stdin.read()
except RunFolderError:
    print("taken", flush=True)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_lock_says_who_owns_the_run(tmp_path: Path) -> None:
    with RunLock(tmp_path / "run"):
        owner = json.loads((tmp_path / "run" / LOCK_FILE).read_text())
        assert owner["pid"] == os.getpid()
        assert owner["create_time"] == pytest.approx(psutil.Process().create_time())
        assert is_owned(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []
    assert not is_owned(tmp_path / "run")


def test_a_second_owner_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    with (
        RunLock(tmp_path),
        pytest.raises(RunFolderError, match=f"by the process {os.getpid()}"),
        RunLock(tmp_path),
    ):
        pass
    with RunLock(tmp_path):
        pass


def test_the_lock_of_another_process_ends_with_its_life(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        assert said(process) == "mine"
        with (
            pytest.raises(RunFolderError, match=f"by the process {process.pid}. Wait until"),
            RunLock(tmp_path),
        ):
            pass
        process.kill()
        process.wait()
        assert (tmp_path / LOCK_FILE).exists()
        assert not is_owned(tmp_path)
        with RunLock(tmp_path):
            assert is_owned(tmp_path)


def test_of_many_who_come_at_once_one_gets_it(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text('{"pid": 1, "create_time": 0}')  # of somebody long dead
    processes = [holder(tmp_path) for _ in range(6)]
    answers = sorted(said(process) for process in processes)
    for process in processes:
        process.communicate()
    assert answers == ["mine", *["taken"] * 5]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"pid": "x"}',
        b'{"pid": 1e400, "create_time": 1}',
        b'{"pid": -1, "create_time": 0}',
        b'{"pid": 99999999, "create_time": null}',
        b"[" * 9000,
        b"\xff" * 99,
    ],
)
def test_a_damaged_lock_is_nobodys(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_bytes(content)
    assert not is_owned(tmp_path)
    with RunLock(tmp_path):
        assert is_owned(tmp_path)


def test_a_process_that_took_a_dead_ones_number_is_not_its_owner(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text(json.dumps({"pid": os.getpid(), "create_time": 1.0}))
    assert not is_owned(tmp_path)


def test_a_run_of_another_machine_is_not_owned_here(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        owner = json.loads((tmp_path / LOCK_FILE).read_text())
        (tmp_path / LOCK_FILE).write_text(json.dumps({**owner, "host": "elsewhere"}))
        assert not is_owned(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be written"), RunLock(tmp_path / "file"):
        pass

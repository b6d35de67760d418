import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core import files
from core.config import TrainingConfig
from core.errors import Message, RunFolderError, TrainingError
from core.events import EpochDone
from core.training.run_description import RUN_FILE
from core.training.run_folder import (
    LOCK_FILE,
    LOG_FILE,
    METRICS_FILE,
    RunFolder,
    RunLock,
    check_is_free,
    is_owned,
    mark_paused,
)
from tests.made_runs import description, read_run

EVENT = EpochDone(1, 0.5, 0.75, None, None, True, 2.0)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(
        tmp_path / "runs" / "first", description(config=TrainingConfig(seed=1), 名="胸片")
    )


def status(run: RunFolder) -> str:
    return read_run(run.path)[0]["status"]


def test_a_new_run_says_what_it_is_going_to_do(run: RunFolder) -> None:
    values, events = read_run(run.path)
    assert values["status"] == run.status == "running"
    assert values["format_version"] == 1
    assert (values["config"]["seed"], values["名"]) == (1, "胸片")
    assert values["started"].endswith("+00:00")
    assert events == []
    assert run.best.parent == run.last.parent == run.path
    assert run.best != run.last


def test_events_are_read_back_in_order(run: RunFolder) -> None:
    run.record(EVENT)
    run.record(EVENT)
    _, events = read_run(run.path)
    assert [event["event"] for event in events] == ["EpochDone", "EpochDone"]
    assert events[0]["train_loss"] == 0.5
    assert events[0]["validation_loss"] is None


def test_the_log_has_a_line_and_a_time_for_each_entry(run: RunFolder) -> None:
    run.log("epoch 1")
    run.log("二")
    lines = (run.path / LOG_FILE).read_text(encoding="utf-8").splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == ["epoch 1", "二"]


def test_a_folder_without_a_readable_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"holds no readable run. Choose a folder"):
        RunFolder.open(tmp_path)
    for content in (b"", b"{", b"[]", b"3", b"\xff\xfe", b"{}"):
        (tmp_path / RUN_FILE).write_bytes(content)
        with pytest.raises(RunFolderError, match=r"run.json is damaged"):
            RunFolder.open(tmp_path)


def test_a_folder_that_holds_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("")
    for attempt in (check_is_free, lambda path: RunFolder.create(path, description())):
        with pytest.raises(RunFolderError, match=r"is not empty. Choose a new folder"):
            attempt(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.docx"]


def test_an_empty_folder_and_a_new_one_are_free(tmp_path: Path) -> None:
    check_is_free(tmp_path / "a" / "b")
    assert RunFolder.create(tmp_path, description()).path == tmp_path


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    for path in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(RunFolderError, match=r"cannot be written .*choose another folder"):
            RunFolder.create(path, description())


@pytest.mark.parametrize("stop", [GeneratorExit, KeyboardInterrupt])
def test_a_stop_is_no_failure_and_after_the_end_changes_nothing(
    stop: type[BaseException], run: RunFolder
) -> None:
    for before, after in (("running", "stopped"), ("finished", "finished")):
        run.close(before)
        with pytest.raises(stop), run.guarded():
            raise stop
        assert status(run) == after
    assert "stopped by the user" in (run.path / LOG_FILE).read_text()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingError(Message("Training ran away.")), "Training ran away."),
        (ZeroDivisionError("unforeseen"), "unforeseen"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_failure_is_written_with_its_reason_and_goes_on(
    error: Exception, reason: str, run: RunFolder
) -> None:
    with pytest.raises(type(error)) as caught, run.guarded():
        raise error
    assert caught.value is error
    assert read_run(run.path)[0]["reason"] == reason
    assert status(run) == "failed"
    assert "failed:" in (run.path / LOG_FILE).read_text()


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_hides_no_failure_and_is_told_in_one_sentence(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(TrainingError, match="ran away"), run.guarded():
        raise TrainingError(Message("Training ran away."))
    with pytest.raises(RunFolderError, match=r"cannot be written \(No space left on device\)"):
        run.close("finished")
    assert json.loads((run.path / RUN_FILE).read_text())["config"]["seed"] == 1


def test_a_line_without_room_is_told_and_written_once_there_is_room(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.trouble is None
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        run.record(EVENT)
        assert "metrics.jsonl of the run cannot be written (No space" in str(run.trouble)
    run.record(EVENT)
    assert run.trouble is None
    assert len(read_run(run.path)[1]) == 2


def test_lines_that_never_found_room_are_an_error_at_the_end(run: RunFolder) -> None:
    (run.path / LOG_FILE).mkdir()
    run.log("line")
    with pytest.raises(RunFolderError, match="cannot be written"):
        run.close("finished")


def test_a_run_goes_on_with_what_changed_and_without_half_written_files(run: RunFolder) -> None:
    run.record(EVENT)
    with (run.path / METRICS_FILE).open("a") as file:
        file.write('{"event": "EpochD')
    (run.path / ".last.checkpoint.0123.part").touch()
    run.close("failed", "the disk was full")
    again = RunFolder.open(run.path)
    again.reopen(TrainingConfig(seed=2))
    again.record(EVENT)
    values, events = read_run(run.path)
    assert (values["status"], values["config"]["seed"]) == ("running", 2)
    assert "reason" not in values
    assert values["名"] == "胸片"
    assert len(events) == 2
    assert not list(run.path.glob("*.part"))


def test_only_a_run_that_was_stopped_becomes_paused(run: RunFolder) -> None:
    mark_paused(run.path)
    assert status(run) == "running"
    run.close("stopped")
    mark_paused(run.path)
    assert status(run) == "paused"


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


def test_a_damaged_lock_is_nobodys(tmp_path: Path) -> None:
    for content in (
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
    ):
        (tmp_path / LOCK_FILE).write_bytes(content)
        assert not is_owned(tmp_path), content
        with RunLock(tmp_path):
            assert is_owned(tmp_path)


def test_another_machine_or_a_dead_process_of_the_same_number_is_not_its_owner(
    tmp_path: Path,
) -> None:
    with RunLock(tmp_path):
        owner = json.loads((tmp_path / LOCK_FILE).read_text())
        for other in ({"host": "elsewhere"}, {"create_time": 1.0}):
            (tmp_path / LOCK_FILE).write_text(json.dumps({**owner, **other}))
            assert not is_owned(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be written"), RunLock(tmp_path / "file"):
        pass

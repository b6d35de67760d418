import errno
import json
import os
from pathlib import Path

import pytest

from core import files
from core.config import TrainingConfig
from core.errors import Message, RunFolderError, TrainingError
from core.events import BatchDone, EpochDone, Resumed
from core.training.run_description import RUN_FILE
from core.training.run_folder import LOG_FILE, METRICS_FILE, RunFolder, check_is_free, mark_paused
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


def test_a_line_cut_by_a_kill_is_dropped(run: RunFolder) -> None:
    run.record(EVENT)
    with (run.path / METRICS_FILE).open("a") as file:
        file.write('{"event": "EpochD')
    assert len(read_run(run.path)[1]) == 1


@pytest.mark.parametrize("line", ["3", "[]", "null", "{"])
def test_a_line_that_is_no_object_is_dropped(line: str, run: RunFolder) -> None:
    (run.path / METRICS_FILE).write_text(line + "\n")
    run.record(EVENT)
    assert len(read_run(run.path)[1]) == 1


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
    check_is_free(tmp_path)
    check_is_free(tmp_path / "a" / "b")
    assert RunFolder.create(tmp_path, description()).path == tmp_path


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    for path in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(RunFolderError, match=r"cannot be written .*choose another folder"):
            RunFolder.create(path, description())


@pytest.mark.parametrize("stop", [GeneratorExit, KeyboardInterrupt])
def test_a_stop_is_no_failure(stop: type[BaseException], run: RunFolder) -> None:
    with pytest.raises(stop), run.guarded():
        raise stop
    assert status(run) == "stopped"
    assert "stopped by the user" in (run.path / LOG_FILE).read_text()


def test_a_stop_after_the_end_changes_nothing(run: RunFolder) -> None:
    run.close("finished")
    with pytest.raises(GeneratorExit), run.guarded():
        raise GeneratorExit
    assert status(run) == "finished"


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


def test_a_full_disk_hides_no_failure_and_the_run_stays_readable(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(TrainingError, match="ran away"), run.guarded():
        raise TrainingError(Message("Training ran away."))
    monkeypatch.undo()
    assert json.loads((run.path / RUN_FILE).read_text())["config"]["seed"] == 1


def test_a_full_disk_is_told_in_one_sentence(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(RunFolderError, match=r"cannot be written \(No space left on device\)"):
        run.close("finished")


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


def test_lines_that_never_found_room_are_an_error_at_the_end(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def batch(epoch: int, number: int) -> BatchDone:
    return BatchDone(epoch, number, 3, 0.5, 0.5, 1e-3, 10.0, 1.0)


def test_what_a_killed_run_recorded_beyond_its_checkpoint_is_dropped(run: RunFolder) -> None:
    for event in (
        *(batch(1, number) for number in (1, 2, 3)),
        EVENT,
        *(batch(2, number) for number in (1, 2)),
        Resumed(2, 1),
        batch(2, 2),
    ):
        run.record(event)
    events = read_run(run.path)[1]
    seen = [(e["epoch"], e["batch"]) for e in events if e["event"] == "BatchDone"]
    assert seen == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    assert [e["event"] for e in events].count("EpochDone") == 1


def test_an_epoch_that_is_validated_once_more_is_recorded_once(run: RunFolder) -> None:
    for event in (batch(1, 3), EVENT, Resumed(1, 3), EVENT):
        run.record(event)
    assert [e["event"] for e in read_run(run.path)[1]] == ["BatchDone", "Resumed", "EpochDone"]


def test_only_a_run_that_was_stopped_becomes_paused(run: RunFolder) -> None:
    mark_paused(run.path)
    assert status(run) == "running"
    run.close("stopped")
    mark_paused(run.path)
    assert status(run) == "paused"

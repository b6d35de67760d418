import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.errors import Message, RunFolderError
from core.training import runs as stored_runs
from core.training.run_description import RUN_FILE
from core.training.runs import newest_interrupted


@pytest.fixture(autouse=True)
def owned(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the runs that a living process trains; every run has a checkpoint."""
    names: set[str] = set()
    monkeypatch.setattr(stored_runs, "has_living_owner", lambda folder: folder.name in names)
    monkeypatch.setattr(stored_runs, "usable_checkpoint", lambda _: (True, None))
    return names


def make_run(runs: Path, name: str, status: str, age_s: int = 0, **more: Any) -> Path:
    folder = runs / name
    folder.mkdir()
    values = {"format_version": 1, "status": status, "started": "2026-11-20T08:00:00+00:00", **more}
    path = folder / RUN_FILE
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
    os.utime(path, (1_800_000_000 - age_s,) * 2)
    return folder


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_that_was_cut_short_is_found(tmp_path: Path, status: str) -> None:
    folder = make_run(tmp_path, "one", status)
    found = newest_interrupted(tmp_path)
    assert found is not None
    assert found.path == folder
    assert found.started is not None
    assert found.started.isoformat() == found.started.astimezone().isoformat()


@pytest.mark.parametrize("status", ["finished", "stopped", "failed"])
def test_a_run_that_ended_is_not_offered(tmp_path: Path, status: str) -> None:
    make_run(tmp_path, "one", status)
    assert newest_interrupted(tmp_path) is None


def test_of_several_the_newest_is_found(tmp_path: Path) -> None:
    make_run(tmp_path, "old", "paused", age_s=100)
    new = make_run(tmp_path, "new", "running")
    found = newest_interrupted(tmp_path)
    assert found is not None
    assert found.path == new


def test_a_run_that_is_being_trained_is_left_alone(tmp_path: Path, owned: set[str]) -> None:
    make_run(tmp_path, "busy", "running")
    owned.add("busy")
    assert newest_interrupted(tmp_path) is None


def test_a_run_without_a_checkpoint_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_runs, "usable_checkpoint", lambda _: (False, None))
    make_run(tmp_path, "one", "running")
    assert newest_interrupted(tmp_path) is None


def test_damaged_runs_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(folder: Path) -> tuple[bool, None]:
        if folder.name == "damaged":
            raise RunFolderError(Message("It is damaged."))
        return True, None

    monkeypatch.setattr(stored_runs, "usable_checkpoint", damaged)
    whole = make_run(tmp_path, "whole", "paused", age_s=100)
    make_run(tmp_path, "damaged", "running")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "a file").write_text("no run")
    (make_run(tmp_path, "binary", "running") / RUN_FILE).write_bytes(b"\x00\xff" * 9)
    found = newest_interrupted(tmp_path)
    assert found is not None
    assert found.path == whole


@pytest.mark.parametrize("started", ["yesterday", "", "2026-99-99T00:00:00"])
def test_a_date_that_is_none_is_not_told(tmp_path: Path, started: str) -> None:
    make_run(tmp_path, "one", "paused", started=started)
    found = newest_interrupted(tmp_path)
    assert found is not None
    assert found.started is None


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert newest_interrupted(tmp_path / "nowhere") is None

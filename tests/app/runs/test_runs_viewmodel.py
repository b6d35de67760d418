import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.runs.viewmodel import Column, RunsViewModel
from app.tasks import Failure, TaskRunner
from core.config import TrainingConfig
from core.training.run_description import RUN_FILE
from core.training.run_folder import BEST_FILE, METRICS_FILE, RunLock
from core.workspace import Workspace
from tests.app.hands import wait_until
from tests.made_runs import batch_line, make_run, story, write_lines


class Trash:
    """A trash that remembers what it took, or takes nothing."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_there = True

    def __call__(self, path: Path) -> bool:
        if self.is_there:
            self.taken.append(path.name)
            shutil.rmtree(path)
        return self.is_there


@pytest.fixture
def trash() -> Trash:
    return Trash()


@pytest.fixture
def runs(workspace: Workspace) -> Path:
    """Three runs in the workspace, and one that is damaged."""
    folder = workspace.runs
    make_run(folder / "first", TrainingConfig(epochs=2), started="2026-01-01T00:00:00+00:00")
    make_run(
        folder / "second",
        TrainingConfig(epochs=2, architecture="resnet50", seed=3),
        story(1),
        started="2026-02-01T00:00:00+00:00",
        status="stopped",
    )
    make_run(folder / "third", lines=[], started="2026-03-01T00:00:00+00:00", status="paused")
    (make_run(folder / "broken") / RUN_FILE).write_text("{")
    return folder


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace, trash: Trash) -> Iterator[RunsViewModel]:
    model = RunsViewModel(runner, workspace, trash=trash)
    yield model
    model.end()


@pytest.fixture
def listed(model: RunsViewModel, runs: Path) -> RunsViewModel:
    model.refresh()
    wait_until(lambda: not model.is_busy)
    return model


def names(model: RunsViewModel) -> list[str]:
    return [run.name for run in model.shown]


def choose(model: RunsViewModel, runs: Path, *chosen: str) -> None:
    model.select([runs / name for name in chosen])
    wait_until(lambda: not model.is_busy)


def test_the_newest_run_comes_first_and_damaged_ones_last(model: RunsViewModel, runs: Path) -> None:
    assert (model.shown, model.n_runs, model.selected) == ((), 0, ())
    model.refresh()
    wait_until(lambda: not model.is_busy)
    assert names(model) == ["third", "second", "first", "broken"]


def test_runs_are_listed_in_the_order_of_a_column(listed: RunsViewModel) -> None:
    orders: list[tuple[Column, bool, list[str]]] = [
        ("name", False, ["broken", "first", "second", "third"]),
        ("validation", True, ["second", "first", "third", "broken"]),
        ("test", False, ["second", "first", "third", "broken"]),
        ("network", True, ["second", "third", "first", "broken"]),
        ("epochs", False, ["third", "second", "first", "broken"]),
        ("started", False, ["first", "second", "third", "broken"]),
        ("status", False, ["third", "second", "first", "broken"]),
    ]
    for column, is_descending, order in orders:
        listed.sort_by(column, is_descending=is_descending)
        assert names(listed) == order


def test_a_filter_leaves_runs_in_which_every_word_occurs(listed: RunsViewModel) -> None:
    for text, left in (
        ("", ["third", "second", "first", "broken"]),
        ("SECOND", ["second"]),
        ("resnet-18 films", ["third", "first"]),
        ("paused", ["third"]),
        ("damaged", ["broken"]),
        ("elephant", []),
    ):
        listed.set_filter(text)
        assert names(listed) == left
        assert listed.n_runs == 4


def test_curves_of_chosen_runs_are_read_and_others_forgotten(
    listed: RunsViewModel, runs: Path
) -> None:
    choose(listed, runs, "first", "second", "broken")
    n_batches = {path.name: one.n_batches for path, one in listed.histories.items()}
    assert n_batches == {"first": 6, "second": 3}
    choose(listed, runs, "second")
    assert [path.name for path in listed.histories] == ["second"]


def test_curves_of_very_many_runs_are_not_read(
    listed: RunsViewModel, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runs.viewmodel.MAX_OVERLAID", 1)
    choose(listed, runs, "broken", "second", "first")
    assert [path.name for path in listed.histories] == ["second"]


def test_reading_anew_brings_what_was_trained_meanwhile(listed: RunsViewModel, runs: Path) -> None:
    choose(listed, runs, "third")
    write_lines(runs / "third", [batch_line(1, 1)])
    listed.refresh()
    wait_until(lambda: not listed.is_busy)
    assert listed.histories[runs / "third"].n_batches == 1


def test_a_run_that_is_gone_is_no_longer_chosen(listed: RunsViewModel, runs: Path) -> None:
    choose(listed, runs, "first")
    shutil.rmtree(runs / "first")
    listed.refresh()
    wait_until(lambda: not listed.is_busy)
    assert (listed.selected, listed.histories) == ((), {})


def test_only_two_chosen_runs_have_differences(listed: RunsViewModel, runs: Path) -> None:
    for chosen in ((), ("first",), ("first", "broken"), ("first", "second", "third")):
        choose(listed, runs, *chosen)
        assert listed.differences is None
    choose(listed, runs)
    choose(listed, runs, "first", "second")
    assert listed.differences == [("architecture", "resnet18", "resnet50"), ("seed", 0, 3)]


def test_a_run_is_renamed(listed: RunsViewModel, runs: Path) -> None:
    listed.rename(runs / "first", "Baseline")
    wait_until(lambda: not listed.is_busy)
    assert "Baseline" in names(listed)
    assert json.loads((runs / "first" / RUN_FILE).read_text())["name"] == "Baseline"


def test_a_run_that_trains_is_not_renamed(listed: RunsViewModel, runs: Path, qtbot: QtBot) -> None:
    with RunLock(runs / "first"), qtbot.waitSignal(listed.failed) as failed:
        listed.rename(runs / "first", "Baseline")
    wait_until(lambda: not listed.is_busy)
    failure = failed.args[0]
    assert isinstance(failure, Failure)
    assert "is training" in str(failure.message)
    assert "first" in names(listed)


def test_chosen_runs_go_to_the_trash(listed: RunsViewModel, runs: Path, trash: Trash) -> None:
    choose(listed, runs, "first", "broken")
    listed.delete()
    wait_until(lambda: not listed.is_busy)
    assert sorted(trash.taken) == ["broken", "first"]
    assert names(listed) == ["third", "second"]


def test_without_a_trash_nothing_is_deleted(
    listed: RunsViewModel, runs: Path, trash: Trash, qtbot: QtBot
) -> None:
    trash.is_there = False
    choose(listed, runs, "first")
    with qtbot.waitSignal(listed.failed) as failed:
        listed.delete()
    wait_until(lambda: not listed.is_busy)
    assert "no trash" in str(failed.args[0].message)
    assert (runs / "first" / RUN_FILE).exists()


def test_a_run_that_trains_cannot_be_deleted(
    listed: RunsViewModel, runs: Path, trash: Trash
) -> None:
    with RunLock(runs / "third"):
        listed.refresh()
        wait_until(lambda: not listed.is_busy)
        choose(listed, runs, "third")
        assert not listed.can_delete
        listed.delete()
        wait_until(lambda: not listed.is_busy)
    assert trash.taken == []


def test_a_folder_that_cannot_be_listed_cannot_be_deleted(
    listed: RunsViewModel, tmp_path: Path
) -> None:
    listed.add_folder(tmp_path / "gone")
    wait_until(lambda: not listed.is_busy)
    listed.select([tmp_path / "gone"])
    assert len(listed.selected) == 1
    assert not listed.can_delete


def test_runs_of_another_folder_are_listed_too(
    listed: RunsViewModel, tmp_path: Path, qtbot: QtBot
) -> None:
    make_run(tmp_path / "stick" / "foreign")
    with qtbot.waitSignal(listed.folders_changed) as changed:
        listed.add_folder(tmp_path / "stick")
    wait_until(lambda: not listed.is_busy)
    assert changed.args[0] == [tmp_path / "stick"]
    assert "foreign" in names(listed)


def test_models_and_settings_of_runs_are_asked_for_where_there_are_some(
    model: RunsViewModel, runs: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs / "first" / BEST_FILE).touch()
    monkeypatch.setattr("core.training.runs.read_card", lambda _: None)
    model.refresh()
    wait_until(lambda: not model.is_busy)
    choose(model, runs, "first")
    with qtbot.waitSignal(model.model_wanted) as wanted:
        model.open_model()
    assert wanted.args == [runs / "first" / BEST_FILE]
    choose(model, runs, "third")  # has neither model nor checkpoint
    with qtbot.assertNotEmitted(model.model_wanted), qtbot.assertNotEmitted(model.resume_wanted):
        model.open_model()
        model.resume()
    choose(model, runs, "second")
    with qtbot.waitSignal(model.config_wanted) as wanted:
        model.train_again()
    assert wanted.args == [TrainingConfig(epochs=2, architecture="resnet50", seed=3)]


def test_what_is_listed_is_saved_as_a_table(listed: RunsViewModel, tmp_path: Path) -> None:
    listed.set_filter("first")
    listed.export(tmp_path / "runs.csv")
    wait_until(lambda: not listed.is_busy)
    lines = (tmp_path / "runs.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("first,")


def test_a_metrics_file_that_goes_bad_is_told_at_the_next_look(
    listed: RunsViewModel, runs: Path
) -> None:
    (runs / "first" / METRICS_FILE).write_text("garbage\n")
    listed.refresh()
    wait_until(lambda: not listed.is_busy)
    assert names(listed) == ["third", "second", "broken", "first"]


def test_nothing_begins_once_the_program_closes(listed: RunsViewModel) -> None:
    listed.end()
    listed.refresh()
    assert not listed.is_busy

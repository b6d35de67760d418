"""Edits of the dataset in front: made, taken back, made again, and kept on the disk."""

import errno
import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.data.viewmodel import DataViewModel
from app.tasks import Failure, TaskRunner
from core import files as storage
from core.data.edits import Edits, EditsFile
from core.workspace import Workspace
from tests.app.hands import wait_until
from tests.app.made_dataset import CLASSES, COPIES, CUT, bring, finding, make_dataset, name_of
from tests.app.pretended import ONE, Audits

FIRST, SECOND = name_of(0, 0), name_of(0, 1)
ALL_BUT_ONE_CLASS = [name_of(label, number) for label in (0, 1) for number in range(4)]


@pytest.fixture
def empty(
    runner: TaskRunner, auditing: TaskRunner, workspace: Workspace, audits: Audits
) -> DataViewModel:
    audits.gate.set()
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def model(empty: DataViewModel) -> DataViewModel:
    """Three classes of four films in front."""
    bring(empty, make_dataset())
    return empty


@pytest.fixture
def failures(model: DataViewModel) -> list[Failure]:
    found: list[Failure] = []
    model.failed.connect(found.append)
    return found


def leave_out(model: DataViewModel, *names: str) -> None:
    model.edit(lambda edits: edits.leave_out(names))


def left_out(model: DataViewModel) -> set[str]:
    assert model.dataset is not None
    return set(model.dataset.edits.left_out)


def saved(model: DataViewModel, workspace: Workspace) -> Edits:
    assert model.dataset is not None
    return EditsFile(workspace.edits, model.dataset.as_found).load()


class TestMade:
    def test_a_film_counts_where_it_was_put(self, qtbot: QtBot, model: DataViewModel) -> None:
        with qtbot.waitSignal(model.loaded) as edited:
            leave_out(model, FIRST)
        assert edited.args == [model.dataset]
        assert list(model.dataset.dataset.counts.values()) == [3, 4, 4]
        model.edit(lambda edits: edits.relabel([SECOND], CLASSES[1]))
        assert list(model.dataset.dataset.counts.values()) == [2, 5, 4]

    def test_without_a_dataset_nothing_is_edited(self, qtbot: QtBot, empty: DataViewModel) -> None:
        with qtbot.assertNotEmitted(empty.changed):
            leave_out(empty, FIRST)
            empty.undo()
            empty.redo()


class TestTakenBack:
    def test_undo_and_redo_go_one_edit_at_a_time_and_no_further(
        self, qtbot: QtBot, model: DataViewModel
    ) -> None:
        states: list[set[str]] = [set(), {FIRST}, {FIRST, SECOND}]
        leave_out(model, FIRST)
        leave_out(model, SECOND)
        for step, expected in ((model.undo, states[1::-1]), (model.redo, states[1:])):
            for state in expected:
                step()
                assert left_out(model) == state
            assert model.current.can_undo == (step == model.redo)
            assert model.current.can_redo == (step == model.undo)
            with qtbot.assertNotEmitted(model.loaded):
                step()

    def test_a_new_edit_forgets_what_was_taken_back(self, model: DataViewModel) -> None:
        leave_out(model, FIRST)
        model.undo()
        leave_out(model, SECOND)
        assert not model.current.can_redo
        model.redo()
        assert left_out(model) == {SECOND}

    def test_each_dataset_has_a_history_of_its_own(self, model: DataViewModel) -> None:
        leave_out(model, FIRST)
        bring(model, make_dataset(n_per_class=5))
        assert not model.current.can_undo
        model.show(0)
        model.undo()
        assert left_out(model) == set()


class TestKept:
    def test_every_step_is_saved(self, model: DataViewModel, workspace: Workspace) -> None:
        leave_out(model, FIRST)
        assert saved(model, workspace).left_out == {FIRST}
        model.undo()
        assert saved(model, workspace) == Edits()
        model.redo()
        assert saved(model, workspace).left_out == {FIRST}

    def test_the_next_program_opens_the_dataset_as_it_was_edited(
        self,
        empty: DataViewModel,
        runner: TaskRunner,
        auditing: TaskRunner,
        workspace: Workspace,
        films_zip: Path,
    ) -> None:
        empty.open([films_zip])
        wait_until(lambda: empty.dataset is not None and not empty.is_busy)
        name = empty.dataset.dataset.records[0].name
        leave_out(empty, name)
        wait_until(lambda: not auditing.is_running)
        again = DataViewModel(runner, auditing, workspace)
        again.open([films_zip])
        wait_until(lambda: again.dataset is not None and not again.is_busy)
        assert left_out(again) == {name}
        assert name not in {record.name for record in again.dataset.dataset.records}

    def test_a_full_disk_is_told_and_the_edit_holds(
        self,
        model: DataViewModel,
        failures: list[Failure],
        workspace: Workspace,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(path: Path, text: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(storage, "write_text", full)
        leave_out(model, FIRST)
        assert left_out(model) == {FIRST}
        assert model.current.can_undo
        assert saved(model, workspace) == Edits()
        (failure,) = failures
        assert "Free some disk space" in str(failure.message)

    def test_what_was_saved_names_no_path(
        self, model: DataViewModel, workspace: Workspace, tmp_path: Path
    ) -> None:
        leave_out(model, FIRST)
        files = list(workspace.edits.glob("*.json"))  # by content, and by place
        assert len(files) == 2
        for file in files:
            assert json.loads(file.read_text())["left_out"] == [FIRST]
            assert str(tmp_path) not in file.read_text()


class TestRefused:
    def test_too_few_films_are_refused_with_the_reason_and_nothing_changes(
        self,
        qtbot: QtBot,
        model: DataViewModel,
        failures: list[Failure],
        workspace: Workspace,
    ) -> None:
        leave_out(model, FIRST)
        leave_out(model, SECOND)
        model.undo()
        before = model.dataset
        with qtbot.assertNotEmitted(model.loaded):
            leave_out(model, *ALL_BUT_ONE_CLASS)
        (failure,) = failures
        assert "fewer than two classes" in str(failure.message)
        assert model.dataset is before
        assert saved(model, workspace).left_out == {FIRST}
        assert model.current.can_redo
        model.undo()
        assert left_out(model) == set()


class TestFixed:
    def test_several_findings_are_one_edit_and_of_copies_the_first_is_kept(
        self, model: DataViewModel
    ) -> None:
        model.fix([COPIES, finding("blank", "error", FIRST, fix="leave_out")])
        assert left_out(model) == {FIRST, *COPIES.files[1:]}
        model.undo()
        assert left_out(model) == set()

    def test_what_nothing_mends_changes_nothing(self, qtbot: QtBot, model: DataViewModel) -> None:
        with qtbot.assertNotEmitted(model.loaded):
            model.fix([CUT])
        assert not model.current.can_undo


@pytest.mark.usefixtures("openings")
def test_opened_again_a_dataset_has_no_history(model: DataViewModel) -> None:
    for _ in range(2):
        model.open([ONE])
        wait_until(lambda: not model.is_busy)
        assert not model.current.can_undo
        leave_out(model, FIRST)

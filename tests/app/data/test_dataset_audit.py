"""Datasets are looked through behind the window; only what holds still is ever shown."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.data.viewmodel import DataViewModel
from app.tasks import Failure, Outcome, TaskRunner
from core.audit.report import Report, audit
from core.workspace import Workspace
from tests.app.hands import wait_until
from tests.app.made_dataset import name_of
from tests.app.pretended import ONE, TWO, Audits, report_on

FIRST = name_of(0, 0)


@pytest.fixture
def model(
    runner: TaskRunner, auditing: TaskRunner, workspace: Workspace, openings: object
) -> DataViewModel:
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def shown(model: DataViewModel) -> list[Report]:
    """Every report that was shown."""
    reports: list[Report] = []
    model.audited.connect(reports.append)
    return reports


@pytest.fixture
def failures(model: DataViewModel) -> list[Failure]:
    found: list[Failure] = []
    model.failed.connect(found.append)
    return found


@pytest.fixture
def under_way(model: DataViewModel, audits: Audits) -> DataViewModel:
    """A dataset is open and being looked through."""
    opened(model, ONE)
    wait_until(lambda: len(audits.begun) == 1)
    return model


def opened(model: DataViewModel, source: Path) -> None:
    before = model.dataset
    model.open([source])
    wait_until(lambda: model.dataset is not before and not model.is_busy)


def leave_out(model: DataViewModel, name: str = FIRST) -> None:
    model.edit(lambda edits: edits.leave_out([name]))


def test_a_dataset_can_be_used_until_its_report_is_told_and_kept(
    under_way: DataViewModel, audits: Audits, shown: list[Report]
) -> None:
    assert under_way.dataset is not None
    assert under_way.report is None
    assert not under_way.is_busy
    audits.gate.set()
    wait_until(lambda: bool(shown))
    assert shown == [under_way.report]
    assert under_way.report == report_on(audits.begun[0])


def test_what_audits_the_films_of_a_zip_is_the_audit_itself(
    runner: TaskRunner, workspace: Workspace, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # nothing is pretended
    looking = TaskRunner()
    model = DataViewModel(runner, looking, workspace)
    opened(model, films_zip)
    wait_until(lambda: model.report is not None and not looking.is_running)
    *_, report = audit(model.dataset)
    assert model.report == report


class TestOvertaken:
    def test_a_report_that_comes_too_late_is_never_shown(
        self, under_way: DataViewModel, audits: Audits, shown: list[Report]
    ) -> None:
        leave_out(under_way)
        audits.gate.set()
        wait_until(lambda: bool(shown))
        assert audits.begun[1] is under_way.dataset
        assert shown == [report_on(under_way.dataset)]
        assert under_way.report == shown[0]

    def test_of_many_edits_only_the_last_is_looked_through(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits, shown: list[Report]
    ) -> None:
        for number in range(3):
            leave_out(under_way, name_of(0, number))
        under_way.undo()
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert len(audits.begun) == 2
        assert shown == [report_on(under_way.dataset)]

    def test_another_dataset_comes_first_and_the_other_when_it_is_shown_again(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits, shown: list[Report]
    ) -> None:
        opened(under_way, TWO)
        leave_out(under_way)  # so that the two reports differ
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert shown == [report_on(under_way.dataset)]
        under_way.show(0)
        wait_until(lambda: not auditing.is_running)
        assert under_way.report == report_on(under_way.dataset)

    def test_a_report_on_a_dataset_behind_is_kept_for_it(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits, shown: list[Report]
    ) -> None:
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        opened(under_way, TWO)
        wait_until(lambda: not auditing.is_running)
        audits.gate.clear()
        leave_out(under_way)  # looked through behind the first one
        under_way.show(0)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        del shown[:]
        under_way.show(1)
        assert shown == [report_on(under_way.dataset)]
        assert len(audits.begun) == 3

    def test_showing_the_same_dataset_again_does_not_begin_anew(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        outcomes: list[Outcome] = []
        auditing.finished.connect(outcomes.append)
        under_way.show(0)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert len(audits.begun) == 1
        assert outcomes == [Outcome.FINISHED]
        assert under_way.report is not None

    def test_what_has_its_report_is_not_looked_through_again(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        opened(under_way, TWO)
        wait_until(lambda: not auditing.is_running)
        audits.gate.clear()
        leave_out(under_way, name_of(0, 0))
        leave_out(under_way, name_of(0, 1))  # overtakes the one before
        under_way.show(0)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert len(audits.begun) == 3

    def test_a_dataset_that_was_closed_meanwhile_is_forgotten(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits, shown: list[Report]
    ) -> None:
        under_way.close(0)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert shown == []
        assert under_way.report is None


class TestGivenUp:
    def test_ending_begins_no_audit_anew(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        leave_out(under_way)
        under_way.end()
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert len(audits.begun) == 1

    def test_giving_up_opening_does_not_stop_looking_through_what_is_open(
        self, under_way: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        leave_out(under_way)
        under_way.open([TWO])
        under_way.cancel()
        wait_until(lambda: not under_way.is_busy)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert under_way.report is not None


class TestFailed:
    @pytest.fixture
    def broken(self, model: DataViewModel, auditing: TaskRunner, audits: Audits) -> DataViewModel:
        """A dataset is open that could not be looked through."""
        audits.error = ZeroDivisionError("no film has a mean")
        audits.gate.set()
        opened(model, ONE)
        wait_until(lambda: not auditing.is_running)
        return model

    def test_it_is_told_once(self, failures: list[Failure], broken: DataViewModel) -> None:
        (failure,) = failures
        assert "no film has a mean" in str(failure.message)
        assert broken.report is None

    @pytest.fixture
    def failing(self, model: DataViewModel, audits: Audits) -> DataViewModel:
        """A dataset is being looked through, which will fail; the next time it will not."""
        audits.error = ZeroDivisionError()
        opened(model, ONE)
        wait_until(lambda: len(audits.begun) == 1)
        audits.error = None
        return model

    def test_whoever_waits_hears_of_it(
        self, qtbot: QtBot, failing: DataViewModel, audits: Audits
    ) -> None:
        assert not failing.has_audit_failed
        with qtbot.waitSignal(failing.changed):
            audits.gate.set()
        assert failing.has_audit_failed

    def test_the_dataset_can_still_be_edited_and_is_looked_through_again(
        self, broken: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        audits.error = None
        audits.gate.clear()
        leave_out(broken)
        assert not broken.has_audit_failed
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert broken.report is not None
        assert not broken.has_audit_failed

    def test_neither_another_dataset_nor_none_has_failed(
        self, broken: DataViewModel, audits: Audits
    ) -> None:
        audits.gate.clear()
        opened(broken, TWO)
        assert not broken.has_audit_failed
        broken.close(1)
        broken.close(0)
        assert not broken.has_audit_failed

    def test_an_audit_that_was_overtaken_leaves_no_mark(
        self, failing: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        leave_out(failing)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert not failing.has_audit_failed
        assert failing.report == report_on(failing.dataset)

"""The Train page, with runs that report what they are told to."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QInputDialog, QMessageBox, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.tasks import TaskRunner
from app.training.page import TrainingPage
from app.training.plots import CurvePlot, GapPlot, PlotDeck
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from core.errors import Message
from core.events import BatchDone, BatchHalved, EpochDone, Progress, TrainingDone, TrainingStarted
from core.runtime.devices import Device
from core.training.estimate import Estimate
from core.training.runs import InterruptedRun
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, button, label_texts, press, wait_until
from tests.app.made_dataset import make_dataset

START = TrainingStarted("resnet18", "cpu", "float32", 4, 2, 32, 40, 8, 11_000_000)


def epochs(n: int, validation: list[float] | None = None) -> list[object]:
    """Events of `n` epochs of two batches, whose training loss falls."""
    events: list[object] = []
    for epoch in range(1, n + 1):
        loss = 1 / epoch
        events += [BatchDone(epoch, batch, 2, loss, 0.5, 1e-3, 41.25, 90.0) for batch in (1, 2)]
        after = validation[epoch - 1] if validation else loss
        is_best = not validation or after == min(validation[:epoch])
        events.append(EpochDone(epoch, loss, 0.9, after, 0.8, is_best, 3.0))
    return events


class Runs:
    """Events of the next run; after them it waits until it is stopped."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        from core.training import session

        self.events: list[object] = [START, *epochs(3)]
        self.is_endless = True
        self.reached, self._stop = threading.Event(), threading.Event()
        self.resumed: list[tuple[Any, ...]] = []
        self.is_changed = False  # the description of the run that is to be resumed
        patch.setattr(session, "run_training", self._run)
        patch.setattr(session, "resume_training", self._resume)
        patch.setattr("app.training.viewmodel.usable_checkpoint", lambda _: (True, None))
        stop = TaskRunner.stop

        def stopping(runner: TaskRunner) -> None:
            stop(runner)
            self._stop.set()

        patch.setattr(TaskRunner, "stop", stopping)

    def let_go(self) -> None:
        """Let the run end that waits to be stopped."""
        self._stop.set()

    def _run(self, *_: object) -> Iterator[object]:
        self.reached.clear()
        self._stop.clear()
        yield from self.events
        self.reached.set()
        if self.is_endless:
            assert self._stop.wait(60)
            yield Progress(Message("Validating"), 0, 1)

    def _resume(self, *arguments: Any, accepts_changes: bool = False) -> Iterator[object]:
        from core.training.session import ChangedRunError

        self.resumed.append(arguments)
        if self.is_changed and not accepts_changes:
            raise ChangedRunError(Message("changed are: seed"))
        yield from self._run()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    runs = Runs(monkeypatch)
    yield runs
    runs.let_go()


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace, runs: Runs) -> TrainingViewModel:
    model = TrainingViewModel(runner, workspace)
    model.change(epochs=4)
    model.set_dataset(make_dataset())
    return model


@pytest.fixture
def page(qtbot: QtBot, model: TrainingViewModel) -> TrainingPage:
    page = page_of(model)
    qtbot.addWidget(page)
    page.apply_theme("light")
    page.resize(900, 600)
    page.show()
    return page


def page_of(model: TrainingViewModel) -> TrainingPage:
    weights = InitialWeightsViewModel(TaskRunner(), model, Workspace(Path("not used")))
    return TrainingPage(model, weights)


def visible_buttons(page: TrainingPage) -> set[str]:
    known = {
        "Start training",
        "Estimate",
        "Pause",
        "Resume",
        "Stop and keep the best",
        "Continue for more epochs …",
    }
    texts = {one.text() for one in page.findChildren(QAbstractButton) if one.isVisible()}
    return texts & known


def run_on(page: TrainingPage, runs: Runs) -> None:
    """Press start and wait until all its events are shown."""
    press(page, "Start training")
    wait_until(runs.reached.is_set)
    n = sum(isinstance(event, EpochDone) for event in runs.events)
    history = page._model.history
    wait_until(lambda: len(history.epochs) == n and history.n_batches >= 2 * n)


def shown_value(page: TrainingPage, caption: str) -> str:
    texts = label_texts(page)
    return texts[texts.index(caption) - 1]


class TestButtons:
    def test_before_a_run_it_can_be_started_or_estimated_where_there_are_films(
        self, qtbot: QtBot, page: TrainingPage, runner: TaskRunner, workspace: Workspace
    ) -> None:
        empty = page_of(TrainingViewModel(runner, workspace))
        qtbot.addWidget(empty)
        empty.show()
        for one in (page, empty):
            assert visible_buttons(one) == {"Start training", "Estimate"}
            for text in ("Start training", "Estimate"):
                assert button(one, text).isEnabled() == (one is page)

    @pytest.mark.parametrize("accepts", [False, True])
    def test_a_changed_run_goes_on_only_if_the_user_agrees(
        self, page: TrainingPage, runs: Runs, accepts: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "app.training.viewmodel.read_description",
            lambda _: type("Description", (), {"config": page._model.config}),
        )
        run_on(page, runs)
        press(page, "Pause")
        wait_until(lambda: not page._model.is_training)
        runs.is_changed = True
        press(page, "Resume")
        wait_until(lambda: bool(page.findChildren(QMessageBox)) and not page._model.is_training)
        [box] = page.findChildren(QMessageBox)
        assert box.informativeText() == "changed are: seed"
        runs.reached.clear()
        press(box, "Accept changes" if accepts else "Leave it")
        if accepts:
            wait_until(runs.reached.is_set)
            assert len(runs.resumed) == 2
        else:
            assert not page._model.is_training
            assert len(runs.resumed) == 1

    def test_a_run_can_be_paused_and_resumed(self, page: TrainingPage, runs: Runs) -> None:
        run_on(page, runs)
        assert visible_buttons(page) == {"Pause", "Stop and keep the best"}
        press(page, "Pause")
        # Pressed once; the run may have paused already.
        pauses = [one for one in page.findChildren(QAbstractButton) if one.text() == "Pause"]
        assert not any(one.isVisible() and one.isEnabled() for one in pauses)
        wait_until(lambda: not page._model.is_training)
        assert visible_buttons(page) == {"Start training", "Estimate", "Resume"}
        assert "Paused" in label_texts(page)

    def test_the_end_asks_how_many_epochs_more(
        self, page: TrainingPage, runs: Runs, tmp_path: Path
    ) -> None:
        done = TrainingDone(tmp_path / "best.safetensors", 4, 4, 9.0, 50.0, 0.8, 0.75, 0.5)
        runs.events, runs.is_endless = [START, *epochs(4), done], False
        run_on(page, runs)
        wait_until(lambda: page._model.result is not None and not page._model.is_training)
        press(page, "Continue for more epochs …")
        dialog = page.findChild(QInputDialog)
        assert dialog.isVisible()
        asked: list[int] = []
        page._model.continue_for = asked.append  # type: ignore[method-assign]
        dialog.intValueSelected.disconnect()
        dialog.intValueSelected.connect(page._model.continue_for)
        dialog.setIntValue(7)
        dialog.accept()
        assert asked == [7]


class TestWhileItRuns:
    def test_figures_and_curves_tell_where_it_is(self, page: TrainingPage, runs: Runs) -> None:
        run_on(page, runs)
        wait_until(lambda: shown_value(page, "batch") == "2 / 2")
        for caption, value in (
            ("epoch", "3 / 4"),
            ("films per second", "41.2"),
            ("time left", "1:30"),
            ("best epoch", "3 (80.0%)"),
            ("epochs since best", "0"),
        ):
            assert shown_value(page, caption) == value
        assert shown_value(page, "memory").endswith(" GB")
        assert [len(plot.series()[0].y) for plot in page.findChildren(CurvePlot)] == [6, 6]
        assert len(page.findChild(GapPlot).series()[0].x) == 3
        for is_told in (True, False):  # a second click lets go of it
            page.findChild(PlotDeck).epoch_chosen.emit(2)
            told = [
                one for one in label_texts(page) if one.startswith("Epoch 2: training loss 0.5")
            ]
            assert bool(told) == is_told

    def test_plain_words_tell_of_over_fitting(self, page: TrainingPage, runs: Runs) -> None:
        start = dataclasses.replace(START, epochs=6)
        runs.events = [start, *epochs(6, [1.0, 0.8, 0.7, 0.75, 0.8, 0.9])]
        run_on(page, runs)
        assert any("by heart (over-fitting)" in text for text in label_texts(page))

    def test_the_log_tells_of_what_happened_on_the_way(
        self, page: TrainingPage, runs: Runs
    ) -> None:
        halved = BatchHalved(1, 2, 8)
        runs.events = [START, halved, *epochs(1)]
        run_on(page, runs)
        assert str(halved.message) in page.findChild(QPlainTextEdit).toPlainText()


def test_the_next_run_begins_with_empty_curves(page: TrainingPage, runs: Runs) -> None:
    run_on(page, runs)
    press(page, "Stop and keep the best")
    wait_until(lambda: not page._model.is_training)
    runs.events = [START, *epochs(1)]
    run_on(page, runs)
    assert [len(plot.series()[0].y) for plot in page.findChildren(CurvePlot)] == [2, 2]
    assert len(page.findChild(GapPlot).series()[0].x) == 1


def test_the_learning_rate_of_the_settings_is_drawn_before_the_start(page: TrainingPage) -> None:
    rate = page.findChild(PlotDeck).rate
    before = rate.series()[0].y.max()
    page._model.change(learning_rate=2 * page._model.config.learning_rate)
    assert rate.series()[0].y.max() == pytest.approx(2 * before)
    assert rate.series()[0].x[-1] == page._model.config.n_epochs


def test_an_estimate_is_shown_before_the_start(
    qtbot: QtBot, page: TrainingPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training import estimate as estimate_module

    made = Estimate(754.0, 1_800_000_000, Device("cpu", "a processor", 8 << 30))
    monkeypatch.setattr(estimate_module, "estimate", lambda *_: iter([made]))
    with qtbot.waitSignal(page._model.estimated, timeout=WAIT_MS):
        press(page, "Estimate")
    wait_until(lambda: "time, estimated" in label_texts(page))
    assert shown_value(page, "time, estimated") == "≈ 12:34"
    assert shown_value(page, "memory, estimated") == "≈ 1.8 GB"


class TestOffer:
    @pytest.fixture
    def offering(self, qtbot: QtBot, model: TrainingViewModel, tmp_path: Path) -> TrainingPage:
        run = InterruptedRun(tmp_path / "run", None)
        model.interrupted_run = lambda: run  # type: ignore[method-assign]
        page = page_of(model)
        qtbot.addWidget(page)
        page.show()
        return page

    def test_an_interrupted_run_is_offered_and_can_be_put_off(
        self, page: TrainingPage, offering: TrainingPage
    ) -> None:
        assert "An interrupted run can be resumed." in label_texts(offering)
        press(offering, "Not now")
        for one in (page, offering):
            assert not any("interrupted" in text for text in label_texts(one))

    def test_taking_it_resumes_that_run(self, offering: TrainingPage, tmp_path: Path) -> None:
        asked: list[object] = []
        offering._model.resume = asked.append  # type: ignore[method-assign]
        press(offering, "Resume it")
        assert asked == [tmp_path / "run"]

    def test_another_run_takes_its_place(self, offering: TrainingPage, runs: Runs) -> None:
        run_on(offering, runs)
        assert "An interrupted run can be resumed." not in label_texts(offering)

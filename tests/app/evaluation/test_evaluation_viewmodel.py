import dataclasses
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypdfium2 import PdfDocument
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QPushButton, QSlider
from pytestqt.qtbot import QtBot

from app.evaluation.class_mapping import ClassMappingForm
from app.evaluation.comparison import ComparisonTab
from app.evaluation.decision import DecisionTab
from app.evaluation.luck import LuckTab
from app.evaluation.page import EvaluationPage
from app.evaluation.statements import StatementsDialog
from app.evaluation.tabs import CasesTab, DoubtTab, FlowTab, LungsTab, MatrixTab
from app.evaluation.viewmodel import EvaluationViewModel
from app.tasks import Failure, TaskRunner
from app.widgets.chart import ChartView
from app.widgets.tables import ConfusionMatrixView
from core.data.dataset import LoadedDataset
from core.evaluation.elsewhere import Count, Place
from core.evaluation.evaluate import LEFT_OUT, ModelEvaluation
from core.evaluation.intervals import clustered_share
from core.evaluation.lung_tests import Retrained
from core.evaluation.repeated import Repeat, SplitBias, SplitPair, Spread
from core.evaluation.statements import Statements
from core.evaluation.study import Study
from core.prediction.classifier import Classifier
from core.report.charts import CHARTS
from core.report.facts import ReportContext
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, wait_until


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace) -> EvaluationViewModel:
    return EvaluationViewModel(runner, workspace)


@pytest.fixture
def ready(
    model: EvaluationViewModel, model_file: Path, loaded: LoadedDataset
) -> EvaluationViewModel:
    model.set_model(model_file)
    model.set_dataset(loaded)
    return model


def evaluate(qtbot: QtBot, model: EvaluationViewModel) -> ModelEvaluation:
    with qtbot.waitSignal(model.evaluated, timeout=WAIT_MS) as evaluated:
        model.evaluate()
    wait_until(lambda: not model.is_busy)
    return evaluated.args[0]


def test_it_needs_a_model_and_films(
    model: EvaluationViewModel, model_file: Path, loaded: LoadedDataset
) -> None:
    model.evaluate()
    assert not model.is_busy
    model.set_model(model_file)
    assert not model.can_evaluate
    model.evaluate()
    assert not model.is_busy
    model.set_dataset(loaded)
    assert model.can_evaluate


def test_the_test_films_are_evaluated_at_first(qtbot: QtBot, ready: EvaluationViewModel) -> None:
    evaluation = evaluate(qtbot, ready)
    assert ready.result is evaluation
    assert evaluation.part == "test"
    assert evaluation.result.n == len(evaluation.card.split["test"])


def test_all_films_are_evaluated_on_demand(
    qtbot: QtBot, ready: EvaluationViewModel, loaded: LoadedDataset
) -> None:
    ready.part = "all"
    assert evaluate(qtbot, ready).result.n == len(loaded.dataset.records)


def test_progress_is_told(qtbot: QtBot, ready: EvaluationViewModel) -> None:
    stages: list[str] = []
    ready.progressed.connect(lambda progress: stages.append(str(progress.stage)))
    evaluate(qtbot, ready)
    assert "Evaluating" in stages


def test_a_file_that_is_no_model_is_refused(
    qtbot: QtBot, ready: EvaluationViewModel, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no model")
    ready.set_model(bad)
    with qtbot.waitSignal(ready.failed, timeout=WAIT_MS) as failed:
        ready.evaluate()
    wait_until(lambda: not ready.is_busy)
    assert isinstance(failed.args[0], Failure)
    assert "bad.safetensors" in str(failed.args[0].message)
    assert ready.can_evaluate


@pytest.mark.parametrize("other", ["model", "dataset"])
def test_another_model_or_dataset_takes_the_old_numbers_away(
    qtbot: QtBot, ready: EvaluationViewModel, model_file: Path, loaded: LoadedDataset, other: str
) -> None:
    evaluate(qtbot, ready)
    choose(ready, other, model_file, loaded)
    assert ready.result is None
    assert ready.can_evaluate


def choose(model: EvaluationViewModel, what: str, model_file: Path, loaded: LoadedDataset) -> None:
    if what == "model":
        model.set_model(model_file.with_name("last.safetensors"))
    else:
        model.set_dataset(dataclasses.replace(loaded))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds an evaluation before its numbers are told until it is set."""
    from app.evaluation import viewmodel as module

    gate, evaluate_model = threading.Event(), module.evaluate_model

    def held(*arguments: Any, **named: Any) -> Iterator[object]:
        for event in evaluate_model(*arguments, **named):
            if isinstance(event, ModelEvaluation):
                assert gate.wait(60)
            yield event

    monkeypatch.setattr(module, "evaluate_model", held)
    return gate


def test_giving_up_keeps_the_old_numbers(
    qtbot: QtBot, ready: EvaluationViewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.evaluation import viewmodel as module

    gate, evaluate_model = threading.Event(), module.evaluate_model
    before = evaluate(qtbot, ready)

    def held(*arguments: Any, **named: Any) -> Iterator[object]:
        assert gate.wait(60)
        yield from evaluate_model(*arguments, **named)

    monkeypatch.setattr(module, "evaluate_model", held)
    ready.evaluate()
    ready.cancel()
    gate.set()
    wait_until(lambda: not ready.is_busy)
    assert ready.result is before


@pytest.mark.parametrize("other", ["model", "dataset"])
def test_what_is_chosen_while_another_is_evaluated_gets_no_foreign_numbers(
    qtbot: QtBot,
    ready: EvaluationViewModel,
    model_file: Path,
    loaded: LoadedDataset,
    gate: threading.Event,
    other: str,
) -> None:
    told: list[object] = []
    ready.evaluated.connect(told.append)
    ready.evaluate()
    choose(ready, other, model_file, loaded)
    gate.set()
    wait_until(lambda: not ready.is_busy)
    assert (ready.result, told) == (None, [])


@pytest.fixture
def renamed(loaded: LoadedDataset) -> LoadedDataset:
    """The dataset with a class folder of a name that the model does not know."""
    first, *others = loaded.dataset.classes
    dataset = dataclasses.replace(loaded.dataset, classes=("Healthy", *others))
    assert first not in ("Healthy", *others)
    return dataclasses.replace(loaded, dataset=dataset)


def test_an_unknown_class_is_asked_about_and_the_answer_evaluates(
    qtbot: QtBot, ready: EvaluationViewModel, loaded: LoadedDataset, renamed: LoadedDataset
) -> None:
    meant = evaluate(qtbot, ready).result
    ready.set_dataset(renamed)
    page = EvaluationPage(ready)
    qtbot.addWidget(page)
    page.show()
    ready.evaluate()
    wait_until(lambda: not ready.is_busy)
    assert ready.result is None
    form = page.findChild(ClassMappingForm)
    [box], [go] = form.findChildren(QComboBox), form.findChildren(QPushButton)
    assert form.isVisible()
    assert not go.isEnabled()  # as long as nothing is chosen
    box.setCurrentIndex(box.findData(loaded.dataset.classes[0]))
    with qtbot.waitSignal(ready.evaluated, timeout=WAIT_MS) as evaluated:
        go.click()
    wait_until(lambda: not ready.is_busy)
    assert not form.isVisible()
    assert evaluated.args[0].result.confusion.tolist() == meant.confusion.tolist()


def test_a_class_that_is_left_out_is_not_evaluated(
    qtbot: QtBot, ready: EvaluationViewModel, renamed: LoadedDataset
) -> None:
    ready.set_dataset(renamed)
    with qtbot.waitSignal(ready.evaluated, timeout=WAIT_MS) as evaluated:
        ready.choose_classes({"Healthy": LEFT_OUT})
    wait_until(lambda: not ready.is_busy)
    assert evaluated.args[0].result.confusion[0].sum() == 0
    with qtbot.waitSignal(ready.failed, timeout=WAIT_MS) as failed:
        ready.choose_classes({name: LEFT_OUT for name in renamed.dataset.classes})
    assert "left out" in str(failed.args[0].message)
    wait_until(lambda: not ready.is_busy)


def studied(qtbot: QtBot, model: EvaluationViewModel) -> Study:
    with qtbot.waitSignal(model.studied, timeout=WAIT_MS) as found:
        model.evaluate()
    wait_until(lambda: not model.is_busy)
    return found.args[0]


def test_a_study_follows_and_the_page_shows_it(
    qtbot: QtBot, ready: EvaluationViewModel, loaded: LoadedDataset
) -> None:
    page = EvaluationPage(ready)
    qtbot.addWidget(page)
    page.show()  # it evaluates by itself
    qtbot.waitUntil(lambda: ready.study is not None, timeout=WAIT_MS)
    wait_until(lambda: not ready.is_busy)
    assert "films.zip" in page.subtitle.text()
    charts = page.findChildren(ChartView)
    assert [chart.parent().parent() for chart in charts if chart.is_empty] == [
        page.findChild(LuckTab)
    ]
    study = ready.study
    flow = page.findChild(FlowTab).table
    column = [int(flow.item(row, 2).text()) for row in range(flow.rowCount())]
    assert sum(column) == len(loaded.dataset.records)
    doubt = page.findChild(DoubtTab).table
    assert [doubt.item(row, 1).text() for row in range(3)] == [
        str(n) for n in np.bincount(study.answered.truth, minlength=3)
    ]
    tabs = page.findChild(MatrixTab)
    truth, predicted = study.answers[0].truth, study.answers[0].predicted
    opened: list[Path] = []
    page.film_wanted.connect(opened.append)
    tabs.matrix.cell_chosen.emit(truth, predicted)
    table = tabs.answers.table
    assert table.rowCount() == len(study.cell(truth, predicted))
    table.cellActivated.emit(0, 0)
    assert opened == [study.cell(truth, predicted)[0].path]
    ready.part = "all"
    assert ready.study is None  # nothing of the other part stays
    qtbot.waitUntil(lambda: ready.study is not None, timeout=WAIT_MS)
    wait_until(lambda: not ready.is_busy)
    assert len(ready.study.answers) == len(loaded.dataset.records)


def test_a_cell_is_chosen_by_mouse_and_by_keys(qtbot: QtBot) -> None:
    matrix = ConfusionMatrixView()
    qtbot.addWidget(matrix)
    matrix.show_matrix(np.arange(9).reshape(3, 3), ("a", "b", "c"))
    matrix.resize(500, 500)
    matrix.show()
    chosen: list[tuple[int, int]] = []
    matrix.cell_chosen.connect(lambda *cell: chosen.append(cell))
    qtbot.keyClick(matrix, Qt.Key.Key_Down)
    qtbot.keyClick(matrix, Qt.Key.Key_Right)
    qtbot.keyClick(matrix, Qt.Key.Key_Right)
    qtbot.keyClick(matrix, Qt.Key.Key_Return)
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(480, 360))
    assert chosen == [(1, 2), (2, 2)]
    for way in ("rows", "columns", "counts"):
        matrix.normalise(way)
        assert not matrix.grab().isNull()


def test_an_operating_point_changes_the_answers_and_stays_with_the_model(
    qtbot: QtBot, ready: EvaluationViewModel, model_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "model.safetensors"
    copy.write_bytes(model_file.read_bytes())
    ready.set_model(copy)
    study = studied(qtbot, ready)
    limits = dict.fromkeys(study.classes, 0.9) | {study.classes[1]: 0.01}
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS) as found:
        ready.study_again(limits)
    wait_until(lambda: not ready.is_busy)
    assert set(found.args[0].answered.predicted.tolist()) == {1}
    with qtbot.waitSignal(ready.point_kept, timeout=WAIT_MS):
        ready.keep_point()
    wait_until(lambda: not ready.is_busy)
    classifier = Classifier.open(copy)
    films = [ready.result.loaded.cache.image(one.digest) for one in study.answers]
    for opinion in classifier.opinions(films):
        assert opinion.predicted == 1
        assert 1 in opinion.candidates
    assert ready.threshold_for(1, 0.95) is not None


def test_the_paper_kit_is_written_and_the_statements_stay(
    qtbot: QtBot, ready: EvaluationViewModel, tmp_path: Path
) -> None:
    studied(qtbot, ready)
    context = ReportContext.of(ready.result.classifier, str, "en")
    folder = tmp_path / "kit"
    old = folder / "tables" / "comparison.csv"  # of an earlier kit
    old.parent.mkdir(parents=True)
    old.touch()
    (folder / "evaluation.json").touch()
    with qtbot.waitSignal(ready.kit_written, timeout=WAIT_MS):
        ready.write_kit(folder, Statements(funding="Nobody paid."), context)
    wait_until(lambda: not ready.is_busy)
    assert ready.statements.funding == "Nobody paid."
    assert not old.exists()
    text = "".join(
        page.get_textpage().get_text_range() for page in PdfDocument(folder / "report.pdf")
    )
    assert "Nobody paid." in text
    assert "not stated" in text
    values = json.loads((folder / "evaluation.json").read_text())
    assert {one["figure"] for one in values["figures"]} > {"sensitivity", "auroc", "brier"}
    assert len(list((folder / "figures").iterdir())) == 2 * sum(
        chart.is_drawn(ready.study) for chart in CHARTS
    )
    strange = tmp_path / "other"
    strange.mkdir()
    (strange / "mine.txt").write_text("mine")
    with qtbot.waitSignal(ready.failed, timeout=WAIT_MS) as failed:
        ready.write_kit(strange, Statements(), context)
    wait_until(lambda: not ready.is_busy)
    assert "other files" in str(failed.args[0].message)
    assert [one.name for one in strange.iterdir()] == ["mine.txt"]


def test_the_decision_tab_keeps_prevalences_at_one(
    qtbot: QtBot, ready: EvaluationViewModel
) -> None:
    study = studied(qtbot, ready)
    tab = DecisionTab()
    qtbot.addWidget(tab)
    tab.show_study(study, list(study.classes))
    chosen: list[dict[str, float]] = []
    tab.thresholds_chosen.connect(chosen.append)
    apply, *_ = [button for button in tab.findChildren(QPushButton) if button.text() == "Apply"]
    tab.show_threshold(0, 0.25)
    apply.click()
    assert chosen[0][study.classes[0]] == 0.25
    sliders = [slider for slider in tab.findChildren(QSlider)][3:]
    sliders[0].setSliderPosition(700)
    sliders[0].sliderMoved.emit(700)
    assert sum(slider.value() for slider in sliders) == pytest.approx(1000, abs=2)


def test_other_models_are_compared_and_shown(
    qtbot: QtBot, ready: EvaluationViewModel, model_file: Path
) -> None:
    page = EvaluationPage(ready)
    qtbot.addWidget(page)
    studied(qtbot, ready)
    tab = page.findChild(ComparisonTab)
    assert tab.pairs.isHidden()
    asked: list[bool] = []
    page.rivals_wanted.connect(lambda: asked.append(True))
    [button] = tab.findChildren(QPushButton)
    button.click()
    assert asked
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS):
        ready.compare([model_file.with_name("last.safetensors")])
    wait_until(lambda: not ready.is_busy)
    assert tab.models.rowCount() == 2
    assert tab.pairs.item(0, 0).text() == "1 – 2"
    assert tab.places.isHidden()  # it was never tested elsewhere
    own = Place("", Count(8, 10), (Count(4, 5),) * 3, None, None)
    other = Place("b.zip", Count(5, 10), (Count(0, 0),) * 3, (-0.3, (-0.6, 0.1)), None)
    tab.show_study(dataclasses.replace(ready.study, places=(own, other)))
    assert [tab.places.item(row, 0).text() for row in range(2)] == [
        "The model's own test",
        "b.zip",
    ]


def test_repeats_are_shown_and_no_run_begins_meanwhile(
    qtbot: QtBot, ready: EvaluationViewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.evaluation import viewmodel as module

    page = EvaluationPage(ready)
    qtbot.addWidget(page)
    study = studied(qtbot, ready)
    first, second = (
        Repeat(
            seed,
            1.0,
            10,
            5,
            study.figures,
            {one.digest: (one.predicted + number * seed) % 3 for number, one in pairs},
        )
        for seed, pairs in ((seed, enumerate(study.answers)) for seed in (0, 1))
    )
    gate = threading.Event()

    def held(*_given: object) -> Iterator[object]:
        assert gate.wait(60)
        yield Spread((first, second), study.classes)

    monkeypatch.setattr(module, "repeat_seeds", held)
    tab = page.findChild(LuckTab)
    assert tab.plans.rowCount() == 3
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS) as found:
        tab.repeat.click()
        assert ready.is_training
        gate.set()
    wait_until(lambda: not ready.is_busy)
    n_by_luck = len(found.args[0].spread.by_luck)
    assert tab.by_luck.rowCount() == n_by_luck > 0
    opened: list[Path] = []
    page.film_wanted.connect(opened.append)
    tab.by_luck.cellActivated.emit(0, 0)
    assert opened[0] in {one.path for one in study.answers}
    right = clustered_share(np.ones(4, bool), np.arange(4))

    def control(*_given: object) -> Iterator[object]:
        yield Retrained(100, 0, right, (None, None, None), 0.5)

    monkeypatch.setattr(module, "retrain_without_lungs", control)
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS):
        page.findChild(LungsTab).control.click()
    wait_until(lambda: not ready.is_busy)
    assert ready.study.lungs.retrained.n_train == 100
    assert ready.study.spread is not None  # what was found before stays
    bias = SplitBias((SplitPair(0, 0.7, 0.8, 10, 5), SplitPair(1, 0.7, 0.9, 10, 5)))
    monkeypatch.setattr(module, "compare_splits", lambda *_: iter([bias]))
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS):
        tab.split.click()
    wait_until(lambda: not ready.is_busy)
    assert "+15.0 points" in tab.splits.text()
    busy = EvaluationViewModel(TaskRunner(), Workspace(Path("none")), lambda: True)
    busy.result, busy.study = ready.result, study
    with qtbot.waitSignal(busy.failed, timeout=WAIT_MS) as failed:
        busy.learn()
    assert "being trained" in str(failed.args[0].message)


def test_costs_of_mistakes_are_weighed_in_the_decision_tab(
    qtbot: QtBot, ready: EvaluationViewModel
) -> None:
    study = studied(qtbot, ready)
    tab = DecisionTab()
    qtbot.addWidget(tab)
    tab.show_study(study, list(study.classes))
    wrong = np.mean(study.answered.truth != study.answered.predicted)
    assert f"{wrong:.3f} (" in tab.cost.text()  # each mistake costs one at first
    cells = [
        int(tab.matrix.item(row, 1 + column).text()) for row in range(3) for column in range(3)
    ]
    assert sum(cells) == pytest.approx(1000, abs=4)
    before = tab.cost.text()
    tab.costs.boxes[0][1].setValue(20)
    assert tab.cost.text() != before
    assert not tab.costs.boxes[1][1].isEnabled()  # a right answer costs nothing
    names = [f"class {n}" for n in range(1000)]
    tab.show_study(dataclasses.replace(study, classes=tuple(names)), names)
    assert len(tab.findChildren(QSlider)) == 6  # none are added for so many
    tab.show_study(study, list(study.classes))
    assert f"{wrong:.3f} (" in tab.cost.text()


def test_training_x_rays_of_the_highest_loss_are_listed(
    qtbot: QtBot, ready: EvaluationViewModel
) -> None:
    page = EvaluationPage(ready)
    qtbot.addWidget(page)
    studied(qtbot, ready)
    tab = page.findChild(CasesTab)
    with qtbot.waitSignal(ready.studied, timeout=WAIT_MS) as found:
        tab.ask.click()
    wait_until(lambda: not ready.is_busy)
    training = found.args[0].training
    split = ready.result.card.split
    assert training.n == len(set(split["train"]))
    assert {one.digest for one in training.highest_loss} <= set(split["train"])
    losses = [one.loss for one in training.highest_loss]
    assert losses == sorted(losses, reverse=True)
    assert tab.training.table.rowCount() == len(losses) > 0


def test_statements_are_asked_once(qtbot: QtBot) -> None:
    dialog = StatementsDialog(Statements(ethics="Approved."))
    qtbot.addWidget(dialog)
    assert dialog.statements == Statements(ethics="Approved.")
    dialog.findChildren(QPlainTextEdit)[0].setPlainText("Teaching.")
    assert dialog.statements.intended_use == "Teaching."

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QComboBox, QPushButton
from pytestqt.qtbot import QtBot

from app.evaluation.class_mapping import ClassMappingForm
from app.evaluation.page import EvaluationPage
from app.evaluation.viewmodel import EvaluationViewModel
from app.tasks import Failure, TaskRunner
from core.data.dataset import LoadedDataset
from core.evaluation.evaluate import LEFT_OUT, ModelEvaluation
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
    assert stages[-1] == "Evaluating"


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

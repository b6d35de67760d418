import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.tasks import TaskRunner
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from core.config import preset
from core.data.dataset import LoadedDataset
from core.data.edits import Edits
from core.events import Progress
from core.workspace import Workspace
from tests.app.hands import wait_until
from tests.app.made_dataset import CLASSES, make_dataset
from tests.app.pretended_weights import FILE, Weights
from tests.app.whole_program import end


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Weights:
    return Weights(monkeypatch)


@pytest.fixture
def opening(qapp: QApplication, files: Weights) -> Iterator[TaskRunner]:
    """Runner that opens weights; idle again when the test is over."""
    runner = TaskRunner()
    yield runner
    files.gate.set()
    end([runner])


@pytest.fixture
def training(runner: TaskRunner, workspace: Workspace) -> TrainingViewModel:
    training = TrainingViewModel(runner, workspace)
    training.set_dataset(make_dataset())
    return training


@pytest.fixture
def model(
    opening: TaskRunner, training: TrainingViewModel, workspace: Workspace
) -> InitialWeightsViewModel:
    return InitialWeightsViewModel(opening, training, workspace)


def wait(model: InitialWeightsViewModel) -> None:
    wait_until(lambda: not model.is_busy)


@pytest.fixture
def opened(model: InitialWeightsViewModel) -> InitialWeightsViewModel:
    """A file is chosen and open."""
    model.open_file(FILE)
    wait(model)
    return model


def test_a_run_starts_from_the_file_that_was_opened(
    opened: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    training.change(epochs=3, batch_size=8)  # does not open it again
    assert not opened.is_busy
    assert files.opened == [(FILE.name, "resnet18", CLASSES)]
    assert training.initial_weights is not None
    assert training.config.initial_weights == training.initial_weights.name == FILE.name
    first, *_ = opened.description()
    assert str(first) == "1 of 3 tensors of the network start from weights.safetensors."


def test_a_file_waits_for_a_dataset(
    opening: TaskRunner, runner: TaskRunner, workspace: Workspace, files: Weights
) -> None:
    training = TrainingViewModel(runner, workspace)
    model = InitialWeightsViewModel(opening, training, workspace)
    model.open_file(FILE)
    assert model.is_waiting
    assert files.opened == []
    training.set_dataset(make_dataset())
    wait(model)
    assert training.initial_weights is not None


def test_another_dataset_has_the_file_fitted_to_its_classes(
    opened: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    made = make_dataset()
    other = dataclasses.replace(made.as_found, classes=("A", "B", "C"))
    training.set_dataset(LoadedDataset.of(other, Edits(), made.cache, made.survey))
    assert training.initial_weights is None
    wait(opened)
    assert files.opened[-1] == (FILE.name, "resnet18", ("A", "B", "C"))
    assert training.initial_weights is not None


def test_only_the_network_that_the_file_fits_gets_it(
    opened: InitialWeightsViewModel, training: TrainingViewModel
) -> None:
    training.change(architecture="resnet34")
    wait(opened)
    assert (training.initial_weights, training.config.initial_weights) == (None, "")
    assert str(opened.failure) == "weights.safetensors holds a ResNet-18."
    training.change(architecture="resnet18")
    wait(opened)
    assert training.initial_weights is not None
    assert opened.failure is None


def test_what_is_chosen_while_a_file_is_opened_counts(
    model: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    files.gate.clear()
    model.open_file(FILE)
    model.open_file(Path("second.safetensors"))
    files.gate.set()
    wait_until(lambda: training.initial_weights is not None)
    wait(model)
    assert training.config.initial_weights == "second.safetensors"


def test_a_network_chosen_while_a_file_is_opened_counts(
    model: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    files.gate.clear()
    model.open_file(Path("any.safetensors"))
    training.change(architecture="resnet50")
    files.gate.set()
    wait_until(lambda: training.initial_weights is not None)
    wait(model)
    assert files.opened[-1][1] == "resnet50"


def test_giving_up_leaves_the_start_at_random(
    model: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    files.gate.clear()
    model.fetch_published()
    model.start_at_random()
    files.gate.set()
    wait(model)
    assert (model.start, training.initial_weights) == ("random", None)


def test_published_weights_are_fetched_into_the_workspace(
    qtbot: QtBot, model: InitialWeightsViewModel, training: TrainingViewModel, workspace: Workspace
) -> None:
    with qtbot.waitSignal(model.progressed) as progressed:
        model.fetch_published()
    assert isinstance(progressed.args[0], Progress)
    wait(model)
    assert training.config.initial_weights == "resnet18.pdparams"
    assert (workspace.root / "weights" / "resnet18.pdparams").exists()


def test_another_network_does_not_fetch_without_being_asked(
    model: InitialWeightsViewModel, training: TrainingViewModel, files: Weights
) -> None:
    model.fetch_published()
    wait(model)
    training.change(architecture="resnet50")
    assert not model.is_busy
    assert model.needs_fetching
    assert files.fetched == ["resnet18"]
    training.change(architecture="resnet18")  # lies here already
    wait(model)
    assert training.config.initial_weights == "resnet18.pdparams"


def test_a_preset_starts_at_random(
    opened: InitialWeightsViewModel, training: TrainingViewModel
) -> None:
    assert training.is_changed
    training.choose_preset("recommended")
    assert (opened.start, training.initial_weights) == ("random", None)
    assert not training.is_changed


def test_settings_of_a_run_with_weights_that_are_not_at_hand_say_so(
    opened: InitialWeightsViewModel, training: TrainingViewModel
) -> None:
    training.set_config(preset("recommended").changed(initial_weights="old.pdparams"))
    assert opened.remembered == "old.pdparams"
    assert (training.initial_weights, training.config.initial_weights) == (None, "")


def test_a_file_that_holds_no_weights_is_told(
    qtbot: QtBot,
    runner: TaskRunner,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    training = TrainingViewModel(runner, workspace)
    training.set_dataset(make_dataset())
    model = InitialWeightsViewModel(TaskRunner(), training, workspace)
    path = tmp_path / "notes.txt"
    path.write_text("no weights")
    with qtbot.waitSignal(model.failed):
        model.open_file(path)
    wait(model)
    assert "notes.txt" in str(model.failure)

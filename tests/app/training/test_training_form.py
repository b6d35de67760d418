from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.tasks import TaskRunner
from app.training.form import TrainingForm
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from app.widgets.setting_fields import NumberBox
from core.config import OPTIMISERS, SCHEDULES, preset, usual_rates
from core.runtime.devices import Device
from core.workspace import Workspace
from tests.app.hands import button, field, label_texts, press, wait_until
from tests.app.made_dataset import make_dataset
from tests.app.pretended_weights import FILE, Weights
from tests.app.whole_program import end

GROUPS = (
    "Advanced settings",
    "Optimiser",
    "When to stop and what to keep",
    "Start from",
    "Arithmetic",
)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Weights:
    return Weights(monkeypatch)


@pytest.fixture
def opening(qapp: QApplication, files: Weights) -> Iterator[TaskRunner]:
    runner = TaskRunner()
    yield runner
    files.gate.set()
    end([runner])


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace) -> TrainingViewModel:
    model = TrainingViewModel(runner, workspace)
    model.set_dataset(make_dataset())
    return model


@pytest.fixture
def weights(
    opening: TaskRunner, model: TrainingViewModel, workspace: Workspace
) -> InitialWeightsViewModel:
    return InitialWeightsViewModel(opening, model, workspace)


@pytest.fixture
def form(qtbot: QtBot, model: TrainingViewModel, weights: InitialWeightsViewModel) -> TrainingForm:
    """Everything is unfolded."""
    form = TrainingForm(model, weights)
    qtbot.addWidget(form)
    form.show()
    for title in GROUPS:
        press(form, title)
    return form


def choose(form: QWidget, name: str, text: str) -> None:
    """Choose an entry as a user does."""
    box = field(form, QComboBox, name)
    index = box.findText(text)
    assert index >= 0, f"{name} does not offer {text!r}"
    box.setCurrentIndex(index)
    box.activated.emit(index)


def references(form: QWidget) -> list[str]:
    """The offers to go back to the notebook's values."""
    texts = [one.text() for one in form.findChildren(QAbstractButton) if one.isVisible()]
    offers = [text for text in texts if text.startswith("Reference: ")]
    return [text.removeprefix("Reference: ").removesuffix(", use") for text in offers]


def test_an_optimiser_brings_its_usual_rates(form: TrainingForm, model: TrainingViewModel) -> None:
    for text in ("Adam", "SGD", "AdamW"):
        choose(form, "Optimiser", text)
        config = model.config
        assert (config.learning_rate, config.weight_decay) == usual_rates(config.optimiser)


def test_only_what_the_others_leave_a_meaning_can_be_set(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    for optimiser in OPTIMISERS:
        model.change(optimiser=optimiser)
        assert field(form, NumberBox, "Momentum").isEnabled() == (optimiser == "sgd")
        assert field(form, NumberBox, "Weight decay").isEnabled() == (optimiser != "adam")
    for schedule in SCHEDULES:
        model.change(schedule=schedule)
        assert field(form, NumberBox, "Epochs of warm-up").isEnabled() == (schedule == "cosine")
    patience = field(form, NumberBox, "Patience of early stopping")
    assert patience.isEnabled()
    model.change(split="reference")  # no films to validate on
    assert not patience.isEnabled()


def test_the_notebooks_value_is_one_click_away(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    model.choose_preset("reference")
    assert references(form) == []
    model.change(batch_size=16)
    assert references(form) == ["64"]
    press(form, "Reference: 64, use")
    assert model.config == preset("reference")


def test_every_setting_can_be_brought_back_to_the_notebooks(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    while offers := references(form):
        press(form, f"Reference: {offers[0]}, use")
    reference = preset("reference")
    changed = model.config.changed(
        preset="reference",
        augmentation=reference.augmentation,
        preprocessing=reference.preprocessing,
    )
    assert changed == reference


def test_changes_can_be_taken_back_at_once(form: TrainingForm, model: TrainingViewModel) -> None:
    model.change(epochs=3, seed=5)
    press(form, "Back to the preset")
    assert model.config == preset("recommended").changed(seed=5)
    back = [one for one in form.findChildren(QAbstractButton) if one.text() == "Back to the preset"]
    assert not any(one.isVisible() for one in back)


def test_an_explanation_folds_out_by_keyboard(form: TrainingForm) -> None:
    about = next(
        one for one in form.findChildren(QAbstractButton) if one.accessibleName() == "About: Epochs"
    )
    about.setFocus()
    QTest.keyClick(about, Qt.Key.Key_Space)
    assert any("Twice the epochs take twice the time" in text for text in label_texts(form))


def test_every_field_is_explained_to_assistive_software(form: TrainingForm) -> None:
    fields = [
        one
        for one in form.findChildren(QWidget)
        if isinstance(one, QComboBox | NumberBox | QCheckBox)
    ]
    assert len(fields) > 15
    assert all(one.accessibleName() and one.accessibleDescription() for one in fields)


def test_what_is_being_typed_is_not_written_anew(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    decay = field(form, NumberBox, "Weight decay")
    decay.setFocus()
    decay.selectAll()
    QTest.keyClicks(decay, ".02")  # ".0" is 0 already
    assert model.config.weight_decay == 0.02


def test_a_value_that_the_form_does_not_offer_is_shown(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    model.change(averaging=0.975)
    assert field(form, QComboBox, "Averaging of weights").currentText() == "0.975"


def test_nothing_can_be_changed_while_it_trains(
    form: TrainingForm, model: TrainingViewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainingViewModel, "is_training", property(lambda _: True))
    model.changed.emit()
    kinds = (QComboBox, NumberBox, QCheckBox)
    assert not [one for kind in kinds for one in form.findChildren(kind) if one.isEnabled()]


def test_groups_begin_folded_say_what_is_inside_and_do_not_make_it_wider(
    qtbot: QtBot, model: TrainingViewModel, weights: InitialWeightsViewModel
) -> None:
    form = TrainingForm(model, weights)
    qtbot.addWidget(form)
    form.show()
    assert "Batch size: 32, Learning rate: 0.001" in label_texts(form)
    assert not field(form, NumberBox, "Batch size").isVisible()
    press(form, "Advanced settings")
    assert not field(form, QComboBox, "Optimiser").isVisible()
    assert "Optimiser: AdamW, Learning rate schedule: One cycle" in label_texts(form)
    folded = form.minimumSizeHint().width()
    for title in ("Optimiser", "When to stop and what to keep", "Arithmetic"):
        press(form, title)
    assert form.minimumSizeHint().width() == folded


def test_devices_can_be_chosen_once_they_are_found(
    form: TrainingForm, model: TrainingViewModel
) -> None:
    devices = (Device("cpu", "CPU", 8 << 30), Device("gpu:0", "Card", 4 << 30))
    model.set_devices(devices)
    model.set_devices(devices)
    assert field(form, QComboBox, "Device").count() == 3
    choose(form, "Device", "Card, 4 GiB")
    assert model.device_name == "gpu:0"


def test_a_file_shows_what_of_it_fits_and_lets_the_backbone_be_frozen(
    form: TrainingForm, model: TrainingViewModel, weights: InitialWeightsViewModel
) -> None:
    frozen = field(form, QCheckBox, "Frozen backbone")
    assert not frozen.isEnabled()
    model.change(is_backbone_frozen=True)
    assert any("frozen at random" in text for text in label_texts(form))
    assert frozen.isEnabled()
    model.change(is_backbone_frozen=False)
    weights.open_file(FILE)
    wait_until(lambda: not weights.is_busy)
    assert field(form, QComboBox, "Initial weights").currentText() == "A file …"
    assert any("1 of 3 tensors of the network" in text for text in label_texts(form))
    assert frozen.isEnabled()
    model.change(architecture="resnet34")
    wait_until(lambda: not weights.is_busy)
    assert any("weights.safetensors holds a ResNet-18." in text for text in label_texts(form))
    assert any("a run starts at random" in text for text in label_texts(form))


def test_published_weights_of_another_network_are_offered(
    form: TrainingForm, model: TrainingViewModel, weights: InitialWeightsViewModel
) -> None:
    choose(form, "Initial weights", "Published weights")
    wait_until(lambda: not weights.is_busy)
    model.change(architecture="resnet50")
    assert button(form, "Fetch resnet50.pdparams").isEnabled()


def test_fetching_shows_how_far_it_is_and_can_be_given_up(
    form: TrainingForm, weights: InitialWeightsViewModel, files: Weights
) -> None:
    files.gate.clear()
    choose(form, "Initial weights", "Published weights")
    wait_until(lambda: any(text.startswith("Fetching") for text in label_texts(form)))
    press(form, "Cancel")
    files.gate.set()
    wait_until(lambda: not weights.is_busy)
    assert field(form, QComboBox, "Initial weights").currentText() == "At random"

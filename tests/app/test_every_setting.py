"""Each setting of core.config on its way through form, option, help, JSON and the guide."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from app.cli.options import build_parser
from app.cli.train import config_of
from app.data.augmentation import AugmentationForm
from app.data.split import SplitForm
from app.setting_words import settings_table
from app.tasks import TaskRunner
from app.training.form import TrainingForm
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from app.widgets.setting_fields import NumberBox
from core.config import Setting, TrainingConfig, preset, settings
from core.errors import ConfigError
from core.workspace import Workspace
from tests.app.hands import field
from tests.app.whole_program import end

GUIDE = Path(__file__).parents[2] / "resources" / "help" / "settings.md"
RECOMMENDED = preset("recommended")
OFFERED = [one for one in settings().values() if one.shown.group is not None]
NUMBERS = [one for one in settings().values() if one.kind in ("whole", "fraction")]


def other_value(known: Setting) -> Any:
    """A value that the recommended preset does not have."""
    value = RECOMMENDED.value(known.name)
    match known.kind:
        case "choice":
            return next(choice for choice in reversed(known.choices) if choice != value)
        case "flag":
            return not value
        case "text":
            return "weights.safetensors"
    if known.shown.offered:
        return known.shown.offered[-1]
    high = known.limits[1]
    step = 1 if known.kind == "whole" else 0.1 if known.shown.decimals == 1 else 0.01
    return value + step if value + step <= high else value - step


def parsed(*words: str) -> argparse.Namespace:
    return build_parser().parse_args(["train", "films.zip", "--out", "run", *words])


def words_for(known: Setting, value: Any) -> list[str]:
    """The option that gives a setting this value."""
    if known.kind == "flag":
        return [f"--{known.option}" if value else f"--no-{known.option}"]
    return [f"--{known.option}", str(value)]


def as_json(known: Setting, value: Any) -> dict[str, Any]:
    return {known.part: {known.name: value}} if known.part else {known.name: value}


@pytest.fixture
def forms(
    qtbot: QtBot, runner: TaskRunner, workspace: Workspace
) -> Iterator[tuple[TrainingViewModel, dict[str, QWidget]]]:
    """The three forms by the groups of settings in them."""
    model, opening = TrainingViewModel(runner, workspace), TaskRunner()
    training = TrainingForm(model, InitialWeightsViewModel(opening, model, workspace))
    split = SplitForm(_Split(model))  # type: ignore[arg-type]
    augmentation = AugmentationForm()
    augmentation.show_config(model.config.augmentation)
    augmentation.edited.connect(lambda edited: model.change(augmentation=edited))
    for form in (training, split, augmentation):
        qtbot.addWidget(form)
    others = ("preset", "basics", "optimiser", "ending", "start", "arithmetic")
    yield model, {**dict.fromkeys(others, training), "split": split, "augmentation": augmentation}
    end([opening])


class _Split:
    """What the form of the split needs of its view-model."""

    schemes = ("stratified", "reference", "kfold")

    def __init__(self, model: TrainingViewModel) -> None:
        self._model, self.changed, self.change = model, model.changed, model.change

    @property
    def config(self) -> TrainingConfig:
        return self._model.config


def test_a_form_sets_it(forms: tuple[TrainingViewModel, dict[str, QWidget]]) -> None:
    model, form_of = forms
    for known in OFFERED:
        if known.kind == "text":  # files have a dialog
            continue
        model.set_config(RECOMMENDED)
        form, value = form_of[known.shown.group or ""], other_value(known)
        title = known.title.template
        if known.kind == "choice" or known.shown.offered:
            box = field(form, QComboBox, title)
            index = (known.shown.offered or known.choices).index(value)
            box.setCurrentIndex(index)
            box.activated.emit(index)
        elif known.kind == "flag":
            next(
                one
                for one in form.findChildren(QAbstractButton)
                if title in (one.text(), one.accessibleName())
            ).toggle()
        else:
            box = field(form, NumberBox, title)
            factor = 100 if known.shown.is_percent else 1
            low, high = known.limits
            high = RECOMMENDED.n_folds if known.name == "fold" else high
            assert (box.minimum() / factor, box.maximum() / factor) == (low, high)
            box.setValue(value * factor)
        assert model.config.value(known.name) == pytest.approx(value), known.name


def test_an_option_sets_it() -> None:
    for known in OFFERED:
        if known.kind == "text":
            continue
        value = other_value(known)
        words = words_for(known, value)
        if known.name == "is_backbone_frozen":  # only where there is something to freeze
            with pytest.raises(ConfigError, match="frozen at random learns nothing"):
                config_of(parsed(*words))
            words += ["--weights", "published"]
        config = config_of(parsed(*words))
        assert config.value(known.name) == value, known.name


def test_an_option_that_is_not_given_leaves_the_preset() -> None:
    assert config_of(parsed()) == RECOMMENDED
    assert config_of(parsed("--preset", "reference")) == preset("reference")


def test_another_optimiser_brings_its_usual_rates_unless_they_are_given() -> None:
    config = config_of(parsed("--optimiser", "sgd"))
    assert (config.learning_rate, config.weight_decay) == (0.05, 5e-4)
    config = config_of(parsed("--optimiser", "sgd", "--learning-rate", "0.1"))
    assert (config.learning_rate, config.weight_decay) == (0.1, 5e-4)


def test_a_json_file_sets_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for known in settings().values():
        if known.name in ("extra_epochs", "initial_weights"):  # of the run itself
            continue
        path.write_text(json.dumps(as_json(known, other_value(known))), encoding="utf-8")
        words = ["--config", str(path)]
        words += ["--weights", "published"] if known.name == "is_backbone_frozen" else []
        config = config_of(parsed(*words))
        base = preset(config.preset)
        assert config == base.changed(**{known.name: other_value(known)}), known.name


def test_the_settings_of_another_run_are_taken_over_but_for_what_it_began_with(
    tmp_path: Path,
) -> None:
    ran = TrainingConfig(epochs=3, extra_epochs=2, initial_weights="old.pdparams", fold=2)
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"config": ran.to_json(), "status": "finished"}), encoding="utf-8")
    config = config_of(parsed("--config", str(path), "--batch-size", "4"))
    assert config == ran.changed(extra_epochs=0, initial_weights="", batch_size=4)


def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for content, said in (
        (b"", "cannot be read"),
        (b"\xff{}", "cannot be read"),
        (b'{"epochs": NaN}', "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "The settings of TrainingConfig are not a JSON object."),
        (b'{"config": 3}', "The settings of TrainingConfig are not a JSON object."),
        (b'{"lr": 3}', "TrainingConfig has no setting called lr."),
        (b'{"preset": ["fast"]}', "choose one of: recommended, reference."),
        (b'{"augmentation": {"is_flip_on": 1}}', "Left-right flip is 1; it must be true or false"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            config_of(parsed("--config", str(path)))
        assert said in str(caught.value), content
    with pytest.raises(ConfigError, match="cannot be read"):
        config_of(parsed("--config", str(tmp_path / "gone.json")))
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="Give only one of them"):
        config_of(parsed("--config", str(path), "--preset", "reference"))


def test_a_value_out_of_its_range_is_refused_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for known in NUMBERS:
        low, high = known.limits
        for value in (low - 1, high + 1):
            refusal = f"{known.title} is {value}; it must lie between {low} and {high}."
            with pytest.raises(ConfigError) as caught:
                RECOMMENDED.changed(**{known.name: value})
            assert str(caught.value) == refusal
            path.write_text(json.dumps(as_json(known, value)), encoding="utf-8")
            with pytest.raises(ConfigError) as caught:
                config_of(parsed("--config", str(path)))
            assert str(caught.value) == refusal
            if known in OFFERED:
                with pytest.raises(ConfigError) as caught:
                    config_of(parsed(f"--{known.option}={value}"))
                assert str(caught.value) == refusal


def test_a_value_of_another_kind_is_refused() -> None:
    for known in settings().values():
        for value in (
            None,
            [],
            {},
            b"1",
            float("nan"),
            10**5000,
            "" if known.kind != "text" else 1,
        ):
            with pytest.raises(ConfigError, match=f"^{known.title} is "):
                RECOMMENDED.changed(**{known.name: value})
        if known.kind in ("whole", "fraction"):
            with pytest.raises(ConfigError, match=f"^{known.title} is True"):
                RECOMMENDED.changed(**{known.name: True})


def test_help_and_guide_tell_range_default_and_reference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    told = " ".join(capsys.readouterr().out.split())
    table = settings_table()
    assert table in GUIDE.read_text(encoding="utf-8")  # written by this very function
    assert "From 1 to 1000. Default: 14; reference: 8." in told
    assert "Only with --optimiser sgd." in told
    assert "| Epochs | `--epochs` | 1 to 1000 | 14 | 8 | How often the network sees" in table
    for known in OFFERED:
        assert f"--{known.option}" in told
        assert known.description.template.split(".")[0].replace("%", "%%") in told
        assert f"| {known.title} | `--{known.option}` |" in table


def test_every_setting_that_others_decide_on_names_one_of_them() -> None:
    for known in settings().values():
        if known.shown.only_with is not None:
            name, values = known.shown.only_with
            used = [RECOMMENDED.changed(**{name: value}).is_used(known.name) for value in values]
            assert used == [True] * len(values), known.name

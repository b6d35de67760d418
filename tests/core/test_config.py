import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import (
    OPTIMISERS,
    AugmentationConfig,
    Preprocessing,
    TrainingConfig,
    preset,
    usual_rates,
)
from core.errors import ConfigError
from core.schema import StrictModel

SETTINGS = list(TrainingConfig.model_fields)


@pytest.mark.parametrize("name", ["recommended", "reference"])
def test_settings_survive_json(name: Any) -> None:
    config = preset(name).changed(
        seed=7,
        augmentation=AugmentationConfig(rotation_degrees=5),
    )
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_reference_preset_is_the_notebook() -> None:
    config = preset("reference")
    assert (config.architecture, config.epochs, config.batch_size) == ("resnet50", 8, 64)
    assert (config.optimiser, config.learning_rate) == ("adam", 3e-4)
    assert (config.weight_decay, config.label_smoothing) == (0.0, 0.0)
    assert (config.schedule, config.split) == ("natural_exponential", "reference")
    assert config.preprocessing == Preprocessing(image_size=224, mean=0.0, std=1.0)
    assert config.augmentation == AugmentationConfig(
        probability=0.5,
        brightness_low=0.5,
        brightness_high=1.5,
        contrast_low=0.5,
        contrast_high=1.5,
        saturation_low=0.5,
        saturation_high=1.5,
        sharpness_low=0.5,
        sharpness_high=1.5,
        flip_probability=0.5,
        rotation_degrees=30,
        noise_sigma_max=10.0,
        is_noise_per_channel=True,
    )


def test_the_reference_preset_has_nothing_that_the_notebook_has_not() -> None:
    config = preset("reference")
    assert (config.averaging, config.early_stopping_patience) == (0.0, 0)
    assert (config.initial_weights, config.is_backbone_frozen) == ("", False)
    assert not config.is_norm_warmed_up


def test_settings_of_an_older_version_mean_what_they_meant() -> None:
    """Without the settings that came later a run is as it was before there were any."""
    config = TrainingConfig.from_json({"epochs": 3, "optimiser": "adam"})
    assert (config.n_epochs, config.extra_epochs) == (3, 0)
    assert (config.averaging, config.early_stopping_patience) == (0.0, 0)
    assert (config.precision, config.initial_weights) == ("auto", "")
    assert (config.is_backbone_frozen, config.is_norm_warmed_up) == (False, False)


def test_the_epochs_of_a_run_are_those_planned_and_those_added() -> None:
    assert TrainingConfig(epochs=4, extra_epochs=3).n_epochs == 7


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_usual_rates_of_every_optimiser_are_settings(optimiser: Any) -> None:
    rate, decay = usual_rates(optimiser)
    TrainingConfig(optimiser=optimiser, learning_rate=rate, weight_decay=decay)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="Preset is fast; choose one of: recommended, reference"):
        preset("fast")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("epochs", 0, "Epochs is 0; it must lie between 1 and 1000."),
        ("epochs", 2.5, "Epochs is 2.5; it must be a whole number."),
        ("epochs", True, "Epochs is True; it must be a whole number."),
        ("epochs", 10**400, "it must lie between 1 and 1000."),
        ("batch_size", 1025, "between 1 and 1024"),
        ("learning_rate", 10**400, "between"),
        ("learning_rate", math.nan, "Learning rate is nan"),
        ("learning_rate", math.inf, "between"),
        ("learning_rate", True, "Learning rate is True"),
        ("learning_rate", "fast", "Learning rate is fast"),
        ("weight_decay", -0.1, "between"),
        ("label_smoothing", None, "Label smoothing is None"),
        ("architecture", "resnet19", "choose one of: resnet18,"),
        ("optimiser", ["adam"], "choose one of: adam, adamw, sgd."),
        ("momentum", 1, "Momentum is 1; it must lie between 0.0 and 0.999."),
        ("schedule", 3, "choose one of: natural_exponential, one_cycle, cosine."),
        ("warmup_epochs", -1, "Epochs of warm-up is -1; it must lie between 0.0 and 100.0."),
        ("extra_epochs", -1, "Extra epochs is -1; it must lie between 0 and 1000."),
        ("averaging", 1, "Averaging of weights is 1; it must lie between 0.0 and 0.99999."),
        ("early_stopping_patience", 1.5, "Patience of early stopping is 1.5; it must be a whole"),
        ("precision", "half", "Precision is half; choose one of: auto, float32, mixed."),
        ("initial_weights", 3, "Initial weights is 3; it must be a text of at most 300"),
        ("initial_weights", "x" * 301, "it must be a text of at most 300 characters."),
        ("is_backbone_frozen", 1, "Frozen backbone is 1; it must be true or false."),
        ("is_norm_warmed_up", None, "Norm warm-up is None; it must be true or false."),
        ("split", "random", "choose one of: stratified, reference"),
        ("class_balance", "both", "choose one of: none, weights, sampling"),
        ("validation_share", 0.5, "Validation share is 0.5; it must lie between 0.0 and 0.4."),
        ("n_folds", 2, "Number of folds is 2; it must lie between 3 and 20."),
        ("fold", 6, "Fold that is the test is 6; it must lie between 1 and 5."),
        ("seed", -1, "between"),
        ("seed", 2**31, "between"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str, value: Any, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingConfig().changed(**{name: value})
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        (Preprocessing, "image_size", 31, "Image size is 31"),
        (Preprocessing, "image_size", 1025, "Image size is 1025"),
        (Preprocessing, "std", 0, "Spread of grey levels is 0"),
        (Preprocessing, "mean", 1.1, "Mean grey level is 1.1"),
        (AugmentationConfig, "probability", 1.01, "Chance of each change is 1.01"),
        (AugmentationConfig, "brightness_low", -1, "Least brightness is -1"),
        (AugmentationConfig, "contrast_high", 0.5, "Greatest contrast is 0.5"),
        (AugmentationConfig, "flip_probability", 2, "Chance of a flip is 2"),
        (AugmentationConfig, "rotation_degrees", 181, "Rotation in degrees is 181"),
        (AugmentationConfig, "noise_sigma_max", 101, "Strongest noise is 101"),
    ],
)
def test_the_parts_check_their_ranges_in_plain_words(
    kind: Any, name: str, value: float, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(said)};"):
        kind.from_json({name: value})


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="TrainingConfig has no setting called lr, workers"):
        TrainingConfig.from_json({"workers": 2, "lr": 1})
    with pytest.raises(ConfigError, match="Preprocessing has no setting called size"):
        TrainingConfig.from_json({"preprocessing": {"size": 64}})


@pytest.mark.parametrize("values", [None, [], "x", 3])
def test_what_is_no_object_is_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match="settings of TrainingConfig are not a JSON object"):
        TrainingConfig.from_json(values)
    with pytest.raises(ConfigError, match="settings of Preprocessing are not a JSON object"):
        TrainingConfig.from_json({"preprocessing": values})


def test_a_missing_name_without_default_is_refused() -> None:
    class Needy(StrictModel):
        size: int
        depth: int
        colour: str = "grey"

    with pytest.raises(ConfigError, match="Needy lacks the setting depth, size"):
        Needy.from_json({"colour": "red"})
    assert Needy.from_json({"size": 1, "depth": 2}) == Needy(size=1, depth=2)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(SETTINGS) | st.text(max_size=3), json_values, max_size=4))
def test_any_json_is_read_or_refused_in_words(values: dict[str, Any]) -> None:
    try:
        config = TrainingConfig.from_json(values)
    except ConfigError:
        return
    assert set(values) <= set(SETTINGS)
    assert TrainingConfig.from_json(config.to_json()) == config

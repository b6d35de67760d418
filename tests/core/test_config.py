import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import (
    ENHANCEMENTS,
    PRESETS,
    AugmentationConfig,
    Preprocessing,
    TrainingConfig,
    preset,
)
from core.errors import ConfigError
from core.schema import StrictModel

OLD_AUGMENTATION = {  # as model files and run.json of the first version 0.1.0 hold it
    "probability": 0.5,
    "enhancement_low": 0.5,
    "enhancement_high": 1.5,
    "flip_probability": 0.5,
    "rotation_degrees": 30,
    "noise_sigma_max": 10.0,
    "is_noise_per_channel": True,
}


def test_settings_survive_json() -> None:
    for name in PRESETS:
        config = preset(name).changed(seed=7, rotation_degrees=5, is_flip_on=False)
        assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_reference_preset_is_the_notebook() -> None:
    config = preset("reference")
    assert (config.architecture, config.epochs, config.batch_size) == ("resnet50", 8, 64)
    assert (config.optimiser, config.learning_rate) == ("adam", 3e-4)
    assert (config.weight_decay, config.label_smoothing) == (0.0, 0.0)
    assert (config.schedule, config.split) == ("natural_exponential", "reference")
    assert config.preprocessing == Preprocessing(image_size=224, mean=0.0, std=1.0)
    augmentation = config.augmentation
    for name in ENHANCEMENTS:
        low, high = (getattr(augmentation, f"{name}_{end}") for end in ("low", "high"))
        assert (low, high) == (0.5, 1.5)
    assert (augmentation.probability, augmentation.flip_probability) == (0.5, 0.5)
    assert (augmentation.rotation_degrees, augmentation.noise_sigma_max) == (30, 10.0)
    assert augmentation.is_noise_per_channel
    # The notebook has none of these.
    assert (config.averaging, config.early_stopping_patience) == (0.0, 0)
    assert (config.initial_weights, config.is_backbone_frozen) == ("", False)
    assert (config.class_balance, config.is_norm_warmed_up) == ("none", False)


def test_settings_of_an_older_version_mean_what_they_meant() -> None:
    """Without the settings that came later a run is as it was before there were any."""
    config = TrainingConfig.from_json({"epochs": 3, "optimiser": "adam"})
    assert (config.n_epochs, config.extra_epochs) == (3, 0)
    assert (config.averaging, config.early_stopping_patience) == (0.0, 0)
    assert (config.precision, config.initial_weights) == ("auto", "")
    assert (config.is_backbone_frozen, config.is_norm_warmed_up) == (False, False)
    assert config.class_balance == "none"


def test_the_epochs_of_a_run_are_those_planned_and_those_added() -> None:
    assert TrainingConfig(epochs=4, extra_epochs=3).n_epochs == 7


def test_a_refused_value_is_told_in_plain_words() -> None:
    for values, said in (
        ({"epochs": 0}, "Epochs is 0; it must lie between 1 and 1000."),
        ({"epochs": 2.5}, "Epochs is 2.5; it must be a whole number."),
        ({"epochs": True}, "Epochs is True; it must be a whole number."),
        ({"learning_rate": math.nan}, "Learning rate is nan; it must lie between 1e-08 and 10.0."),
        ({"learning_rate": "x"}, "Learning rate is x; it must lie between 1e-08 and 10.0."),
        ({"preset": "fast"}, "Preset is fast; choose one of: recommended, reference."),
        ({"optimiser": ["sgd"]}, "Optimiser is ['sgd']; choose one of: adam, adamw, sgd."),
        ({"is_backbone_frozen": 1}, "Frozen backbone is 1; it must be true or false."),
        ({"fold": 6}, "Fold that is the test is 6; it must lie between 1 and 5."),
        ({"seed": -1, "epochs": 0}, "Epochs is 0; it must lie between 1 and 1000."),
        ({"workers": 2, "lr": 1}, "TrainingConfig has no setting called lr, workers."),
        ({"": 2}, "TrainingConfig has no setting called ."),
        ({"preprocessing": {"size": 64}}, "Preprocessing has no setting called size."),
        ({"preprocessing": []}, "The settings of Preprocessing are not a JSON object."),
        ({"augmentation": {"is_flip_on": 1}}, "Left-right flip is 1; it must be true or false."),
        *((value, "The settings of TrainingConfig are not a JSON object.") for value in (None, [])),
    ):
        with pytest.raises(ConfigError) as caught:
            TrainingConfig.from_json(values)
        assert str(caught.value) == said
    for text in (3, "x" * 301, "\ud800"):
        with pytest.raises(ConfigError, match="it must be a text of at most 300 characters"):
            TrainingConfig(initial_weights=text)  # type: ignore[arg-type]


def test_changes_reach_the_settings_within_others() -> None:
    config = preset("recommended").changed(epochs=3, image_size=64, is_flip_on=False)
    assert (config.epochs, config.preprocessing.image_size) == (3, 64)
    assert config.preprocessing.mean == 0.5
    assert not config.augmentation.is_flip_on
    assert config.value("image_size") == 64
    with pytest.raises(ConfigError, match="has no setting called size"):
        config.changed(size=3)


def test_a_missing_name_without_default_is_refused() -> None:
    class Needy(StrictModel):
        size: int
        depth: int
        colour: str = "grey"

    with pytest.raises(ConfigError, match="Needy lacks the setting depth, size"):
        Needy.from_json({"colour": "red"})
    assert Needy.from_json({"size": 1, "depth": 2}) == Needy(size=1, depth=2)


def test_the_old_common_range_becomes_each_enhancements_own() -> None:
    values = dict(OLD_AUGMENTATION)
    assert AugmentationConfig.from_json(values) == preset("reference").augmentation
    assert values == OLD_AUGMENTATION
    config = AugmentationConfig.from_json(
        {"enhancement_low": 0.7, "enhancement_high": 2, "contrast_low": 0.9}
    )
    lows = [getattr(config, f"{name}_low") for name in ENHANCEMENTS]
    assert lows == [0.7, 0.9, 0.7, 0.7]  # an own range goes before the common one
    assert config.sharpness_high == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
augmentation_names = st.sampled_from([*AugmentationConfig.model_fields, "enhancement_low"])
some_json = st.dictionaries(
    st.sampled_from(list(TrainingConfig.model_fields)) | st.text(max_size=3),
    json_values | st.dictionaries(augmentation_names, json_values, max_size=3),
    max_size=4,
)


@given(some_json)
def test_any_json_is_read_or_refused_in_words(values: dict[str, Any]) -> None:
    try:
        config = TrainingConfig.from_json(values)
    except ConfigError:
        return
    assert set(values) <= set(TrainingConfig.model_fields)
    assert TrainingConfig.from_json(config.to_json()) == config

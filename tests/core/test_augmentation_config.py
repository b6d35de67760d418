import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import CHANGES, ENHANCEMENTS, AugmentationConfig, preset
from core.errors import ConfigError

NAMES = list(AugmentationConfig.model_fields)
OLD_REFERENCE = {  # as model files and run.json of version 0.1.0 hold it
    "probability": 0.5,
    "enhancement_low": 0.5,
    "enhancement_high": 1.5,
    "flip_probability": 0.5,
    "rotation_degrees": 30,
    "noise_sigma_max": 10.0,
    "is_noise_per_channel": True,
}


def test_every_change_has_a_switch_that_is_on() -> None:
    config = AugmentationConfig()
    assert [getattr(config, f"is_{change}_on") for change in CHANGES] == [True] * 7


def test_an_old_file_reads_as_the_reference_preset() -> None:
    assert AugmentationConfig.from_json(OLD_REFERENCE) == preset("reference").augmentation


def test_the_old_common_range_becomes_each_enhancements_own() -> None:
    config = AugmentationConfig.from_json({"enhancement_low": 0.7, "enhancement_high": 2})
    ranges = [
        (getattr(config, f"{name}_low"), getattr(config, f"{name}_high")) for name in ENHANCEMENTS
    ]
    assert ranges == [(0.7, 2)] * 4


def test_an_own_range_goes_before_the_common_one() -> None:
    config = AugmentationConfig.from_json({"enhancement_low": 0.7, "contrast_low": 0.9})
    assert (config.brightness_low, config.contrast_low) == (0.7, 0.9)


def test_reading_leaves_the_json_object_as_it_was() -> None:
    values = dict(OLD_REFERENCE)
    AugmentationConfig.from_json(values)
    assert values == OLD_REFERENCE


def test_the_values_survive_json() -> None:
    config = AugmentationConfig(is_flip_on=False, contrast_low=0.8, noise_sigma_max=3.5)
    saved = json.loads(json.dumps(config.to_json()))
    assert AugmentationConfig.from_json(saved) == config


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"probability": 1.01}, "Chance of each change is 1.01; it must lie between 0.0 and 1.0."),
        ({"brightness_low": -1}, "Least brightness is -1; it must lie between 0.0 and 1.0."),
        ({"sharpness_low": 1.1}, "Least sharpness is 1.1; it must lie between 0.0 and 1.0."),
        ({"contrast_high": 0.5}, "Greatest contrast is 0.5; it must lie between 1.0 and 4.0."),
        ({"saturation_high": 5}, "Greatest saturation is 5; it must lie between 1.0 and 4.0."),
        ({"enhancement_low": "x"}, "Least brightness is x; it must lie between 0.0 and 1.0."),
        ({"is_flip_on": 1}, "Left-right flip is 1; it must be true or false."),
        ({"is_noise_on": None}, "Noise is None; it must be true or false."),
        ({"flip_probability": 2}, "Chance of a flip is 2; it must lie between 0.0 and 1.0."),
        ({"rotation_degrees": 1.5}, "Rotation in degrees is 1.5; it must be a whole number."),
        ({"noise_sigma_max": 101}, "Strongest noise is 101; it must lie between 0.0 and 100.0."),
        ({"noise": 1}, "AugmentationConfig has no setting called noise."),
        ([], "The settings of AugmentationConfig are not a JSON object."),
    ],
)
def test_a_bad_value_is_refused_in_plain_words(values: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AugmentationConfig.from_json(values)
    assert str(caught.value) == said


any_value = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", ()])
any_name = st.sampled_from([*NAMES, "enhancement_low", "enhancement_high"])


@given(st.dictionaries(any_name, any_value))
def test_any_json_object_is_read_or_refused_in_words(values: dict[str, Any]) -> None:
    try:
        config = AugmentationConfig.from_json(values)
    except ConfigError:
        return
    assert AugmentationConfig.from_json(config.to_json()) == config

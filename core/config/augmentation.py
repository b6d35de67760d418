"""How training images are changed at random."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from core.config.checks import build, check_flag, check_range, check_whole
from core.errors import Message

Enhancement = Literal["brightness", "contrast", "saturation", "sharpness"]
Change = Literal["brightness", "contrast", "saturation", "sharpness", "flip", "rotation", "noise"]

ENHANCEMENTS: tuple[Enhancement, ...] = get_args(Enhancement)
CHANGES: tuple[Change, ...] = get_args(Change)


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentationConfig:
    """The seven random changes of training images, each drawn on its own.

    An enhancement's factor of 1 leaves the film as it is, so every range holds 1.
    Source of the ranges: the published notebook (DESIGN, "The reference recipe").
    """

    probability: float = 0.5  # of each change that is on
    is_brightness_on: bool = True
    brightness_low: float = 0.5  # factor
    brightness_high: float = 1.5
    is_contrast_on: bool = True
    contrast_low: float = 0.5
    contrast_high: float = 1.5
    is_saturation_on: bool = True
    saturation_low: float = 0.5
    saturation_high: float = 1.5
    is_sharpness_on: bool = True
    sharpness_low: float = 0.5
    sharpness_high: float = 1.5
    is_flip_on: bool = True
    flip_probability: float = 0.5  # once the flip was drawn: 0.5 x 0.5 of all images
    is_rotation_on: bool = True
    rotation_degrees: int = 30  # whole degrees from -n up to but not including n
    is_noise_on: bool = True
    noise_sigma_max: float = 10.0  # grey levels
    is_noise_per_channel: bool = False  # grey films, too, get three noises, as in the notebook

    def __post_init__(self) -> None:
        check_range(Message("Chance of a change"), self.probability, 0.0, 1.0)
        for name, is_on in (
            (Message("Brightness on or off"), self.is_brightness_on),
            (Message("Contrast on or off"), self.is_contrast_on),
            (Message("Saturation on or off"), self.is_saturation_on),
            (Message("Sharpness on or off"), self.is_sharpness_on),
            (Message("Flip on or off"), self.is_flip_on),
            (Message("Rotation on or off"), self.is_rotation_on),
            (Message("Noise on or off"), self.is_noise_on),
            (Message("Noise in each channel"), self.is_noise_per_channel),
        ):
            check_flag(name, is_on)
        for name, factor in (
            (Message("Least brightness"), self.brightness_low),
            (Message("Least contrast"), self.contrast_low),
            (Message("Least saturation"), self.saturation_low),
            (Message("Least sharpness"), self.sharpness_low),
        ):
            check_range(name, factor, 0.0, 1.0)
        for name, factor in (
            (Message("Greatest brightness"), self.brightness_high),
            (Message("Greatest contrast"), self.contrast_high),
            (Message("Greatest saturation"), self.saturation_high),
            (Message("Greatest sharpness"), self.sharpness_high),
        ):
            check_range(name, factor, 1.0, 4.0)
        check_range(Message("Chance of a flip"), self.flip_probability, 0.0, 1.0)
        check_whole(Message("Rotation in degrees"), self.rotation_degrees, 0, 180)
        check_range(Message("Strongest noise"), self.noise_sigma_max, 0.0, 100.0)

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read a JSON object, also one from when the enhancements shared one range.

        Raises:
            ConfigError: It is no object, a name is unknown or a value out of its range.
        """
        return build(cls, _with_own_ranges(values) if isinstance(values, Mapping) else values)


def _with_own_ranges(values: Mapping[str, Any]) -> dict[str, Any]:
    """Hand the old common range of the enhancements on to each that has none of its own."""
    renamed = dict(values)
    for end in ("low", "high"):
        if (old := f"enhancement_{end}") in renamed:
            common = renamed.pop(old)
            for enhancement in ENHANCEMENTS:
                renamed.setdefault(f"{enhancement}_{end}", common)
    return renamed

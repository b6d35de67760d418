"""What a run is made with: checked values that are saved with it and read back."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar, get_args

from core.errors import ConfigError, Message

Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
SplitScheme = Literal["stratified", "reference"]
Optimiser = Literal["adam", "adamw"]
Schedule = Literal["natural_exponential", "one_cycle"]
PresetName = Literal["recommended", "reference"]

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
PRESETS: tuple[PresetName, ...] = get_args(PresetName)
SPLITS: tuple[SplitScheme, ...] = get_args(SplitScheme)
N_CLASSES_RANGE = (2, 1000)

T = TypeVar("T")


def _check_range(name: Message, value: float, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # false for NaN too
        raise ConfigError(
            Message(
                "{name} is {value}; it must lie between {low} and {high}.",
                name=name,
                value=value,
                low=low,
                high=high,
            )
        )


def _check_whole(name: Message, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(
            Message("{name} is {value}; it must be a whole number.", name=name, value=value)
        )
    _check_range(name, value, low, high)


def _check_choice(name: Message, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(
            Message(
                "{name} is {value}; choose one of: {choices}.",
                name=name,
                value=value,
                choices=", ".join(choices),
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """How grey levels become the network's input; travels with the model file.

    The film is stretched to a square with Lanczos, divided by 255, then shifted and
    scaled: `(x / 255 - mean) / std`, the same for the three channels.
    """

    image_size: int = 224  # pixels, both sides
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        _check_whole(Message("Image size"), self.image_size, 32, 1024)
        _check_range(Message("Mean grey level"), self.mean, 0.0, 1.0)
        _check_range(Message("Spread of grey levels"), self.std, 0.01, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentationConfig:
    """The seven random changes of training images, each drawn on its own.

    Source of the ranges: the published notebook (DESIGN, "The reference recipe").
    """

    probability: float = 0.5  # of each change
    enhancement_low: float = 0.5  # factor for brightness, contrast, saturation, sharpness
    enhancement_high: float = 1.5
    flip_probability: float = 0.5  # once the flip was drawn: 0.5 x 0.5 of all images
    rotation_degrees: int = 30  # whole degrees from -n up to but not including n
    noise_sigma_max: float = 10.0  # grey levels
    is_noise_per_channel: bool = False  # grey films, too, get three noises, as in the notebook

    def __post_init__(self) -> None:
        _check_range(Message("Chance of a change"), self.probability, 0.0, 1.0)
        _check_range(Message("Least enhancement"), self.enhancement_low, 0.0, 1.0)
        _check_range(Message("Greatest enhancement"), self.enhancement_high, 1.0, 4.0)
        _check_range(Message("Chance of a flip"), self.flip_probability, 0.0, 1.0)
        _check_whole(Message("Rotation in degrees"), self.rotation_degrees, 0, 180)
        _check_range(Message("Strongest noise"), self.noise_sigma_max, 0.0, 100.0)
        if not isinstance(self.is_noise_per_channel, bool):
            raise ConfigError(
                Message(
                    "{name} is {value}; it must be true or false.",
                    name=Message("Noise in each channel"),
                    value=self.is_noise_per_channel,
                )
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Everything a run depends on but its films and its device."""

    preset: PresetName = "recommended"
    architecture: Architecture = "resnet18"
    epochs: int = 14
    batch_size: int = 32
    learning_rate: float = 1e-3  # the peak, for one_cycle
    optimiser: Optimiser = "adamw"
    schedule: Schedule = "one_cycle"
    weight_decay: float = 0.05  # decoupled (AdamW); "adam" takes none
    label_smoothing: float = 0.1
    split: SplitScheme = "stratified"
    seed: int = 0
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        _check_choice(Message("Preset"), self.preset, PRESETS)
        _check_choice(Message("Network"), self.architecture, ARCHITECTURES)
        _check_whole(Message("Epochs"), self.epochs, 1, 1000)
        _check_whole(Message("Batch size"), self.batch_size, 1, 1024)
        _check_range(Message("Learning rate"), self.learning_rate, 1e-8, 10.0)
        _check_choice(Message("Optimiser"), self.optimiser, get_args(Optimiser))
        _check_choice(Message("Learning rate schedule"), self.schedule, get_args(Schedule))
        _check_range(Message("Weight decay"), self.weight_decay, 0.0, 1.0)
        _check_range(Message("Label smoothing"), self.label_smoothing, 0.0, 0.5)
        _check_choice(Message("Split"), self.split, SPLITS)
        _check_whole(Message("Seed"), self.seed, 0, 2**31 - 1)

    def to_json(self) -> dict[str, Any]:
        """The values as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: A name is unknown or a value out of its range.
        """
        parts = {"preprocessing": Preprocessing, "augmentation": AugmentationConfig}
        if isinstance(values, Mapping):  # `build` refuses anything else
            values = {
                name: build(parts[name], value) if name in parts else value
                for name, value in values.items()
            }
        return build(cls, values)


def build(kind: type[T], values: object) -> T:
    """Make the configuration `kind` from a JSON object.

    Raises:
        ConfigError: It is no object, has an unknown name, or lacks one that has no default.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(
            Message("The settings of {kind} are not a JSON object.", kind=kind.__name__)
        )
    items = dataclasses.fields(kind)  # type: ignore[arg-type]
    known = {item.name for item in items}
    unknown = sorted(str(name) for name in values if name not in known)
    if unknown:
        raise ConfigError(
            Message(
                "{kind} has no setting called {names}.",
                kind=kind.__name__,
                names=", ".join(unknown),
            )
        )
    missing = sorted(
        item.name
        for item in items
        if item.name not in values and item.default is item.default_factory is dataclasses.MISSING
    )
    if missing:
        raise ConfigError(
            Message(
                "{kind} lacks the setting {names}.",
                kind=kind.__name__,
                names=", ".join(missing),
            )
        )
    return kind(**values)


def preset(name: PresetName) -> TrainingConfig:
    """The settings behind a preset's name.

    "reference" is the published notebook to the letter; "recommended" is what trained
    best per minute (tests/benchmarks/recipes.py).
    """
    _check_choice(Message("Preset"), name, PRESETS)
    if name == "reference":
        return TrainingConfig(
            preset="reference",
            augmentation=AugmentationConfig(is_noise_per_channel=True),
            architecture="resnet50",
            epochs=8,
            batch_size=64,
            learning_rate=3e-4,
            optimiser="adam",
            schedule="natural_exponential",
            weight_decay=0.0,
            label_smoothing=0.0,
            split="reference",
        )
    return TrainingConfig(preprocessing=Preprocessing(image_size=96, mean=0.5, std=0.25))

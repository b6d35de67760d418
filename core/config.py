"""The settings of a run, and the presets that people begin with."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self, TypeVar, get_args

from core.errors import ConfigError, Message

T = TypeVar("T")


def check_range(name: Message, value: float, low: float, high: float) -> None:
    """Refuse what is no number from `low` to `high`; NaN too.

    Raises:
        ConfigError: `name` says of what.
    """
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


def check_whole(name: Message, value: int, low: int, high: int) -> None:
    """Refuse what is no whole number from `low` to `high`.

    Raises:
        ConfigError: `name` says of what.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(
            Message("{name} is {value}; it must be a whole number.", name=name, value=value)
        )
    check_range(name, value, low, high)


def check_choice(name: Message, value: str, choices: tuple[str, ...]) -> None:
    """Refuse what is not among `choices`.

    Raises:
        ConfigError: `name` says of what.
    """
    if value not in choices:
        raise ConfigError(
            Message(
                "{name} is {value}; choose one of: {choices}.",
                name=name,
                value=value,
                choices=", ".join(choices),
            )
        )


def check_flag(name: Message, value: bool) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise ConfigError(
            Message("{name} is {value}; it must be true or false.", name=name, value=value)
        )


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


Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
SplitScheme = Literal["stratified", "reference", "given", "kfold"]
ClassBalance = Literal["none", "weights", "sampling"]
Optimiser = Literal["adam", "adamw", "sgd"]
Schedule = Literal["natural_exponential", "one_cycle", "cosine"]
PrecisionChoice = Literal["auto", "float32", "mixed"]
PresetName = Literal["recommended", "reference"]

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
PRESETS: tuple[PresetName, ...] = get_args(PresetName)
SPLITS: tuple[SplitScheme, ...] = get_args(SplitScheme)
CLASS_BALANCES: tuple[ClassBalance, ...] = get_args(ClassBalance)
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
PRECISIONS: tuple[PrecisionChoice, ...] = get_args(PrecisionChoice)
LONGEST_NAME = 300  # characters
N_CLASSES_RANGE = (2, 1000)
N_FOLDS_RANGE = (3, 20)  # a fold each for test and validation, and something to train on


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
        check_whole(Message("Image size"), self.image_size, 32, 1024)
        check_range(Message("Mean grey level"), self.mean, 0.0, 1.0)
        check_range(Message("Spread of grey levels"), self.std, 0.01, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Everything a run depends on but its films and its device."""

    preset: PresetName = "recommended"
    architecture: Architecture = "resnet18"
    epochs: int = 14
    # Added once `epochs` were done; the plan of those stays, see core.training.schedule.
    extra_epochs: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3  # the peak, for one_cycle and cosine
    optimiser: Optimiser = "adamw"  # "sgd" has Nesterov's momentum
    momentum: float = 0.9  # "sgd" only
    schedule: Schedule = "one_cycle"
    warmup_epochs: float = 1.0  # "cosine" only
    # Decoupled for "adamw"; added to the gradient for "sgd", where it is a hundred times
    # smaller (5e-4 is usual); "adam" takes none.
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    # Rare classes weigh more in the loss, or their films are drawn more often.
    class_balance: ClassBalance = "none"
    averaging: float = 0.0  # decay per step of the running average of the weights; 0: off
    early_stopping_patience: int = 0  # epochs without a better validation; 0: off
    precision: PrecisionChoice = "auto"
    initial_weights: str = ""  # what the run began with; empty: at random
    is_backbone_frozen: bool = False  # only the last layer learns
    # The norms' statistics begin as the mean over the first steps, not at 0 and 1.
    is_norm_warmed_up: bool = False
    # Small pictures of the training films go into the model file, to be shown as neighbours.
    is_keeping_thumbnails: bool = False
    split: SplitScheme = "stratified"
    validation_share: float = 0.1  # of the films of each class; "stratified" and "given"
    test_share: float = 0.1
    n_folds: int = 5  # "kfold"
    fold: int = 1  # 1-based: the one that is the test; the next one validates
    seed: int = 0  # of the split and of training
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        check_choice(Message("Preset"), self.preset, PRESETS)
        check_choice(Message("Network"), self.architecture, ARCHITECTURES)
        check_whole(Message("Epochs"), self.epochs, 1, 1000)
        check_whole(Message("Extra epochs"), self.extra_epochs, 0, 1000)
        check_whole(Message("Batch size"), self.batch_size, 1, 1024)
        check_range(Message("Learning rate"), self.learning_rate, 1e-8, 10.0)
        check_choice(Message("Optimiser"), self.optimiser, OPTIMISERS)
        check_range(Message("Momentum"), self.momentum, 0.0, 0.999)
        check_choice(Message("Learning rate schedule"), self.schedule, SCHEDULES)
        check_range(Message("Epochs of warm-up"), self.warmup_epochs, 0.0, 100.0)
        check_range(Message("Weight decay"), self.weight_decay, 0.0, 1.0)
        check_range(Message("Label smoothing"), self.label_smoothing, 0.0, 0.5)
        check_choice(Message("Class balance"), self.class_balance, CLASS_BALANCES)
        check_range(Message("Averaging of weights"), self.averaging, 0.0, 0.99999)
        check_whole(Message("Patience of early stopping"), self.early_stopping_patience, 0, 1000)
        check_choice(Message("Precision"), self.precision, PRECISIONS)
        _check_name(Message("Initial weights"), self.initial_weights)
        check_flag(Message("Frozen backbone on or off"), self.is_backbone_frozen)
        check_flag(Message("Norm warm-up on or off"), self.is_norm_warmed_up)
        check_flag(Message("Pictures in the model file on or off"), self.is_keeping_thumbnails)
        check_choice(Message("Split"), self.split, SPLITS)
        check_range(Message("Validation share"), self.validation_share, 0.0, 0.4)
        check_range(Message("Test share"), self.test_share, 0.0, 0.4)
        check_whole(Message("Folds"), self.n_folds, *N_FOLDS_RANGE)
        check_whole(Message("Fold"), self.fold, 1, self.n_folds)
        check_whole(Message("Seed"), self.seed, 0, 2**31 - 1)

    @property
    def n_epochs(self) -> int:
        """All epochs of the run, the extra ones included."""
        return self.epochs + self.extra_epochs

    def to_json(self) -> dict[str, Any]:
        """The values as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: A name is unknown or a value out of its range.
        """
        readers: dict[str, Callable[[Any], object]] = {
            "preprocessing": partial(build, Preprocessing),
            "augmentation": AugmentationConfig.from_json,
        }
        if isinstance(values, Mapping):  # `build` refuses anything else
            values = {
                name: readers[name](value) if name in readers else value
                for name, value in values.items()
            }
        return build(cls, values)


def _check_name(name: Message, value: str) -> None:
    """Refuse what is no text of a sensible length.

    Raises:
        ConfigError: `name` says of what.
    """
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise ConfigError(
            Message(
                "{name} is {value}; it must be a text of at most {longest} characters.",
                name=name,
                value=str(value)[:LONGEST_NAME],
                longest=LONGEST_NAME,
            )
        )


def preset(name: PresetName) -> TrainingConfig:
    """The settings behind a preset's name.

    "reference" is the published notebook to the letter; "recommended" is what trained
    best per minute (tests/benchmarks/recipes.py).
    """
    check_choice(Message("Preset"), name, PRESETS)
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
    return TrainingConfig(
        class_balance="weights",
        is_norm_warmed_up=True,
        preprocessing=Preprocessing(image_size=96, mean=0.5, std=0.25),
    )


def usual_rates(optimiser: Optimiser) -> tuple[float, float]:
    """The peak learning rate and the weight decay that people begin with."""
    match optimiser:
        case "adam":
            return 3e-4, 0.0
        case "adamw":
            return 1e-3, 0.05
        case "sgd":
            return 0.05, 5e-4

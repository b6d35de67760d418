"""The settings of a run, each described once, and the presets that people begin with.

Form, command line, checks, saved files and the guide's table come from the fields below.
Titles and descriptions are keys of the translation catalogue, like any `Message`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, Self, get_args, get_origin

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from core.errors import ConfigError, Message
from core.schema import StrictModel, limits, out_of_range

Enhancement = Literal["brightness", "contrast", "saturation", "sharpness"]
Change = Literal["brightness", "contrast", "saturation", "sharpness", "flip", "rotation", "noise"]
Architecture = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
SplitScheme = Literal["stratified", "reference", "given", "kfold"]
ClassBalance = Literal["none", "weights", "sampling"]
Optimiser = Literal["adam", "adamw", "sgd"]
Schedule = Literal["natural_exponential", "one_cycle", "cosine"]
PrecisionChoice = Literal["auto", "float32", "mixed"]
MapDetail = Literal["coarse", "fine"]
OutputStride = Literal[16, 32]
PresetName = Literal["recommended", "reference"]

ENHANCEMENTS: tuple[Enhancement, ...] = get_args(Enhancement)
CHANGES: tuple[Change, ...] = get_args(Change)
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
PRESETS: tuple[PresetName, ...] = get_args(PresetName)
SPLITS: tuple[SplitScheme, ...] = get_args(SplitScheme)
CLASS_BALANCES: tuple[ClassBalance, ...] = get_args(ClassBalance)
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
LONGEST_NAME = 300  # characters
N_CLASSES_RANGE = (2, 1000)
N_FOLDS_RANGE = (3, 20)  # a fold each for test and validation, and something to train on

Group = Literal[
    "preset", "basics", "split", "optimiser", "ending", "start", "arithmetic", "augmentation"
]
Kind = Literal["choice", "flag", "whole", "fraction", "text"]
_NO_CHOICES: Final[Mapping[Any, Message | str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Presentation:
    """The parts of a setting's description that pydantic has no place for.

    Args:
        group: Of settings that are shown together; None: shown and offered nowhere.
        recommended: The preset's value, where it is not the default. A default is what files
            mean that were written before there was the setting.
        reference: The published notebook's value, where it is not the default.
        option: Of the command line, without the dashes; derived from the name where empty.
        unit: Stands behind the number, the same in all languages.
        decimals: At most so many are shown.
        step: Of the arrows beside the number; 0: a tenth of the number's own size.
        is_percent: A fraction that is shown as a percentage.
        is_off_at_zero: 0 means "off".
        offered: The numbers that the form offers, where it offers a few only.
        choices: The titles of the values, in their order.
        only_with: The setting, and its values, without which this one changes nothing.
    """

    group: Group | None = None
    recommended: Any = None
    reference: Any = None
    option: str = ""
    unit: str = ""
    decimals: int = 0
    step: float = 1
    is_percent: bool = False
    is_off_at_zero: bool = False
    offered: tuple[float, ...] = ()
    choices: Mapping[Any, Message | str] = field(default_factory=lambda: _NO_CHOICES)
    only_with: tuple[str, tuple[Any, ...]] | None = None


def _setting(
    default: Any,
    title: Message,
    description: Message,
    *,
    within: tuple[float | None, float | None] = (None, None),
    max_length: int | None = None,
    shown: Presentation,
) -> Any:
    """Describe a setting: a pydantic field with its `Presentation`."""
    return Field(
        default,
        title=title.template,
        description=description.template,
        ge=within[0],
        le=within[1],
        max_length=max_length,
        json_schema_extra={"presentation": shown},  # type: ignore[dict-item]
    )


class Preprocessing(StrictModel):
    """The way from grey levels to the network's input; travels with the model file.

    The film is stretched to a square with Lanczos, divided by 255, then shifted and
    scaled: `(x / 255 - mean) / std`, the same for the three channels.
    """

    image_size: int = _setting(
        224,
        Message("Image size"),
        Message(
            "The side of the square that every film is brought to. Twice the side shows finer "
            "detail and takes about four times the time and memory."
        ),
        within=(32, 1024),
        shown=Presentation(group="basics", recommended=96, unit=" px", step=32),
    )
    mean: float = _setting(
        0.0,
        Message("Mean grey level"),
        Message("Is subtracted from grey levels between 0 and 1."),
        within=(0.0, 1.0),
        shown=Presentation(recommended=0.5),
    )
    std: float = _setting(
        1.0,
        Message("Spread of grey levels"),
        Message("Grey levels are divided by it once the mean is subtracted."),
        within=(0.01, 1.0),
        shown=Presentation(recommended=0.25),
    )


_FACTOR = Message(
    "The factor is drawn anew between the least and the greatest: 1 leaves the film as it is, 0.5 "
    "halves, 1.5 adds a half."
)


def _switch(title: Message, description: Message) -> Any:
    return _setting(True, title, description, shown=Presentation(group="augmentation"))


def _factor(default: float, title: Message, change: Change) -> Any:
    needed = (f"is_{change}_on", (True,))
    shown = Presentation(group="augmentation", decimals=2, step=0.05, only_with=needed)
    limits_of = (0.0, 1.0) if default < 1 else (1.0, 4.0)
    return _setting(default, title, _FACTOR, within=limits_of, shown=shown)


class AugmentationConfig(StrictModel):
    """The seven random changes of training images, each drawn on its own.

    An enhancement's factor of 1 leaves the film as it is, so every range holds 1.
    Source of the ranges: the published notebook (DESIGN, "The reference recipe").
    """

    probability: float = _setting(
        0.5,
        Message("Chance of each change"),
        Message("How often each change that is on is made to a film, drawn for each on its own."),
        within=(0.0, 1.0),
        shown=Presentation(
            group="augmentation", option="augmentation-probability", is_percent=True
        ),
    )
    is_brightness_on: bool = _switch(
        Message("Brightness"),
        Message(
            "Darkens or lightens the whole film. Exposure differs from machine to machine, so "
            "the network should not lean on it."
        ),
    )
    brightness_low: float = _factor(0.5, Message("Least brightness"), "brightness")
    brightness_high: float = _factor(1.5, Message("Greatest brightness"), "brightness")
    is_contrast_on: bool = _switch(
        Message("Contrast"),
        Message(
            "Weakens or strengthens the differences of grey, as other film processing would. "
            "Strong changes can hide faint shadows."
        ),
    )
    contrast_low: float = _factor(0.5, Message("Least contrast"), "contrast")
    contrast_high: float = _factor(1.5, Message("Greatest contrast"), "contrast")
    is_saturation_on: bool = _switch(
        Message("Saturation"),
        Message("Weakens or strengthens colours. X-rays are grey: on grey films it has no effect."),
    )
    saturation_low: float = _factor(0.5, Message("Least saturation"), "saturation")
    saturation_high: float = _factor(1.5, Message("Greatest saturation"), "saturation")
    is_sharpness_on: bool = _switch(
        Message("Sharpness"),
        Message(
            "Blurs or sharpens edges. Detectors differ in it, but a strong blur wipes out fine "
            "lines and small nodules."
        ),
    )
    sharpness_low: float = _factor(0.5, Message("Least sharpness"), "sharpness")
    sharpness_high: float = _factor(1.5, Message("Greatest sharpness"), "sharpness")
    is_flip_on: bool = _switch(
        Message("Left-right flip"),
        Message(
            "Exchanges left and right, which moves the heart to the other side; real patients "
            "hardly ever look like that. Switch it off where the side matters."
        ),
    )
    flip_probability: float = _setting(
        0.5,
        Message("Chance of a flip"),
        Message(
            "Once the flip was drawn: with a half for both chances, a quarter of the films are "
            "mirrored."
        ),
        within=(0.0, 1.0),
        shown=Presentation(
            group="augmentation", is_percent=True, only_with=("is_flip_on", (True,))
        ),
    )
    is_rotation_on: bool = _switch(
        Message("Rotation"),
        Message(
            "Turns the film about its centre; the corners become black. Patients stand a "
            "little askew, but a chest film is never far from upright."
        ),
    )
    # Whole degrees from -n up to but not including n.
    rotation_degrees: int = _setting(
        30,
        Message("Rotation in degrees"),
        Message("The angle is drawn anew, at most so far to either side."),
        within=(0, 180),
        shown=Presentation(group="augmentation", unit="°", only_with=("is_rotation_on", (True,))),
    )
    is_noise_on: bool = _switch(
        Message("Noise"),
        Message(
            "Adds grain up to this strength, as a low dose does. Too much of it hides the "
            "fine texture of the lungs."
        ),
    )
    noise_sigma_max: float = _setting(
        10.0,
        Message("Strongest noise"),
        Message("Standard deviation in grey levels, of which a film has 256."),
        within=(0.0, 100.0),
        shown=Presentation(group="augmentation", decimals=1, only_with=("is_noise_on", (True,))),
    )
    is_noise_per_channel: bool = _setting(
        False,
        Message("Noise in each channel"),
        Message("Grey films get another noise in each colour channel, too, as in the notebook."),
        shown=Presentation(
            group="augmentation", reference=True, only_with=("is_noise_on", (True,))
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _give_each_its_own_range(cls, values: Any) -> Any:
        """Read files from when the enhancements shared one range (version 0.1.0)."""
        if not isinstance(values, Mapping):
            return values
        renamed = dict(values)
        for end in ("low", "high"):
            if (old := f"enhancement_{end}") in renamed:
                common = renamed.pop(old)
                for enhancement in ENHANCEMENTS:
                    renamed.setdefault(f"{enhancement}_{end}", common)
        return renamed


_SHARE = Presentation(group="split", is_percent=True, only_with=("split", ("stratified", "given")))


class TrainingConfig(StrictModel):
    """Everything a run depends on but its films and its device."""

    preset: PresetName = _setting(
        "recommended",
        Message("Preset"),
        Message("All settings at once; the seed and the device stay as they are."),
        shown=Presentation(
            group="preset",
            reference="reference",
            choices={
                "recommended": Message("Recommended"),
                "reference": Message("Reference (notebook)"),
            },
        ),
    )
    architecture: Architecture = _setting(
        "resnet18",
        Message("Network"),
        Message(
            "How many layers the network has. More can tell finer things apart but need more "
            "films. ResNet-50 takes two to three times as long as ResNet-18, the deeper ones still "
            "more."
        ),
        shown=Presentation(
            group="basics",
            reference="resnet50",
            option="arch",
            choices={name: name.replace("resnet", "ResNet-") for name in ARCHITECTURES},
        ),
    )
    map_detail: MapDetail = _setting(
        "coarse",
        Message("Heat map detail"),
        Message(
            "A fine map has four times as many places, because the last stage of the network "
            "keeps the size of the one before it. Takes about half as much time again."
        ),
        shown=Presentation(
            group="basics",
            choices={"coarse": Message("Coarse"), "fine": Message("Fine")},
        ),
    )
    epochs: int = _setting(
        14,
        Message("Epochs"),
        Message("How often the network sees every film. Twice the epochs take twice the time."),
        within=(1, 1000),
        shown=Presentation(group="basics", reference=8),
    )
    # Their plan leaves that of `epochs` as it is, see core.training.schedule.
    extra_epochs: int = _setting(
        0,
        Message("Extra epochs"),
        Message("Epochs that were added once the planned ones were done."),
        within=(0, 1000),
        shown=Presentation(),
    )
    batch_size: int = _setting(
        32,
        Message("Batch size"),
        Message(
            "Films that go through the network together. Larger batches need more memory and "
            "save time on a graphics card, hardly on a processor."
        ),
        within=(1, 1024),
        shown=Presentation(group="basics", reference=64),
    )
    learning_rate: float = _setting(  # the peak, for one_cycle and cosine
        1e-3,
        Message("Learning rate"),
        Message(
            "How far a step moves the weights, at its highest. Too high, and the loss jumps; too "
            "low, and it hardly falls. No effect on the time."
        ),
        within=(1e-8, 10.0),
        shown=Presentation(group="basics", reference=3e-4, decimals=8, step=0),
    )
    preprocessing: Preprocessing = Field(default_factory=Preprocessing)
    class_balance: ClassBalance = _setting(
        "none",
        Message("Class balance"),
        Message(
            "Weighted loss: a film of a rare class counts more. Balanced sampling: it is shown "
            "more often. Both keep the network from betting on the common class. No effect on "
            "the time."
        ),
        shown=Presentation(
            group="basics",
            recommended="weights",
            choices={
                "none": Message("None"),
                "weights": Message("Weighted loss"),
                "sampling": Message("Balanced sampling"),
            },
        ),
    )
    split: SplitScheme = _setting(
        "stratified",
        Message("Split"),
        Message(
            "Which films train the network, which choose its best epoch and which test it; the "
            "shares are set on the Data page. Fewer films to train on take less time."
        ),
        shown=Presentation(
            group="basics",
            reference="reference",
            choices={
                "stratified": Message("By patient"),
                "reference": Message("Reference (notebook)"),
                "given": Message("As the folders are divided"),
                "kfold": Message("Folds by patient"),
            },
        ),
    )
    seed: int = _setting(
        0,
        Message("Seed"),
        Message(
            "Decides all that is random: the split, the first weights, the order of the films. "
            "The same seed gives the same run again. No effect on the time."
        ),
        within=(0, 2**31 - 1),
        shown=Presentation(group="basics"),
    )
    validation_share: float = _setting(
        0.1,
        Message("Validation share"),
        Message("Of the films of each class: they choose the best epoch."),
        within=(0.0, 0.4),
        shown=_SHARE,
    )
    test_share: float = _setting(
        0.1,
        Message("Test share"),
        Message("Of the films of each class: they measure the trained network."),
        within=(0.0, 0.4),
        shown=_SHARE,
    )
    n_folds: int = _setting(
        5,
        Message("Number of folds"),
        Message("So many runs, one for each fold, test every film once."),
        within=N_FOLDS_RANGE,
        shown=Presentation(group="split", option="folds", only_with=("split", ("kfold",))),
    )
    fold: int = _setting(  # at most n_folds
        1,
        Message("Fold that is the test"),
        Message("Counted from 1. The fold after it validates; all others train."),
        within=(1, N_FOLDS_RANGE[1]),
        shown=Presentation(group="split", only_with=("split", ("kfold",))),
    )
    optimiser: Optimiser = _setting(  # "sgd" has Nesterov's momentum
        "adamw",
        Message("Optimiser"),
        Message(
            "How steps are made. AdamW is a safe choice; SGD needs more epochs and a well chosen "
            "rate. Each brings the learning rate and weight decay that are usual with it. Hardly "
            "any effect on the time of an epoch."
        ),
        shown=Presentation(
            group="optimiser",
            reference="adam",
            choices={"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"},
        ),
    )
    momentum: float = _setting(
        0.9,
        Message("Momentum"),
        Message(
            "The share of its last step that SGD keeps in the next one; 0.9 is usual. No effect "
            "on the time."
        ),
        within=(0.0, 0.999),
        shown=Presentation(
            group="optimiser", decimals=3, step=0.05, only_with=("optimiser", ("sgd",))
        ),
    )
    schedule: Schedule = _setting(
        "one_cycle",
        Message("Learning rate schedule"),
        Message(
            "How the learning rate changes. One cycle: up for the first third of the run, then "
            "down to nearly nothing. Cosine: up during the warm-up, then down. Natural "
            "exponential: a little more than half after each epoch. No effect on the time."
        ),
        shown=Presentation(
            group="optimiser",
            reference="natural_exponential",
            choices={
                "natural_exponential": Message("Natural exponential"),
                "one_cycle": Message("One cycle"),
                "cosine": Message("Cosine with warm-up"),
            },
        ),
    )
    warmup_epochs: float = _setting(
        1.0,
        Message("Epochs of warm-up"),
        Message(
            "Epochs in which the rate rises, so that the first steps lead nowhere wild; at most "
            "half of the run. No effect on the time."
        ),
        within=(0.0, 100.0),
        shown=Presentation(
            group="optimiser", decimals=1, step=0.5, only_with=("schedule", ("cosine",))
        ),
    )
    # Decoupled for "adamw"; added to the gradient for "sgd", where it is a hundred times
    # smaller (5e-4 is usual).
    weight_decay: float = _setting(
        0.05,
        Message("Weight decay"),
        Message(
            "Pulls the weights towards zero, so that films are not learned by heart. Adam has "
            "none. No effect on the time."
        ),
        within=(0.0, 1.0),
        shown=Presentation(
            group="optimiser",
            reference=0.0,
            decimals=6,
            step=0,
            only_with=("optimiser", ("adamw", "sgd")),
        ),
    )
    label_smoothing: float = _setting(
        0.1,
        Message("Label smoothing"),
        Message(
            "How much of full certainty is not asked for, so that the network is less sure where "
            "it is wrong; 0.1 is usual. No effect on the time."
        ),
        within=(0.0, 0.5),
        shown=Presentation(group="optimiser", reference=0.0, decimals=3, step=0.05),
    )
    early_stopping_patience: int = _setting(  # epochs without a better validation
        0,
        Message("Patience of early stopping"),
        Message(
            "Ends the run once the validation has not become better for so many epochs, which "
            "can save much time. It needs films to validate on."
        ),
        within=(0, 1000),
        shown=Presentation(group="ending", is_off_at_zero=True),
    )
    averaging: float = _setting(  # decay per step of the running average of the weights
        0.0,
        Message("Averaging of weights"),
        Message(
            "Validates, keeps and tests an average over the last steps, often a little better "
            "than the last weights: 0.98 remembers about 50 steps, 0.999 about 1000. Hardly any "
            "effect on the time."
        ),
        within=(0.0, 0.99999),
        shown=Presentation(
            group="ending", is_off_at_zero=True, offered=(0.0, 0.9, 0.98, 0.99, 0.999, 0.9999)
        ),
    )
    is_keeping_thumbnails: bool = _setting(
        False,
        Message("Pictures in the model file"),
        Message(
            "Small pictures of the training films (64 pixels) travel in the model file, so that "
            "whoever reads films with it sees the nearest ones. Off: only their classes are told. "
            "Ask whose films they are before you hand them on. No effect on the time."
        ),
        shown=Presentation(group="ending", option="keep-thumbnails"),
    )
    initial_weights: str = _setting(  # what the run began with; empty: at random
        "",
        Message("Initial weights"),
        Message(
            "Weights that know edges and shapes already need fewer films and epochs than weights "
            "at random. An epoch takes as long. Published weights were learned from ImageNet's "
            "photographs; they are fetched once, 45 to 242 MB."
        ),
        max_length=LONGEST_NAME,
        shown=Presentation(group="start", option="weights"),
    )
    is_backbone_frozen: bool = _setting(
        False,
        Message("Frozen backbone"),
        Message(
            "Only the last layer learns, the others stay as they came. An epoch takes less than "
            "half the time, but the network cannot get used to X-rays."
        ),
        shown=Presentation(group="start", option="frozen-backbone"),
    )
    precision: PrecisionChoice = _setting(
        "auto",
        Message("Precision"),
        Message(
            "Mixed computes with fewer digits where the graphics card is made for it: faster, "
            "with less memory. Automatic does so too, but not with the reference preset. A "
            "processor always computes with all digits, float32."
        ),
        shown=Presentation(
            group="arithmetic",
            choices={"auto": Message("Automatic"), "float32": "float32", "mixed": Message("Mixed")},
        ),
    )
    # The norms' statistics begin as the mean over the first steps, not at 0 and 1. A frozen
    # backbone keeps the statistics that it came with.
    is_norm_warmed_up: bool = _setting(
        False,
        Message("Norm warm-up"),
        Message(
            "The norms take their mean and spread from the first films instead of from a guess, "
            "so that the first epochs already validate sensibly. No effect on the time."
        ),
        shown=Presentation(
            group="arithmetic",
            recommended=True,
            option="norm-warmup",
            only_with=("is_backbone_frozen", (False,)),
        ),
    )
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)

    @model_validator(mode="after")
    def _check_fold(self) -> Self:
        if self.fold > self.n_folds:
            title = setting("fold").title
            raise ConfigError(out_of_range(title, self.fold, 1, self.n_folds))
        return self

    @property
    def output_stride(self) -> OutputStride:
        """Pixels of the input for each place of the last feature map, along each side."""
        return 16 if self.map_detail == "fine" else 32

    @property
    def n_epochs(self) -> int:
        """All epochs of the run, the extra ones included."""
        return self.epochs + self.extra_epochs

    def value(self, name: str) -> Any:
        """Return the value of a setting, also of one within another."""
        part = setting(name).part
        return getattr(getattr(self, part) if part else self, name)

    def changed(self, **values: Any) -> Self:
        """Return a checked copy in which these settings are others, also those within others.

        Raises:
            ConfigError: A name is unknown or a value is refused.
        """
        parts: dict[str, dict[str, Any]] = {}
        for name in [name for name in values if name in settings() and settings()[name].part]:
            parts.setdefault(settings()[name].part, {})[name] = values.pop(name)
        for part, inner in parts.items():
            values[part] = values.get(part, getattr(self, part)).changed(**inner)
        return super().changed(**values)

    def edited(self, **values: Any) -> Self:
        """Return a changed copy; another optimiser brings its usual rate and weight decay.

        Raises:
            ConfigError: A name is unknown or a value is refused.
        """
        if values.get("optimiser", self.optimiser) != self.optimiser:
            changed = self.changed(optimiser=values["optimiser"])
            # AdamW's weight decay would shrink the weights of SGD to nothing.
            rate, decay = usual_rates(changed.optimiser)
            values = {"learning_rate": rate, "weight_decay": decay, **values}
        return self.changed(**values)

    def is_used(self, name: str) -> bool:
        """Return False for a setting that changes nothing, the others being as they are."""
        match name:
            case "early_stopping_patience":
                return self.split != "reference" and not (
                    self.split == "stratified" and self.validation_share == 0.0
                )
            case "is_backbone_frozen":  # one that is frozen at random must be possible to thaw
                return bool(self.initial_weights or self.is_backbone_frozen)
        needed = setting(name).shown.only_with
        return needed is None or self.value(needed[0]) in needed[1]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as people meet it, whatever model its field is in."""

    name: str
    part: str  # the field of TrainingConfig that holds it; empty: that is one itself
    field: FieldInfo
    shown: Presentation

    @property
    def title(self) -> Message:
        """Its name for people."""
        text = self.field.title or self.name
        return Message(text)

    @property
    def description(self) -> Message:
        """Its effect, and what that costs."""
        text = self.field.description
        assert text is not None  # `_setting` asks for one
        return Message(text)

    @property
    def kind(self) -> Kind:
        """The kind of its values."""
        if get_origin(self.field.annotation) is Literal:
            return "choice"
        kinds: dict[Any, Kind] = {bool: "flag", int: "whole", float: "fraction", str: "text"}
        return kinds[self.field.annotation]

    @property
    def choices(self) -> tuple[Any, ...]:
        """Its possible values, of a choice."""
        return get_args(self.field.annotation)

    @property
    def limits(self) -> tuple[Any, Any]:
        """Its least and its greatest value, of a number."""
        return limits(self.field)

    @property
    def option(self) -> str:
        """Its option on the command line, without the dashes."""
        plain = self.name.removeprefix("is_").removesuffix("_on")
        return self.shown.option or plain.replace("_", "-")

    def of_preset(self, name: PresetName) -> Any:
        """Return its value in a preset."""
        other = self.shown.reference if name == "reference" else self.shown.recommended
        return self.field.default if other is None else other


@cache
def settings() -> Mapping[str, Setting]:
    """Return every setting by its name, in the order in which they are shown."""
    return MappingProxyType({one.name: one for one in _described(TrainingConfig)})


def _described(model: type[StrictModel], part: str = "") -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict):
            yield Setting(name, part, info, extra["presentation"])  # type: ignore[arg-type]
        else:
            yield from _described(info.annotation, name)  # type: ignore[arg-type]


def setting(name: str) -> Setting:
    """Return a setting by its name."""
    return settings()[name]


@cache
def preset(name: PresetName) -> TrainingConfig:
    """Return the settings behind a preset's name.

    "reference" is the published notebook to the letter; "recommended" is what trained
    best per minute (tests/benchmarks/recipes.py).
    """
    config = TrainingConfig(preset=name)  # refuses other names
    return config.changed(**{one.name: one.of_preset(name) for one in settings().values()})


def usual_rates(optimiser: Optimiser) -> tuple[float, float]:
    """Return the peak learning rate and the weight decay that people begin with."""
    match optimiser:
        case "adam":
            return 3e-4, 0.0
        case "adamw":
            return 1e-3, 0.05
        case "sgd":
            return 0.05, 5e-4

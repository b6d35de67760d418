"""What a model file says about itself: enough to use it, repeat it and doubt it.

Imports no Paddle, so a list of models is quick to draw.
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from numpy.typing import NDArray

from core.config import (
    ARCHITECTURES,
    N_CLASSES_RANGE,
    Architecture,
    Preprocessing,
    TrainingConfig,
)
from core.errors import ConfigError, Message
from core.tensor_file import DTYPE_NAMES, DTYPES

Extras = dict[str, NDArray[Any]]

EXTRA_DTYPES: Final = ("F32", "I32", "U8")
MAX_BYTES: Final = 64 * 2**20
_MAX_COUNT, _MAX_DIMENSIONS = 16, 4
_NAME = re.compile(r"novelty(\.[a-z_]{1,40}){1,3}")  # no network has such a name


def describe_extras(extras: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """What a card says of them.

    Raises:
        ValueError: They are not such as a model file may hold.
    """
    described = {
        name: {"dtype": DTYPE_NAMES.get(array.dtype, ""), "shape": list(array.shape)}
        for name, array in extras.items()
    }
    if not are_extras(described):
        raise ValueError("tensors that no model file may hold")
    return described


def are_extras(values: object) -> bool:
    """Whether a card may say this: few, small, of known types, and named unlike a network's."""
    if not isinstance(values, Mapping) or len(values) > _MAX_COUNT:
        return False
    if not all(
        isinstance(name, str) and _NAME.fullmatch(name) and _is_entry(entry)
        for name, entry in values.items()
    ):
        return False
    return sum(n_bytes(entry) for entry in values.values()) <= MAX_BYTES


def n_bytes(entry: Mapping[str, Any]) -> int:
    """The bytes of a tensor that a card describes."""
    return math.prod(entry["shape"]) * DTYPES[entry["dtype"]].itemsize


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, Mapping)
        and set(entry) == {"dtype", "shape"}
        and isinstance(entry["dtype"], str)
        and entry["dtype"] in EXTRA_DTYPES
        and isinstance(entry["shape"], list | tuple)
        and 1 <= len(entry["shape"]) <= _MAX_DIMENSIONS
        and all(type(side) is int and 1 <= side <= MAX_BYTES for side in entry["shape"])
    )


FORMAT_VERSION = 2  # 1 had no tensors but the network's
FORMAT_VERSIONS = (1, 2)
DISCLAIMER = "Research and teaching only, never diagnosis."
LANGUAGES = frozenset({"en", "zh_CN"})
PARTS = frozenset({"train", "validation", "test", "kept"})
PROGRAMS = frozenset({"python", "paddle", "numpy", "pneumoscope"})
MAX_NAME_LENGTH = 200  # characters of a class name


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """The description that travels inside a model file.

    Raises:
        ConfigError: A value is not what it must be; its name is told.
    """

    architecture: Architecture
    classes: tuple[str, ...]  # folder names, in the order of the logits
    display_names: Mapping[str, Mapping[str, str]]  # class -> language -> name
    preprocessing: Preprocessing
    reader_version: int  # of the image reader the network was trained with, 1 or more
    training: TrainingConfig
    dataset: Mapping[str, str]  # "name" and "fingerprint"
    split: Mapping[str, tuple[str, ...]]  # part -> digests of the files in it
    metrics: Mapping[str, Any]  # JSON: numbers on the validation and test images
    history: Mapping[str, int]  # "best_epoch" (0: none was better than another) and "epochs"
    versions: Mapping[str, str]  # python, paddle, numpy, pneumoscope
    created: str  # ISO 8601, UTC
    calibration: Mapping[str, Any] | None = None
    novelty: Mapping[str, Any] | None = None
    operating_points: Mapping[str, Any] | None = None
    # Tensors that are none of the network's: name -> "dtype" and "shape"; `save_model` fills it in.
    extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    tensors_sha256: str = ""  # hexadecimal; `save_model` fills it in
    disclaimer: str = DISCLAIMER
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        _require(
            "format_version",
            _is_count(self.format_version) and self.format_version in FORMAT_VERSIONS,
        )
        _require("architecture", self.architecture in ARCHITECTURES)
        _require("classes", _are_classes(self.classes))
        _require("display_names", _are_display_names(self.display_names, self.classes))
        _require("preprocessing", isinstance(self.preprocessing, Preprocessing))
        _require("reader_version", _is_count(self.reader_version) and self.reader_version >= 1)
        _require("training", isinstance(self.training, TrainingConfig))
        _require("dataset", _is_text_map(self.dataset, {"name", "fingerprint"}))
        _require("split", _is_split(self.split))
        _require("metrics", isinstance(self.metrics, Mapping))
        _require("history", _is_history(self.history))
        _require("versions", _is_text_map(self.versions, PROGRAMS))
        _require("created", _is_utc(self.created))
        for name in ("calibration", "novelty", "operating_points"):
            value = getattr(self, name)
            _require(name, value is None or isinstance(value, Mapping))
        _require("extras", are_extras(self.extras))
        _require("tensors_sha256", _is_sha256(self.tensors_sha256) or self.tensors_sha256 == "")
        _require("disclaimer", isinstance(self.disclaimer, str))

    def to_json(self) -> dict[str, Any]:
        """The values as plain JSON types."""
        return {
            **dataclasses.asdict(self),
            "preprocessing": self.preprocessing.to_json(),
            "training": self.training.to_json(),
        }

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read what `to_json` wrote, also after a passage through JSON text.

        Raises:
            ConfigError: A name is missing or unknown, or a value is not what it must be.
        """
        plain = _complete(cls, values)
        # A missing size or scale would be filled with a default and change every answer.
        for name in Preprocessing.model_fields:
            if name not in Preprocessing.from_json(plain["preprocessing"]).model_fields_set:
                raise ConfigError(
                    Message("{kind} lacks the entry {name}.", kind="Preprocessing", name=name)
                )
        _require("training", isinstance(plain["training"], Mapping))
        _require("classes", isinstance(plain["classes"], list | tuple))
        _require("split", isinstance(plain["split"], Mapping))
        plain["preprocessing"] = Preprocessing.from_json(plain["preprocessing"])
        plain["training"] = TrainingConfig.from_json(plain["training"])
        plain["classes"] = tuple(plain["classes"])
        plain["split"] = {
            part: tuple(digests) if isinstance(digests, list | tuple) else digests
            for part, digests in plain["split"].items()
        }
        return cls(**plain)


def _complete(kind: type[Any], values: object) -> dict[str, Any]:
    """Return `values` as a dict, once every name of `kind` is there and none is unknown."""
    if not isinstance(values, Mapping):
        raise ConfigError(
            Message("The settings of {kind} are not a JSON object.", kind=kind.__name__)
        )
    for item in dataclasses.fields(kind):
        has_default = not (
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        )
        if item.name not in values and not has_default:
            raise ConfigError(
                Message("{kind} lacks the entry {name}.", kind=kind.__name__, name=item.name)
            )
    unknown = sorted(
        str(name) for name in set(values) - {one.name for one in dataclasses.fields(kind)}
    )
    if unknown:
        raise ConfigError(
            Message(
                "{kind} has no setting called {names}.",
                kind=kind.__name__,
                names=", ".join(unknown),
            )
        )
    return dict(values)


def _require(name: str, is_valid: bool) -> None:
    if not is_valid:
        raise ConfigError(
            Message("The entry {name} of a model's description is not valid.", name=name)
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and 1 <= len(value) <= MAX_NAME_LENGTH
        # Halves of surrogate pairs (undecodable folder names) fit into no UTF-8 file.
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_utc(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _are_classes(classes: object) -> bool:
    low, high = N_CLASSES_RANGE
    return (
        isinstance(classes, tuple)
        and low <= len(classes) <= high
        and all(_is_name(name) for name in classes)
        and len(set(classes)) == len(classes)
    )


def _is_history(values: object) -> bool:
    return (
        isinstance(values, Mapping)
        and set(values) == {"best_epoch", "epochs"}
        and all(_is_count(value) for value in values.values())
    )


def _is_text_map(values: object, keys: set[str] | frozenset[str]) -> bool:
    return (
        isinstance(values, Mapping)
        and set(values) == keys
        and all(isinstance(value, str) for value in values.values())
    )


def _are_display_names(names: object, classes: tuple[str, ...]) -> bool:
    return (
        isinstance(names, Mapping)
        and set(names) == set(classes)
        and all(_is_text_map(spoken, LANGUAGES) for spoken in names.values())
        and all(_is_name(name) for spoken in names.values() for name in spoken.values())
    )


def _is_split(split: object) -> bool:
    return (
        isinstance(split, Mapping)
        and set(split) == PARTS
        and all(isinstance(digests, tuple) for digests in split.values())
        and all(_is_sha256(digest) for digests in split.values() for digest in digests)
    )

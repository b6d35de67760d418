"""The description inside a model file: enough to use the model, repeat it and doubt it.

Imports no Paddle, so a list of models is quick to draw.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from core.config import N_CLASSES_RANGE, Architecture, Preprocessing, TrainingConfig
from core.errors import ConfigError, Message, PneumoScopeError
from core.models.dataset_findings import DatasetFindings
from core.schema import StrictModel, sentence, shown
from core.tensor_file import DTYPE_NAMES, DTYPES

Extras = dict[str, NDArray[Any]]

# 1 had no tensors but the network's, 2 knew nothing of its training dataset, 3 had no checksum of
# the card.
FORMAT_VERSION = 4
FIRST_WITH_CHECKSUM: Final = 4
DISCLAIMER = "Research and teaching only, never diagnosis."
LANGUAGES = frozenset({"en", "zh_CN"})
PARTS = frozenset({"train", "validation", "test", "kept"})
PROGRAMS = frozenset({"python", "paddle", "numpy", "pneumoscope"})
MAX_NAME_LENGTH = 200  # characters of a class name
MAX_EXTRA_BYTES: Final = 64 * 2**20
_MAX_EXTRAS, _MAX_DIMENSIONS = 32, 4


def _with_keys(keys: frozenset[str]) -> AfterValidator:
    def check(values: dict[str, Any]) -> dict[str, Any]:
        if set(values) != keys:
            raise ValueError("other names")
        return values

    return AfterValidator(check)


def _as_text(name: str) -> str:
    name.encode("utf-8")  # halves of surrogate pairs (undecodable folder names) fit into no file
    return name


def _as_utc(time: str) -> str:
    if datetime.fromisoformat(time).utcoffset() != timedelta(0):
        raise ValueError("not UTC")
    return time


def _as_complete(values: object) -> object:
    """Refuse preprocessing with a missing part: a default would change every answer."""
    if isinstance(values, Mapping):
        for name in Preprocessing.model_fields:
            if name not in values:
                raise ConfigError(
                    Message("{kind} lacks the entry {name}.", kind="Preprocessing", name=name)
                )
    return values


class ExtraType(BaseModel):
    """Type and shape of a tensor beside the network's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dtype: Literal["F32", "I32", "U8"]
    shape: tuple[Annotated[int, Field(ge=1, le=MAX_EXTRA_BYTES)], ...] = Field(
        min_length=1, max_length=_MAX_DIMENSIONS, strict=False
    )

    @property
    def n_bytes(self) -> int:
        """Bytes of the tensor."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


def _as_few(extras: dict[str, ExtraType]) -> dict[str, ExtraType]:
    if sum(entry.n_bytes for entry in extras.values()) > MAX_EXTRA_BYTES:
        raise ValueError("too many bytes")
    return extras


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_as_text)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Digests = Annotated[tuple[Digest, ...], Field(strict=False)]
Count = Annotated[int, Field(ge=0)]
# No network has such a name.
ExtraName = Annotated[str, Field(pattern=r"^novelty(\.[a-z_]{1,40}){1,3}$")]
ExtraTypes = Annotated[
    dict[ExtraName, ExtraType], Field(max_length=_MAX_EXTRAS), AfterValidator(_as_few)
]
_EXTRA_TYPES: Final[TypeAdapter[dict[str, ExtraType]]] = TypeAdapter(ExtraTypes)


def describe_extras(extras: Mapping[str, NDArray[Any]]) -> dict[str, ExtraType]:
    """Return a card's description of tensors beside the network's.

    Raises:
        ValueError: They are not such as a model file may hold.
    """
    described = {
        name: {"dtype": DTYPE_NAMES.get(array.dtype), "shape": array.shape}
        for name, array in extras.items()
    }
    try:
        return _EXTRA_TYPES.validate_python(described)
    except ValidationError as error:
        raise ValueError("tensors that no model file may hold") from error


class ModelCard(StrictModel):
    """The description that travels inside a model file.

    Raises:
        ConfigError: A value is not what it must be; its name is told.
    """

    architecture: Architecture
    # Folder names, in the order of the logits.
    classes: tuple[Name, ...] = Field(
        min_length=N_CLASSES_RANGE[0], max_length=N_CLASSES_RANGE[1], strict=False
    )
    display_names: dict[str, Annotated[dict[str, Name], _with_keys(LANGUAGES)]]  # by class
    preprocessing: Annotated[Preprocessing, BeforeValidator(_as_complete)]
    reader_version: int = Field(ge=1)  # of the image reader the network was trained with
    training: TrainingConfig
    dataset: Annotated[dict[str, str], _with_keys(frozenset({"name", "fingerprint"}))]
    split: Annotated[dict[str, Digests], _with_keys(PARTS)]  # digests of the files in each part
    metrics: dict[str, Any]  # JSON: numbers on the validation and test images
    # "best_epoch" is 0 where none was better than another.
    history: Annotated[dict[str, Count], _with_keys(frozenset({"best_epoch", "epochs"}))]
    versions: Annotated[dict[str, str], _with_keys(PROGRAMS)]
    created: Annotated[str, AfterValidator(_as_utc)]  # ISO 8601
    findings: DatasetFindings | None = None  # None: nobody looked
    # Subtracted from the last layer's bias: the logarithms of the classes' weights in training.
    prior_correction: tuple[Annotated[float, Field(ge=-20, le=20)], ...] = Field(
        default=(), strict=False
    )
    calibration: dict[str, Any] | None = None
    novelty: dict[str, Any] | None = None
    operating_points: dict[str, Any] | None = None
    # Tensors that are none of the network's; `save_model` fills it in.
    extras: ExtraTypes = Field(default_factory=dict)
    tensors_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""  # by `save_model`
    # Of all else in the card, see `card_checksum`; as the card holds the tensors' checksum, this
    # one covers the whole file. By `save_model`.
    card_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    disclaimer: str = DISCLAIMER
    format_version: int = Field(default=FORMAT_VERSION, ge=1, le=FORMAT_VERSION)

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise _invalid("classes")
        if set(self.display_names) != set(self.classes):
            raise _invalid("display_names")
        if self.prior_correction and (
            len(self.prior_correction) != len(self.classes) or self.training.class_balance == "none"
        ):
            raise _invalid("prior_correction")
        if self.findings is not None and set(self.findings.counts) != set(self.classes):
            raise _invalid("findings")
        return self

    @classmethod
    def refusal(cls, error: ValidationError) -> PneumoScopeError:
        """Name the first entry that is missing or not valid."""
        details = error.errors(include_url=False, include_context=False)
        places = [
            one["loc"] for one in details if one["type"] == "missing" and len(one["loc"]) == 1
        ]
        if places:
            return ConfigError(
                Message("{kind} lacks the entry {name}.", kind=cls.__name__, name=places[0][0])
            )
        if not details[0]["loc"] or details[0]["type"] == "extra_forbidden":
            return ConfigError(sentence(cls, error))
        return _invalid(shown(details[0]["loc"][0]))


def card_checksum(values: Mapping[str, Any]) -> str:
    """Return the sha256 over a card's JSON values but for the checksum itself.

    Args:
        values: As they are in the file, or as `ModelCard.to_json` gives them.
    """
    others = {name: value for name, value in values.items() if name != "card_sha256"}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode("ascii")).hexdigest()


def _invalid(name: str) -> ConfigError:
    return ConfigError(
        Message("The entry {name} of a model's description is not valid.", name=name)
    )

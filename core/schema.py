"""Checked, unchangeable values: made from and written as JSON, refused in sentences."""

from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from core.errors import ConfigError, Message, PneumoScopeError

_SHOWN_CHARACTERS = 300  # of a value that is refused


class StrictModel(BaseModel):
    """Base of all values that come from files and users.

    Nothing is converted but whole numbers to fractions; unknown names, NaN and infinity are
    refused. A subclass's `refusal` says which error that is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_in_words(cls, values: Any, handler: Any) -> Self:
        try:
            model: Self = handler(values)
        except ValidationError as error:
            raise cls.refusal(error) from error
        return model

    @classmethod
    def refusal(cls, error: ValidationError) -> PneumoScopeError:
        """Return the error to raise in place of pydantic's."""
        return ConfigError(sentence(cls, error))

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Make the value from a JSON object that was parsed.

        Raises:
            ConfigError: It is no object, a name is unknown or missing, or a value is refused.
        """
        return cls.model_validate(values)

    def to_json(self) -> dict[str, Any]:
        """Return the values as plain JSON types."""
        return self.model_dump(mode="json")

    def changed(self, **values: Any) -> Self:
        """Return a checked copy in which these values are others.

        Raises:
            ConfigError: A name is unknown or a value is refused.
        """
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**kept, **values})


def sentence(kind: type[BaseModel], error: ValidationError) -> Message:
    """Say in one sentence why `kind` refuses its values.

    Unknown names go first, then missing ones, then the first value that is refused.
    """
    details = error.errors(include_url=False, include_context=False)
    if not details[0]["loc"]:
        return Message("The settings of {kind} are not a JSON object.", kind=kind.__name__)
    if unknown := _names(details, "extra_forbidden", "invalid_key"):
        return Message(
            "{kind} has no setting called {names}.", kind=kind.__name__, names=", ".join(unknown)
        )
    if missing := _names(details, "missing"):
        return Message(
            "{kind} lacks the setting {names}.", kind=kind.__name__, names=", ".join(missing)
        )
    return _value_sentence(kind, details[0])


def _names(details: list[ErrorDetails], *types: str) -> list[str]:
    return sorted(shown(one["loc"][0]) for one in details if one["type"] in types)


def _value_sentence(kind: type[BaseModel], details: ErrorDetails) -> Message:
    name = str(details["loc"][0])
    field = kind.model_fields[name]
    template = field.title or name
    title, value = Message(template), shown(details["input"])
    low, high = limits(field)
    if get_origin(field.annotation) is Literal:
        choices = ", ".join(str(choice) for choice in get_args(field.annotation))
        return Message(
            "{name} is {value}; choose one of: {choices}.", name=title, value=value, choices=choices
        )
    if field.annotation is bool:
        return Message("{name} is {value}; it must be true or false.", name=title, value=value)
    if field.annotation is int and details["type"] == "int_type":
        return Message("{name} is {value}; it must be a whole number.", name=title, value=value)
    if low is not None and high is not None:
        return out_of_range(title, value, low, high)
    if field.annotation is str:
        longest = next((one.max_length for one in field.metadata if hasattr(one, "max_length")), 0)
        return Message(
            "{name} is {value}; it must be a text of at most {longest} characters.",
            name=title,
            value=value,
            longest=longest,
        )
    return Message("{name} of {kind} is not valid.", name=title, kind=kind.__name__)


def out_of_range(name: Message, value: object, low: float, high: float) -> Message:
    """Say that a number lies outside its range."""
    return Message(
        "{name} is {value}; it must lie between {low} and {high}.",
        name=name,
        value=value,
        low=low,
        high=high,
    )


def limits(field: FieldInfo) -> tuple[Any, Any]:
    """Return the least and the greatest value of a field; None where there is none."""
    low = next((one.ge for one in field.metadata if hasattr(one, "ge")), None)
    high = next((one.le for one in field.metadata if hasattr(one, "le")), None)
    return low, high


def shown(value: object) -> str:
    """Return a refused value as text that is not too long and that any file can take."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or deep nesting
        text = type(value).__name__
    return text[:_SHOWN_CHARACTERS].encode("utf-8", "replace").decode()

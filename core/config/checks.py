"""Values that come from outside are refused by name when they are not what they must be."""

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

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

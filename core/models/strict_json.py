"""JSON from strangers: one object without repeated names, infinities or excess."""

import json
import math
from typing import Any

MAX_ITEMS = 2_000_000  # a list of 100 MB of empty lists would unpack to several GB
MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1


def parse_object(text: bytes | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: It is anything else, or larger or deeper than one of ours could be.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if text.count(",") > MAX_ITEMS:
        raise ValueError("too many items")
    try:
        values = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_small,
        )
        _check_tree(values, MAX_DEPTH)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name occurs twice")
    return values


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("number too large")
    return value


def _small(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError("number too large")
    return value


def _check_tree(value: object, levels: int) -> None:
    """Refuse deep nesting, and halves of surrogate pairs, which no file or screen can take."""
    if levels == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode("utf-8")
            _check_tree(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _check_tree(item, levels - 1)

"""Tensors that travel in a model file beside the network's: what it remembers of its films.

A card lists them, so that a reader knows every byte of the file before it reads one.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Extras = dict[str, NDArray[Any]]

# As safetensors calls them, in the order in which it writes them.
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}
MAX_BYTES: Final = 64 * 2**20
_MAX_COUNT, _MAX_DIMENSIONS = 16, 4
_NAME = re.compile(r"novelty(\.[a-z_]{1,40}){1,3}")  # no network has such a name


def describe_extras(extras: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """What a card says of them.

    Raises:
        ValueError: They are not such as a model file may hold.
    """
    names = {dtype: name for name, dtype in DTYPES.items()}
    described = {
        name: {"dtype": names.get(array.dtype, ""), "shape": list(array.shape)}
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
        and entry["dtype"] in DTYPES
        and isinstance(entry["shape"], list | tuple)
        and 1 <= len(entry["shape"]) <= _MAX_DIMENSIONS
        and all(type(side) is int and 1 <= side <= MAX_BYTES for side in entry["shape"])
    )

"""Tensors of foreign files as float32 arrays, whatever they were stored as."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

# Name -> array; None where the file has no fractions there (counters, for instance).
ForeignTensors = Mapping[str, NDArray[np.float32] | None]

_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}  # safetensors' names


def as_float32(
    data: bytes | memoryview, kind: str, shape: Sequence[int], order: str = "C"
) -> NDArray[np.float32] | None:
    """Copy a tensor out of a file's bytes.

    Args:
        data: Exactly the tensor's bytes.
        kind: A type as safetensors or numpy writes it: "BF16", "<f4". bfloat16 travels as
            "<u2" in Paddle's files.
        shape: Of the result.
        order: "C" or "F", as numpy means them.

    Returns:
        Values too large for float32 are infinite; None for types that hold no fractions.

    Raises:
        ValueError: The bytes are not as many as the shape needs.
    """
    if kind in ("BF16", "<u2", ">u2"):
        # bfloat16 is the upper half of a float32.
        words = np.frombuffer(data, ">u2" if kind == ">u2" else "<u2").astype(np.uint32) << 16
        flat = words.view(np.float32)
    else:
        stored = _FLOATS.get(kind, kind)
        if stored[1:] not in ("f2", "f4", "f8"):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            flat = np.frombuffer(data, stored).astype(np.float32)
    if flat.size != math.prod(shape):
        raise ValueError("bytes and shape differ")
    values = flat.reshape(tuple(shape), order="F" if order == "F" else "C")
    return np.ascontiguousarray(values).reshape(tuple(shape))  # a scalar would become (1,)

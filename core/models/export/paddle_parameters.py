"""Weights in the one file that Paddle's inference engine reads beside a program.

The format is that of Paddle's `save_combine`: the tensors follow each other in the order of
their names, each with a version, its levels of detail (none), a version again, a protobuf
message of its type and sides, and its bytes. Written here because Paddle's own writer needs
a second network to write from.
"""

import struct
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from core.models.export import protobuf

_FLOAT32 = 5  # framework.proto: VarType.FP32
_TYPE, _SIDE = 1, 2  # framework.proto: fields of TensorDesc


def parameter_parts(weights: Mapping[str, NDArray[np.float32]]) -> Iterator[bytes | memoryview]:
    """The pieces of the file, one after the other.

    Args:
        weights: Little-endian float32 in C order; at least one side each, none of them 0.
    """
    for name in sorted(weights):
        array = weights[name]
        sides = [piece for side in array.shape for piece in protobuf.number(_SIDE, side)]
        message = b"".join(protobuf.number(_TYPE, _FLOAT32) + sides)
        yield struct.pack("<IQIi", 0, 0, 0, len(message)) + message
        yield array.reshape(-1).data.cast("B")  # shape -> (bytes,)

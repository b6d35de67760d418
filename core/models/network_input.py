"""How grey levels become the network's input, on the device that computes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.runtime.paddle_library import paddle


def place_of(network: Any) -> Any:
    """Where the network computes.

    Paddle's current device is one for the whole process: a model opened elsewhere in it
    changes it under a training that runs.
    """
    return next(iter(network.parameters())).place


def to_input(images: NDArray[np.uint8], preprocessing: Preprocessing, place: Any = None) -> Any:
    """A batch as the network wants it: `(x / 255 - mean) / std`, grey repeated thrice.

    Bytes travel to the device and become floats there: a quarter of the traffic.

    Args:
        images: (N, S, S) or (N, S, S, 3), 0..255.
        preprocessing: Mean and standard deviation of all channels.
        place: The network's, from `place_of`; None takes Paddle's current device.

    Returns:
        A float32 tensor (N, 3, S, S).
    """
    values = paddle.to_tensor(np.ascontiguousarray(images), place=place).astype("float32")
    slope = 1.0 / (255.0 * preprocessing.std)
    values = values * slope - preprocessing.mean / preprocessing.std
    if values.ndim == 3:
        n, height, width = values.shape
        return values.unsqueeze(1).expand([n, 3, height, width])  # (N, 1, S, S) -> (N, 3, S, S)
    return values.transpose([0, 3, 1, 2])  # (N, S, S, 3) -> (N, 3, S, S)

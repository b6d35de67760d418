"""From images to logits, with no gradients kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.models.network_input import place_of, to_input
from core.runtime.memory import memory_for
from core.runtime.paddle_library import paddle


def compute_logits(
    network: Any, images: NDArray[np.uint8], preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Logits (N, C) of images (N, S, S) or (N, S, S, 3); the network is left in eval mode.

    Raises:
        DeviceError: The device's memory does not hold the images.
    """
    network.eval()
    with paddle.no_grad(), memory_for(len(images)):  # no_grad holds for this thread only
        values = to_input(images, preprocessing, place_of(network))
        logits: NDArray[np.float32] = network(values).numpy()
    return logits


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis; each row sums to 1."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)

"""From images to answers, with no gradients kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.models.resnet import place_of, to_input
from core.prediction.calibration import Outputs
from core.runtime.memory import memory_for
from core.runtime.paddle import paddle


def compute_outputs(
    network: Any, images: NDArray[np.uint8], preprocessing: Preprocessing
) -> Outputs:
    """Logits and last feature maps of images (N, S, S) or (N, S, S, 3), in one pass.

    Raises:
        DeviceError: The device's memory does not hold the images.
    """
    network.eval()
    with paddle.no_grad(), memory_for(len(images)):
        values = to_input(images, preprocessing, place_of(network))
        maps = network.features(values)
        return Outputs(network.classify(maps).numpy(), maps.numpy())

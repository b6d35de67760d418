"""A network of the same build that has learned nothing, to compare maps with.

Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018): a map that looks the same with
random weights shows the film, not what was learned.
"""

import threading
from functools import lru_cache
from typing import Any, Final

import numpy as np

from core.config import Architecture
from core.models.resnet import build_resnet
from core.models.weights import Weights, expected_shapes, load_arrays
from core.runtime.threads import BUILDING

_SEED: Final = 2018
_ONE_TWIN_AT_A_TIME: Final = threading.Lock()


def random_twin(architecture: Architecture, n_classes: int) -> Any:
    """The network, in evaluation mode; always the same weights. The latest is kept."""
    with _ONE_TWIN_AT_A_TIME:
        return _twin(architecture, n_classes)


def random_weights(architecture: Architecture, n_classes: int, seed: int = _SEED) -> Weights:
    """Weights as networks begin with; Paddle's generator, which trainings share, is not seeded.

    Convolutions by He et al. (2015), eq. 14; the last layer uniform as torchvision's; norms
    that change nothing.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in expected_shapes(architecture, n_classes).items():
        if len(shape) == 4:
            spread = np.sqrt(2 / (shape[0] * shape[2] * shape[3]))
            weights[name] = random.standard_normal(shape, np.float32) * np.float32(spread)
        elif name.startswith("fc."):
            bound = shape[-1] ** -0.5
            weights[name] = random.uniform(-bound, bound, shape).astype(np.float32)
        else:
            is_one = name.endswith(("weight", "running_var"))
            weights[name] = np.full(shape, float(is_one), np.float32)
    return weights


@lru_cache(1)
def _twin(architecture: Architecture, n_classes: int) -> Any:
    with BUILDING:
        network = build_resnet(architecture, n_classes)
    load_arrays(network, random_weights(architecture, n_classes))
    network.eval()
    return network

"""How far another form of a network may be from the network itself."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.models.network_input import place_of, to_input
from core.runtime.paddle_library import paddle

TOLERANCE: Final = 1e-4  # in the unit of `largest_difference`
_N_FILMS = 2
_N_BLOBS = 8  # along each side


def made_up_films(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Bright and dark blobs under noise, (N, S, S): something for every filter to find."""
    size = preprocessing.image_size
    rng = np.random.default_rng(0)
    blobs = rng.integers(0, 256, (_N_FILMS, _N_BLOBS, _N_BLOBS))
    large = np.kron(blobs, np.ones((1, -(-size // _N_BLOBS), -(-size // _N_BLOBS)), int))
    noisy = large[:, :size, :size] + rng.normal(0, 8, (_N_FILMS, size, size))
    return noisy.clip(0, 255).astype(np.uint8)


def eager_outputs(
    network: Any, films: NDArray[np.uint8], preprocessing: Preprocessing
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The network's input, its logits and its last feature maps, from films (N, S, S[, 3])."""
    with paddle.no_grad():
        images = to_input(films, preprocessing, place_of(network))
        maps = network.features(images)
        return images.numpy(), network.classify(maps).numpy(), maps.numpy()


def largest_difference(
    got: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]]
) -> float:
    """Between outputs, in units of the largest value wanted (of 1 where all are smaller)."""
    return max(
        float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))
        for one, other in zip(got, wanted, strict=True)
    )

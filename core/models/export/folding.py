"""Batch norms folded into the convolutions before them: half the tensors, the same answers.

In evaluation mode a batch norm is a scale and a shift for each channel, so it can be part
of the weights before it. Imports no Paddle.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture
from core.models.weights import Weights, expected_shapes

EPSILON = 1e-5  # of Paddle's and torchvision's batch norm, added to the variance


def fold(weights: Mapping[str, NDArray[np.float32]]) -> Weights:
    """A network's tensors without batch norms, in the order of their names.

    Args:
        weights: In torchvision's layout, see `core.models.weights.to_arrays`.

    Returns:
        `NAME.weight` (out, in, k, k) and `NAME.bias` (out,) of each convolution, `fc.weight`
        (F, C) as Paddle holds it, and `fc.bias` (C,).
    """
    folded: Weights = {"fc.weight": weights["fc.weight"].T, "fc.bias": weights["fc.bias"]}
    for name, array in weights.items():
        if array.ndim != 4:
            continue
        convolution = name.removesuffix(".weight")
        norm = _norm_after(convolution)
        variance = weights[f"{norm}.running_var"].astype(np.float64)
        scale = weights[f"{norm}.weight"] / np.sqrt(variance + EPSILON)
        shift = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        # (out,) -> (out, 1, 1, 1)
        folded[name] = array * scale[:, None, None, None].astype(np.float32)
        folded[f"{convolution}.bias"] = shift.astype(np.float32)
    return {name: np.ascontiguousarray(folded[name], "<f4") for name in sorted(folded)}


def folded_shapes(architecture: Architecture, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that `fold` makes, in the order of their names."""
    shapes = expected_shapes(architecture, n_classes)
    folded = {"fc.weight": shapes["fc.weight"][::-1], "fc.bias": shapes["fc.bias"]}
    for name, shape in shapes.items():
        if len(shape) == 4:
            folded |= {name: shape, f"{name.removesuffix('.weight')}.bias": shape[:1]}
    return dict(sorted(folded.items()))


def _norm_after(convolution: str) -> str:
    """`layer1.0.conv2` -> `layer1.0.bn2`; `layer2.0.downsample.0` -> `layer2.0.downsample.1`."""
    if convolution.endswith("downsample.0"):
        return f"{convolution[:-1]}1"
    block, _, last = convolution.rpartition("conv")
    return f"{block}bn{last}"

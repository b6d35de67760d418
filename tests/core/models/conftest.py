"""Weights of the right shapes and no meaning, in whatever order a test writes them."""

import pickle

import numpy as np
import pytest

from core.models.weights import expected_shapes


def _tensors(architecture="resnet18", n_classes=1000, fill=0.5):
    """Every tensor of a network under torchvision's names; broadcast, so it takes no memory."""
    shapes = expected_shapes(architecture, n_classes)
    return {name: np.broadcast_to(np.float32(fill), size) for name, size in shapes.items()}


@pytest.fixture(scope="session")
def tensors():
    return _tensors


@pytest.fixture(scope="session")
def pickled():
    """The bytes of a small dictionary of arrays, as Paddle writes it."""

    def write(protocol=4, **extra):
        values = {
            "conv1.weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
            "fc.weight": np.arange(6, dtype="f8").reshape(2, 3),
            "StructuredToParameterName@@": {"conv1.weight": "conv2d_0.w_0"},
            **extra,
        }
        return pickle.dumps(values, protocol)

    return write

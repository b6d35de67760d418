"""Our writer of Paddle's parameter files against Paddle's own."""

import numpy as np

from core.models.paddle_inference import (
    FoldedNetwork,
    fold,
    folded_shapes,
    parameter_parts,
    save_traced,
)
from core.models.weights import PLANS, to_arrays
from tests.core.models.networks import network_of
from tests.core.training.narrow import make_narrow


def test_the_file_is_the_one_that_paddle_writes(monkeypatch, tmp_path):
    make_narrow(monkeypatch.setattr)
    weights = fold(to_arrays(network_of("resnet50")))
    network = FoldedNetwork(PLANS["resnet50"], folded_shapes("resnet50", 3))
    for parameter in network.parameters():
        parameter.set_value(weights[parameter.name])
    save_traced(network, tmp_path)
    assert (tmp_path / "network.pdiparams").read_bytes() == b"".join(parameter_parts(weights))


def test_an_array_is_not_copied():
    array = np.ones((2, 3), "<f4")
    *_, last = parameter_parts({"a": array})
    assert np.shares_memory(np.frombuffer(last, np.float32), array)

"""Our writer of Paddle's parameter files against Paddle's own."""

import numpy as np

from core.models.export.folding import fold, folded_shapes
from core.models.export.paddle_parameters import parameter_parts
from core.models.export.paddle_program import _FoldedNetwork
from core.models.weights import PLANS, to_arrays
from core.runtime.paddle_library import paddle
from tests.core.models.export.networks import network_of
from tests.core.training.narrow import make_narrow


def test_the_file_is_the_one_that_paddle_writes(monkeypatch, tmp_path):
    make_narrow(monkeypatch.setattr)
    weights = fold(to_arrays(network_of("resnet50")))
    network = _FoldedNetwork(PLANS["resnet50"], folded_shapes("resnet50", 3))
    for parameter in network.parameters():
        parameter.set_value(weights[parameter.name])
    network.eval()
    spec = paddle.static.InputSpec([None, 3, 64, 64], "float32", "images")
    paddle.jit.save(network, str(tmp_path / "theirs"), input_spec=[spec])
    assert (tmp_path / "theirs.pdiparams").read_bytes() == b"".join(parameter_parts(weights))


def test_an_array_is_not_copied():
    array = np.ones((2, 3), "<f4")
    *_, last = parameter_parts({"a": array})
    assert np.shares_memory(np.frombuffer(last, np.float32), array)

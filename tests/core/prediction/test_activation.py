from typing import Any

import numpy as np
import pytest

from core.models.resnet import build_resnet
from core.models.weights import load_arrays, random_weights
from core.prediction.calibration import Outputs
from core.prediction.explanation import class_activation_maps
from core.runtime.paddle import F, paddle
from tests.core.training.narrow import make_narrow


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Any:
    make_narrow(monkeypatch.setattr)
    network = build_resnet("resnet18", 4)
    load_arrays(network, random_weights("resnet18", 4, seed=1))
    network.eval()
    return network


@pytest.fixture
def images() -> Any:
    values = np.random.default_rng(0).standard_normal((1, 3, 160, 160), np.float32)
    return paddle.to_tensor(values)


def outputs_of(network: Any, images: Any) -> Outputs:
    with paddle.no_grad():
        maps = network.features(images)
        return Outputs(network.fc(maps.mean(axis=[2, 3])).numpy(), maps.numpy())


@pytest.mark.parametrize("label", range(4))
def test_the_maps_are_those_of_grad_cam(label: int, network: Any, images: Any) -> None:
    """Selvaraju et al. (ICCV 2017), eq. 1 and 2, the gradients by Paddle."""
    maps = network.features(images)
    maps.stop_gradient = False
    logit = network.fc(maps.mean(axis=[2, 3]))[0, label]
    (slopes,) = paddle.grad(logit, maps)
    channel_weights = slopes.mean(axis=[2, 3], keepdim=True)  # (1, F, 1, 1)
    grad_cam = F.relu((channel_weights * maps).sum(axis=1))[0].numpy()  # (h, w)
    ours = class_activation_maps(outputs_of(network, images), network.fc.weight.numpy().T)[label]
    assert ours.shape == (5, 5)
    scale = np.abs(ours).max()
    np.testing.assert_allclose(np.maximum(ours, 0) / scale, grad_cam * ours.size / scale, atol=1e-5)


def test_a_maps_mean_is_the_logit_without_its_bias(network: Any, images: Any) -> None:
    outputs = outputs_of(network, images)
    maps = class_activation_maps(outputs, network.fc.weight.numpy().T)
    logits = maps.mean(axis=(1, 2)) + network.fc.bias.numpy()
    np.testing.assert_allclose(logits, outputs.logits[0], rtol=1e-4, atol=1e-5)

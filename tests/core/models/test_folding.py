import pytest

from core.config import ARCHITECTURES
from core.models import resnet
from core.models.paddle_inference import EPSILON, fold, folded_shapes
from core.models.weights import to_arrays
from tests.core.models.networks import network_of
from tests.core.training.narrow import make_narrow


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_convolution_gets_the_shift_of_its_norm(architecture, monkeypatch):
    make_narrow(monkeypatch.setattr)
    folded = fold(to_arrays(network_of(architecture)))
    shapes = {name: array.shape for name, array in folded.items()}
    assert shapes == folded_shapes(architecture, 3)
    assert list(folded) == sorted(folded)
    assert not any("bn" in name or "running" in name for name in folded)


def test_the_variance_is_kept_from_zero_as_the_network_keeps_it(monkeypatch):
    make_narrow(monkeypatch.setattr)
    assert resnet.BatchNorm(2)._epsilon == EPSILON

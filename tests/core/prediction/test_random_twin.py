import numpy as np
import pytest

from core.models.weights import to_arrays
from core.prediction.random_twin import random_twin, random_weights
from tests.core.training.narrow import make_narrow


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    make_narrow(monkeypatch.setattr)


def test_the_twin_is_built_once_and_always_the_same() -> None:
    twin = random_twin("resnet18", 5)
    assert random_twin("resnet18", 5) is twin
    assert not twin.training
    before = to_arrays(twin)
    random_twin("resnet34", 5)  # takes its place
    after = to_arrays(random_twin("resnet18", 5))
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_random_weights_are_of_the_usual_size() -> None:
    weights = random_weights("resnet50", 3)
    wide = weights["layer4.2.conv2.weight"]
    assert wide.std() == pytest.approx(np.sqrt(2 / (wide.shape[0] * 9)), rel=0.05)
    assert np.abs(weights["fc.weight"]).max() <= weights["fc.weight"].shape[1] ** -0.5
    assert (weights["bn1.running_var"] == 1).all()
    assert not weights["bn1.running_mean"].any()


def test_another_seed_gives_other_weights() -> None:
    one, other = (random_weights("resnet18", 3, seed)["fc.weight"] for seed in (1, 2))
    assert not np.array_equal(one, other)

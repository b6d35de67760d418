import numpy as np
import pytest

from core.config import Preprocessing
from core.errors import DeviceError
from core.models.resnet import build_resnet, to_input
from core.prediction.calibration import softmax
from core.prediction.inference import compute_outputs
from core.runtime.paddle import F, paddle

PREPROCESSING = Preprocessing(image_size=32, mean=0.5, std=0.25)


def films(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32)).astype(np.uint8)


def test_logits_are_the_networks_in_evaluation_mode_without_gradients() -> None:
    network = build_resnet("resnet18", 3)
    network.train()
    logits = compute_outputs(network, films(4), PREPROCESSING).logits
    assert not network.training
    expected = network(to_input(films(4), PREPROCESSING)).numpy()
    assert logits.shape == (4, 3)
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    assert paddle.is_grad_enabled()


def test_a_film_gets_the_same_answer_alone_and_among_others() -> None:
    network = build_resnet("resnet18", 3)
    together = compute_outputs(network, films(5), PREPROCESSING).logits
    alone = compute_outputs(network, films(5)[2:3], PREPROCESSING).logits
    np.testing.assert_allclose(alone[0], together[2], atol=1e-5)


def test_a_full_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_resnet("resnet18", 3)

    def full(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(network, "features", full)
    with pytest.raises(DeviceError, match="does not hold 2 films"):
        compute_outputs(network, films(2), PREPROCESSING)


def test_softmax_is_paddles_and_survives_large_logits() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (6, 4)).astype(np.float32)
    expected = F.softmax(paddle.to_tensor(logits)).numpy()
    np.testing.assert_allclose(softmax(logits), expected, atol=1e-6)
    huge = softmax(np.array([[1e30, 0.0, -1e30]], np.float32))
    assert huge.tolist() == [[1.0, 0.0, 0.0]]
    assert huge.dtype == np.float32


def test_films_go_where_the_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_resnet("resnet18", 3)
    places = []
    real = paddle.to_tensor

    def noting(values: np.ndarray, place: object = None) -> object:
        places.append(str(place))
        return real(values, place=place)

    monkeypatch.setattr(paddle, "to_tensor", noting)
    compute_outputs(network, films(1), PREPROCESSING)
    assert places == ["Place(cpu)"]

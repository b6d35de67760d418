import threading

import numpy as np
import pytest

from core.config import ARCHITECTURES, Preprocessing
from core.errors import DeviceError
from core.models import onnx
from core.models.onnx import OnnxNetwork, onnx_file
from core.models.resnet import to_input
from core.models.weights import random_weights, to_arrays
from core.prediction.calibration import softmax
from tests.core.models.networks import eager, network_of
from tests.core.training.narrow import make_narrow

PREPROCESSING = Preprocessing(image_size=64, mean=0.5, std=0.25)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    make_narrow(monkeypatch.setattr)


def films(n, *, channels=(), seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (n, 64, 64, *channels)).astype(np.uint8)


@pytest.fixture
def network():
    return OnnxNetwork(
        onnx_file("resnet18", random_weights("resnet18", 3, 0), 64, 32), PREPROCESSING
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_network_gives_the_probabilities_of_eager_paddle(architecture):
    theirs = network_of(architecture)
    ours = OnnxNetwork(onnx_file(architecture, to_arrays(theirs), 64, 32), PREPROCESSING)
    for batch in (films(1), films(3), films(2, channels=(3,))):
        logits, maps = ours(batch)
        wanted, wanted_maps = eager(theirs, to_input(batch, PREPROCESSING).numpy())
        np.testing.assert_allclose(softmax(logits), softmax(wanted), atol=1e-5)
        np.testing.assert_allclose(maps, wanted_maps, atol=1e-4 * np.abs(wanted_maps).max())
        assert logits.dtype == maps.dtype == np.float32


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50"])
def test_the_fine_map_has_the_places_of_the_coarse_one_and_those_between(architecture):
    coarse, fine = (network_of(architecture, output_stride=stride) for stride in (32, 16))
    weights = to_arrays(coarse)
    assert {name: array.shape for name, array in to_arrays(fine).items()} == {
        name: array.shape for name, array in weights.items()
    }
    ours = OnnxNetwork(onnx_file(architecture, weights, 64, 16), PREPROCESSING)
    logits, maps = ours(films(2))
    wanted, wanted_maps = eager(fine, to_input(films(2), PREPROCESSING).numpy())
    np.testing.assert_allclose(softmax(logits), softmax(wanted), atol=1e-5)
    np.testing.assert_allclose(maps, wanted_maps, atol=1e-4 * np.abs(wanted_maps).max())
    _, few = eager(coarse, to_input(films(2), PREPROCESSING).numpy())
    assert (maps.shape[2:], few.shape[2:]) == ((4, 4), (2, 2))
    np.testing.assert_allclose(maps[:, :, ::2, ::2], few, atol=1e-4 * np.abs(few).max())


def test_an_answer_does_not_depend_on_the_films_beside_it(network):
    together = network(films(6))[0]
    alone = np.concatenate([network(film[None])[0] for film in films(6)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_threads_that_ask_at_once_get_their_own_answers(network):
    batches = [films(n, seed=n) for n in (1, 2, 3, 4)]
    alone = [network(batch)[0] for batch in batches]
    wrong = []

    def ask(number):
        for _ in range(5):
            if not np.allclose(network(batches[number])[0], alone[number], atol=1e-5):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_want_of_memory_is_said_in_words(network, monkeypatch):
    for error in (MemoryError(), Exception("Failed to allocate memory for requested buffer")):

        class Full:
            def run(self, *_, error=error):
                raise error

        monkeypatch.setattr(network, "_session", Full())
        with pytest.raises(DeviceError, match="does not hold 2 films"):
            network(films(2))


def test_what_is_no_graph_is_refused():
    with pytest.raises(RuntimeError):
        OnnxNetwork(b"no graph", PREPROCESSING)


def test_random_weights_are_of_the_usual_size():
    weights = random_weights("resnet50", 3, 2018)
    wide = weights["layer4.2.conv2.weight"]
    assert wide.std() == pytest.approx(np.sqrt(2 / (wide.shape[0] * 9)), rel=0.05)
    assert np.abs(weights["fc.weight"]).max() <= weights["fc.weight"].shape[1] ** -0.5


def test_fields_are_written_as_protocol_buffers_documentation_has_them():
    for value, written in ((0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (150, b"\x96\x01")):
        assert onnx._varint(value) == written
    inner = onnx._number(1, 150)
    assert b"".join(inner) == bytes.fromhex("089601")
    assert b"".join(onnx._text(2, "testing")) == bytes.fromhex("120774657374696e67")
    assert b"".join(onnx._real(2, 1.0)) == bytes.fromhex("150000803f")
    assert b"".join(onnx._content(3, inner)) == bytes.fromhex("1a03089601")

import threading

import numpy as np
import pytest

from core.models.paddle_inference import fold
from core.models.weights import to_arrays
from core.prediction.fast import FastNetwork
from core.runtime.memory import OutOfMemoryError
from tests.core.models.networks import eager, films, network_of, traced
from tests.core.training.narrow import make_narrow


@pytest.fixture(scope="module")
def pair():
    """The same network twice: eager and fast."""
    with pytest.MonkeyPatch.context() as patch:
        make_narrow(patch.setattr)
        network = network_of()
        return network, FastNetwork.load(traced("resnet18", 3), fold(to_arrays(network)))


def is_close(got, wanted):
    return all(
        np.abs(one - other).max() <= 1e-4 * max(1, np.abs(other).max())
        for one, other in zip(got, wanted, strict=True)
    )


DEEP = [pytest.param(name, marks=pytest.mark.slow) for name in ("resnet101", "resnet152")]


@pytest.mark.parametrize("architecture", ["resnet34", "resnet50", *DEEP])
def test_every_architecture_gives_the_eager_networks_answers(architecture, monkeypatch):
    make_narrow(monkeypatch.setattr)
    network = network_of(architecture)
    fast = FastNetwork.load(traced(architecture, 3), fold(to_arrays(network)))
    assert is_close(fast(films(2)), eager(network, films(2)))


@pytest.mark.parametrize(("n", "size"), [(1, 64), (5, 64), (1, 224), (2, 33), (3, 97)])
def test_batches_and_films_may_have_any_size(pair, n, size):
    network, fast = pair
    images = films(n, size)
    logits, maps = fast(images)
    assert is_close((logits, maps), eager(network, images))
    assert logits.dtype == maps.dtype == np.float32


def test_an_answer_does_not_depend_on_the_films_beside_it(pair):
    images = films(6)
    together = pair[1](images)[0]
    alone = np.concatenate([pair[1](images[i : i + 1])[0] for i in range(6)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_threads_that_ask_at_once_get_their_own_answers(pair):
    batches = [films(n, seed=n) for n in (1, 2, 3, 4)]
    alone = [pair[1](batch)[0] for batch in batches]
    wrong = []

    def ask(number):
        for _ in range(5):
            if not np.allclose(pair[1](batches[number])[0], alone[number], atol=1e-5):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_want_of_memory_is_said_in_words(pair, monkeypatch):
    class Full:
        def run(self):
            raise MemoryError

    monkeypatch.setattr(pair[1], "_predictor", Full())
    with pytest.raises(OutOfMemoryError, match="does not hold 2 films"):
        pair[1](films(2))

"""Networks that are built at the same time in several threads."""

import threading
from typing import Any

import numpy as np

from core.models.resnet import build_resnet
from core.models.weights import to_arrays
from core.runtime.devices import use_device
from core.runtime.paddle import seed_everything
from core.runtime.threads import BUILDING


def build(_number: int) -> Any:
    use_device("cpu")
    return build_resnet("resnet18", 3)


def test_no_two_parameters_of_a_network_have_one_name() -> None:
    networks: list[Any] = []
    threads = [
        threading.Thread(target=lambda number=number: networks.append(build(number)))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(networks) == len(threads)
    for network in networks:
        names = [parameter.name for parameter in network.parameters()]
        assert len(set(names)) == len(names)


def test_first_weights_do_not_depend_on_a_network_that_is_built_meanwhile() -> None:
    def seeded() -> dict[str, Any]:
        use_device("cpu")
        with BUILDING:
            seed_everything(5)
            return to_arrays(build_resnet("resnet18", 3))

    alone, done = seeded(), threading.Event()

    def others() -> None:
        while not done.is_set():
            build(0)

    other = threading.Thread(target=others)
    other.start()
    try:
        together = seeded()
    finally:
        done.set()
        other.join()
    for name, array in alone.items():
        np.testing.assert_array_equal(together[name], array)

import random

import numpy as np

from core.runtime.paddle import paddle, seed_everything


def draws(seed: int) -> tuple[float, float, list[float]]:
    seed_everything(seed)
    return random.random(), float(np.random.random()), paddle.rand([3]).tolist()


def test_every_generator_repeats_with_its_seed() -> None:
    assert draws(3) == draws(3)


def test_another_seed_moves_every_generator() -> None:
    assert all(one != other for one, other in zip(draws(3), draws(4), strict=True))

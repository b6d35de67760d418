"""One seed for every random generator a run touches."""

import random

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python, numpy's global generator and Paddle, so that a run can be repeated."""
    from core.runtime.paddle_library import paddle

    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)

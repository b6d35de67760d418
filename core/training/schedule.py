"""The learning rate of every step, as a pure function of where training stands."""

import math

from core.config import TrainingConfig

NATURAL_EXPONENTIAL_GAMMA = 0.6  # the notebook's: x exp(-0.6) after each epoch
# One-cycle policy: Smith and Topin 2018, "Super-Convergence"; cosine in both directions.
WARM_UP_SHARE = 0.3
START_DIVISOR = 25.0
END_DIVISOR = 1e4


def learning_rate(config: TrainingConfig, epoch: int, batch: int, batches: int) -> float:
    """The rate of one optimiser step.

    Args:
        config: Peak rate, schedule and number of epochs.
        epoch: 1-based.
        batch: 1-based within the epoch.
        batches: Of one epoch.
    """
    if config.schedule == "natural_exponential":
        return config.learning_rate * math.exp(-NATURAL_EXPONENTIAL_GAMMA * (epoch - 1))
    step = (epoch - 1) * batches + (batch - 1)
    last = max(1, config.epochs * batches - 1)
    peak_at = WARM_UP_SHARE * last
    start, end = config.learning_rate / START_DIVISOR, config.learning_rate / END_DIVISOR
    if step < peak_at:
        return _cosine(start, config.learning_rate, step / peak_at)
    return _cosine(config.learning_rate, end, (step - peak_at) / (last - peak_at))


def _cosine(begin: float, end: float, position: float) -> float:
    """From `begin` at position 0 to `end` at position 1 along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * position)) / 2

"""The learning rate of every step, as a pure function of where training stands."""

import math

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig

NATURAL_EXPONENTIAL_GAMMA = 0.6  # the notebook's: x exp(-0.6) after each epoch
# One-cycle policy: Smith and Topin 2018, "Super-Convergence"; cosine in both directions.
WARM_UP_SHARE = 0.3
START_DIVISOR = 25.0
END_DIVISOR = 1e4
EXTRA_DIVISOR = 10.0  # extra epochs begin at a tenth of the peak: enough to move, not to undo


def learning_rate(config: TrainingConfig, epoch: int, batch: int, batches: int) -> float:
    """Return the rate of one optimiser step.

    "natural_exponential" falls after each epoch; "one_cycle" rises for 30 % of the run and
    falls to nearly zero; "cosine" rises in a straight line over `warmup_epochs`, at most half
    of the run, and falls to nearly zero. Extra epochs do not change the rates of the planned
    ones: the natural exponential goes on falling, and the others begin at a tenth of the peak
    and fall to nearly zero along a cosine over all extra epochs.

    Args:
        config: Peak rate, schedule and number of epochs.
        epoch: 1-based.
        batch: 1-based within the epoch.
        batches: Of one epoch.
    """
    if config.schedule == "natural_exponential":
        return config.learning_rate * math.exp(-NATURAL_EXPONENTIAL_GAMMA * (epoch - 1))
    peak, end = config.learning_rate, config.learning_rate / END_DIVISOR
    step = (epoch - 1) * batches + (batch - 1)
    n_planned = config.epochs * batches
    if step >= n_planned:
        last = max(1, config.extra_epochs * batches - 1)
        return _cosine(peak / EXTRA_DIVISOR, end, min(1.0, (step - n_planned) / last))
    last = max(1, n_planned - 1)
    if config.schedule == "cosine":
        n_rising = min(round(config.warmup_epochs * batches), n_planned // 2)
        if step < n_rising:
            return peak * (step + 1) / (n_rising + 1)
        return _cosine(peak, end, (step - n_rising) / max(1, last - n_rising))
    peak_at = WARM_UP_SHARE * last
    if step < peak_at:
        return _cosine(peak / START_DIVISOR, peak, step / peak_at)
    return _cosine(peak, end, (step - peak_at) / (last - peak_at))


def learning_rates(config: TrainingConfig, batches_per_epoch: int) -> NDArray[np.float64]:
    """Return the rate of every step of the run, extra epochs included; shape (steps,)."""
    return np.array(
        [
            learning_rate(config, epoch, batch, batches_per_epoch)
            for epoch in range(1, config.n_epochs + 1)
            for batch in range(1, batches_per_epoch + 1)
        ]
    )


def _cosine(begin: float, end: float, position: float) -> float:
    """Go from `begin` at position 0 to `end` at position 1 along half a cosine."""
    return end + (begin - end) * (1 + math.cos(math.pi * position)) / 2

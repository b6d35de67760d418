import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import TrainingConfig, preset
from core.training.schedule import END_DIVISOR, START_DIVISOR, WARM_UP_SHARE, learning_rate

ONE_CYCLE = TrainingConfig(schedule="one_cycle", learning_rate=1e-3, epochs=4)


@pytest.mark.parametrize("epoch", [1, 2, 3, 8])
@pytest.mark.parametrize("batch", [1, 30, 57])
def test_natural_exponential_falls_after_each_epoch_as_in_the_notebook(
    epoch: int, batch: int
) -> None:
    expected = 3e-4 * math.exp(-0.6 * (epoch - 1))
    assert learning_rate(preset("reference"), epoch, batch, 57) == pytest.approx(
        expected, rel=1e-12
    )


def rates(config: TrainingConfig, batches: int) -> list[float]:
    return [
        learning_rate(config, epoch, batch, batches)
        for epoch in range(1, config.epochs + 1)
        for batch in range(1, batches + 1)
    ]


def test_one_cycle_starts_low_peaks_at_the_rate_and_ends_near_zero() -> None:
    every = rates(ONE_CYCLE, 26)  # 104 steps: the peak lies near step 0.3 x 103
    assert every[0] == pytest.approx(1e-3 / START_DIVISOR)
    assert every[-1] == pytest.approx(1e-3 / END_DIVISOR)
    peak = max(range(104), key=every.__getitem__)
    assert peak == pytest.approx(WARM_UP_SHARE * 103, abs=1)
    assert every[peak] == pytest.approx(1e-3, rel=1e-3)
    assert every[: peak + 1] == sorted(every[: peak + 1])
    assert every[peak:] == sorted(every[peak:], reverse=True)


def test_one_cycle_has_no_jump_between_epochs() -> None:
    every = rates(ONE_CYCLE, 50)
    steepest = math.pi / 2 * 1e-3 / (WARM_UP_SHARE * 199)  # of half a cosine
    assert max(abs(a - b) for a, b in itertools.pairwise(every)) <= steepest


def test_halfway_down_the_rate_is_halfway_between_peak_and_end() -> None:
    config = dataclasses.replace(ONE_CYCLE, epochs=1)
    # 21 steps: the peak at step 6, the end at step 20, the middle at step 13.
    assert learning_rate(config, 1, 7, 21) == pytest.approx(1e-3)
    assert learning_rate(config, 1, 14, 21) == pytest.approx((1e-3 + 1e-7) / 2)


@given(st.integers(1, 20), st.integers(1, 30), st.floats(1e-8, 10.0))
def test_every_step_of_any_run_has_a_rate_up_to_the_peak(
    epochs: int, batches: int, peak: float
) -> None:
    config = TrainingConfig(schedule="one_cycle", learning_rate=peak, epochs=epochs)
    assert all(0 < rate <= peak * (1 + 1e-9) for rate in rates(config, batches))

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import SCHEDULES, TrainingConfig, preset
from core.training.schedule import (
    END_DIVISOR,
    EXTRA_DIVISOR,
    START_DIVISOR,
    WARM_UP_SHARE,
    learning_rate,
    learning_rates,
)

ONE_CYCLE = TrainingConfig(schedule="one_cycle", learning_rate=1e-3, epochs=4)
COSINE = TrainingConfig(schedule="cosine", learning_rate=1e-3, epochs=4, warmup_epochs=1.0)


def test_natural_exponential_falls_after_each_epoch_as_in_the_notebook() -> None:
    config = preset("reference")
    for epoch in (1, 2, 3, 8):
        expected = 3e-4 * math.exp(-0.6 * (epoch - 1))
        for batch in (1, 30, 57):
            assert learning_rate(config, epoch, batch, 57) == pytest.approx(expected, rel=1e-12)


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
    config = ONE_CYCLE.changed(epochs=1)
    # 21 steps: the peak at step 6, the end at step 20, the middle at step 13.
    assert learning_rate(config, 1, 7, 21) == pytest.approx(1e-3)
    assert learning_rate(config, 1, 14, 21) == pytest.approx((1e-3 + 1e-7) / 2)


def test_cosine_rises_in_a_straight_line_for_the_warm_up_then_falls_to_nearly_zero() -> None:
    every = rates(COSINE, 10)
    assert every[:10] == pytest.approx([1e-3 * (step + 1) / 11 for step in range(10)])
    assert every[10] == 1e-3
    assert every[10:] == sorted(every[10:], reverse=True)
    assert every[-1] == pytest.approx(1e-3 / END_DIVISOR)
    # 30 steps from the peak to the end: the middle lies between two of them.
    assert (every[24] + every[25]) / 2 == pytest.approx((1e-3 + 1e-7) / 2)


def test_cosine_without_warm_up_begins_at_the_peak() -> None:
    assert rates(COSINE.changed(warmup_epochs=0.0), 10)[0] == 1e-3


def test_a_warm_up_longer_than_the_run_takes_half_of_it() -> None:
    every = rates(COSINE.changed(warmup_epochs=50.0), 10)
    assert every.index(max(every)) == 20


def test_the_natural_exponential_goes_on_falling_in_extra_epochs() -> None:
    config = preset("reference").changed(epochs=2, extra_epochs=2)
    assert learning_rate(config, 4, 1, 9) == pytest.approx(3e-4 * math.exp(-1.8))


@pytest.mark.parametrize("config", [ONE_CYCLE, COSINE], ids=["one cycle", "cosine"])
def test_extra_epochs_fall_from_a_tenth_of_the_peak_to_nearly_zero(config: TrainingConfig) -> None:
    longer = config.changed(extra_epochs=3)
    extra = list(learning_rates(longer, 10)[40:])
    assert len(extra) == 30
    assert extra[0] == pytest.approx(1e-3 / EXTRA_DIVISOR)
    assert extra == sorted(extra, reverse=True)
    assert extra[-1] == pytest.approx(1e-3 / END_DIVISOR)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_extra_epochs_leave_the_planned_ones_as_they_were(schedule: Any) -> None:
    config = TrainingConfig(schedule=schedule, epochs=3)
    longer = config.changed(extra_epochs=5)
    assert list(learning_rates(longer, 7)[:21]) == rates(config, 7)


def test_the_preview_has_the_rate_of_every_step() -> None:
    longer = COSINE.changed(extra_epochs=1)
    assert list(learning_rates(longer, 6)) == [
        learning_rate(longer, epoch, batch, 6) for epoch in range(1, 6) for batch in range(1, 7)
    ]


@given(
    st.sampled_from(SCHEDULES),
    st.integers(1, 12),
    st.integers(0, 5),
    st.integers(1, 20),
    st.floats(1e-8, 10.0),
    st.floats(0.0, 100.0),
)
def test_every_step_of_any_run_has_a_rate_up_to_the_peak(
    schedule: Any, epochs: int, extra_epochs: int, batches: int, peak: float, warmup: float
) -> None:
    config = TrainingConfig(
        schedule=schedule,
        learning_rate=peak,
        epochs=epochs,
        extra_epochs=extra_epochs,
        warmup_epochs=warmup,
    )
    every = learning_rates(config, batches)
    assert every.shape == ((epochs + extra_epochs) * batches,)
    assert all(0 < rate <= peak * (1 + 1e-9) for rate in every)

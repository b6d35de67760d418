import pytest

from core.training.pace import WINDOW, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(pace: Pace, clock: Clock, n_batches: int, seconds: float, n_images: int = 8) -> None:
    for _ in range(n_batches):
        clock.now += seconds
        pace.batch_done(n_images)


def test_before_the_first_batch_nothing_is_claimed(clock: Clock) -> None:
    pace = Pace(2, 10, clock)
    assert pace.images_per_second == 0
    assert pace.mean_images_per_second == 0
    assert pace.seconds_left(1, 0) == 0


def test_speed_is_that_of_the_last_batches(clock: Clock) -> None:
    pace = Pace(1, 100, clock)
    pace.start_batches()
    run(pace, clock, 10, seconds=4.0)
    assert pace.images_per_second == pytest.approx(2.0)
    run(pace, clock, WINDOW, seconds=1.0)
    assert pace.images_per_second == pytest.approx(8.0)
    assert pace.mean_images_per_second == pytest.approx(8 * 30 / (40 + WINDOW))


def test_the_time_left_counts_the_batches_of_every_epoch(clock: Clock) -> None:
    pace = Pace(3, 10, clock)
    pace.start_batches()
    run(pace, clock, 4, seconds=2.0)
    assert pace.seconds_left(1, 4) == pytest.approx(2 * (6 + 20))


def test_validation_is_expected_of_each_epoch_to_come(clock: Clock) -> None:
    pace = Pace(3, 10, clock)
    pace.start_batches()
    run(pace, clock, 10, seconds=2.0)
    clock.now += 7
    pace.epoch_done()
    pace.start_batches()
    run(pace, clock, 1, seconds=2.0)
    assert pace.seconds_left(2, 1) == pytest.approx(2 * (9 + 10) + 2 * 7)


def test_at_the_last_batch_only_validation_is_left(clock: Clock) -> None:
    pace = Pace(2, 5, clock)
    pace.start_batches()
    run(pace, clock, 5, seconds=1.0)
    clock.now += 3
    pace.epoch_done()
    run(pace, clock, 5, seconds=1.0)
    assert pace.seconds_left(2, 5) == pytest.approx(3)


def test_validation_and_what_came_before_are_no_training_time(clock: Clock) -> None:
    pace = Pace(2, 5, clock)
    clock.now += 50
    pace.start_batches()
    run(pace, clock, 5, seconds=1.0)
    clock.now += 30
    pace.epoch_done()
    pace.start_batches()
    run(pace, clock, 5, seconds=1.0)
    assert pace.training_seconds == pytest.approx(10)
    assert pace.mean_images_per_second == pytest.approx(8.0)


def test_a_clock_that_stands_still_is_no_division_by_zero(clock: Clock) -> None:
    pace = Pace(1, 2, clock)
    run(pace, clock, 1, seconds=0.0)
    assert (pace.images_per_second, pace.mean_images_per_second) == (0.0, 0.0)

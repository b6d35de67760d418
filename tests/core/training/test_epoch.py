import dataclasses

import pytest

from core.training.epoch import WINDOW, Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(pace: Pace, clock: Clock, n_batches: int, seconds: float, n_images: int = 8) -> None:
    for _ in range(n_batches):
        clock.now += seconds
        pace.batch_done(n_images)


def pace_of(epochs: int, n_images: int, clock: Clock, **given: object) -> Pace:
    pace = Pace(epochs, n_images, clock=clock, **{"n_validation": 0, **given})
    pace.start_batches()
    return pace


def test_nothing_is_claimed_before_the_clock_moved(clock: Clock) -> None:
    pace = pace_of(2, 80, clock)
    assert pace.seconds_left(1, 0) == 0
    for n_batches in (0, 1):
        run(pace, clock, n_batches, seconds=0.0)
        assert (pace.images_per_second, pace.mean_images_per_second) == (0.0, 0.0)


def test_speed_is_that_of_the_last_batches(clock: Clock) -> None:
    pace = pace_of(1, 800, clock)
    run(pace, clock, 10, seconds=4.0)
    assert pace.images_per_second == pytest.approx(2.0)
    run(pace, clock, WINDOW, seconds=1.0)
    assert pace.images_per_second == pytest.approx(8.0)
    assert pace.mean_images_per_second == pytest.approx(8 * 30 / (40 + WINDOW))


def test_the_slow_first_batch_of_a_process_is_forgotten_at_once(clock: Clock) -> None:
    pace = pace_of(1, 80, clock)
    run(pace, clock, 1, seconds=20.0)
    run(pace, clock, 1, seconds=2.0)
    assert pace.images_per_second == pytest.approx(4.0)


def test_the_time_left_counts_the_images_of_every_epoch(clock: Clock) -> None:
    pace = pace_of(3, 80, clock)
    run(pace, clock, 4, seconds=2.0)
    assert pace.seconds_left(1, 32) == pytest.approx(2 * (6 + 20))


def test_smaller_batches_do_not_make_the_time_left_longer(clock: Clock) -> None:
    pace = pace_of(1, 80, clock)
    run(pace, clock, 2, seconds=2.0, n_images=8)
    run(pace, clock, 4, seconds=1.0, n_images=4)
    assert pace.seconds_left(1, 32) == pytest.approx(12)


def test_before_the_first_validation_its_time_is_guessed(clock: Clock) -> None:
    pace = pace_of(2, 80, clock, n_validation=12)
    run(pace, clock, 10, seconds=8.0)
    assert pace.seconds_left(1, 80) == pytest.approx(80 + 2 * 12 / 3)


def test_validation_is_expected_of_each_epoch_to_come(clock: Clock) -> None:
    pace = pace_of(3, 80, clock, n_validation=8)
    run(pace, clock, 10, seconds=2.0)
    clock.now += 7
    pace.epoch_done()
    pace.start_batches()
    run(pace, clock, 1, seconds=2.0)
    assert pace.seconds_left(2, 8) == pytest.approx(2 * (9 + 10) + 2 * 7)


def test_at_the_last_batch_only_validation_is_left(clock: Clock) -> None:
    pace = pace_of(2, 40, clock)
    run(pace, clock, 5, seconds=1.0)
    clock.now += 3
    pace.epoch_done()
    run(pace, clock, 5, seconds=1.0)
    assert pace.seconds_left(2, 40) == pytest.approx(3)


def test_validation_and_what_came_before_are_no_training_time(clock: Clock) -> None:
    pace = Pace(2, 40, 0, clock=clock)
    clock.now += 50
    pace.start_batches()
    run(pace, clock, 5, seconds=1.0)
    clock.now += 30
    pace.epoch_done()
    pace.start_batches()
    run(pace, clock, 5, seconds=1.0)
    assert pace.training_seconds == pytest.approx(10)
    assert pace.mean_images_per_second == pytest.approx(8.0)


def test_a_night_with_the_lid_closed_changes_no_figure(clock: Clock) -> None:
    pace = pace_of(2, 80, clock)
    run(pace, clock, 5, seconds=1.0)
    run(pace, clock, 1, seconds=30_000.0)
    assert pace.images_per_second == pytest.approx(8.0)
    assert pace.seconds_left(1, 48) == pytest.approx(4 + 10)
    assert pace.seconds == pytest.approx(6)


def test_a_night_during_validation_changes_no_figure(clock: Clock) -> None:
    pace = pace_of(3, 8, clock, n_validation=8)
    run(pace, clock, 1, seconds=1.0)
    clock.now += 2
    pace.epoch_done()
    pace.start_batches()
    run(pace, clock, 1, seconds=1.0)
    clock.now += 30_000
    pace.epoch_done()
    assert pace.seconds_left(2, 8) == pytest.approx(1 + 2 * 2)
    assert pace.seconds == pytest.approx(1 + 2 + 1 + 2)


def test_a_later_sitting_adds_to_what_was_spent(clock: Clock) -> None:
    first = pace_of(2, 80, clock)
    run(first, clock, 5, seconds=1.0)
    clock.now += 1000  # between the sittings
    second = pace_of(2, 80, clock, spent=dataclasses.replace(first.spent, seconds=6.0))
    run(second, clock, 5, seconds=1.0)
    assert (second.images, second.training_seconds) == (80, pytest.approx(10))
    assert second.seconds == pytest.approx(6 + 5)

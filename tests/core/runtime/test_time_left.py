import pytest

from core.runtime.threads import SETTLING_S, TimeLeft


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def left(clock: Clock) -> TimeLeft:
    """Stage "a" of 100 pieces began with 10 of them done."""
    left = TimeLeft(clock)
    assert left.seconds("a", 10, 100) is None
    return left


def test_the_pace_so_far_tells_the_rest(left: TimeLeft, clock: Clock) -> None:
    clock.now += 4
    assert left.seconds("a", 30, 100) == pytest.approx(4 / 20 * 70)


def test_what_was_done_before_it_began_tells_nothing_of_the_pace(
    left: TimeLeft, clock: Clock
) -> None:
    clock.now += 10
    assert left.seconds("a", 11, 100) == pytest.approx(10 * 89)


def test_at_the_end_nothing_is_left(left: TimeLeft, clock: Clock) -> None:
    clock.now += 4
    assert left.seconds("a", 100, 100) == 0


def test_more_than_all_is_no_time_before_now(left: TimeLeft, clock: Clock) -> None:
    clock.now += 4
    assert left.seconds("a", 120, 100) == 0


def test_the_first_moments_say_nothing(left: TimeLeft, clock: Clock) -> None:
    clock.now += SETTLING_S / 2
    assert left.seconds("a", 50, 100) is None


def test_a_stage_that_stands_still_says_nothing(left: TimeLeft, clock: Clock) -> None:
    clock.now += 60
    assert left.seconds("a", 10, 100) is None


def test_without_a_known_end_nothing_can_be_told(clock: Clock) -> None:
    left = TimeLeft(clock)
    left.seconds("a", 0, 0)
    clock.now += 60
    assert left.seconds("a", 50, 0) is None


def test_the_next_stage_begins_anew(left: TimeLeft, clock: Clock) -> None:
    clock.now += 60
    assert left.seconds("b", 0, 100) is None
    clock.now += 2
    assert left.seconds("b", 50, 100) == pytest.approx(2)


def test_the_same_stage_of_other_work_begins_anew(left: TimeLeft, clock: Clock) -> None:
    clock.now += 60
    assert left.seconds("a", 0, 100) is None
    clock.now += 2
    assert left.seconds("a", 50, 100) == pytest.approx(2)

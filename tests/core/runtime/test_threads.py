import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runtime import threads
from core.runtime.threads import SETTLING_S, TimeLeft, map_ahead


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


@given(
    st.lists(st.integers(), max_size=12),
    st.integers(min_value=1, max_value=4),
    st.integers(min_value=0, max_value=6),
)
def test_results_are_those_of_map(items: list[int], n_threads: int, n_ahead: int) -> None:
    assert list(map_ahead(str, items, n_threads, n_ahead)) == list(map(str, items))


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    with closing(map_ahead(str, items(), 2, 3)) as results:
        assert next(results) == "0"
        assert taken == [0, 1, 2, 3]


def test_calls_run_at_the_same_time() -> None:
    both_there = threading.Barrier(2, timeout=30)  # breaks where one waits for the other
    assert len(list(map_ahead(lambda _: both_there.wait(), range(2), 2, 2))) == 2


def test_an_exception_arrives_in_its_turn_and_no_thread_stays() -> None:
    def fail_at_two(number: int) -> int:
        if number == 2:
            raise ValueError("the third")
        return number

    results = map_ahead(fail_at_two, range(10), 2, 4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert names() == []


def test_closing_drops_what_waits_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[int] = []
    gate = threading.Event()

    class Pool(ThreadPoolExecutor):
        """Lets the running call end only once the waiting ones were dropped."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            gate.set()
            super().shutdown(wait=wait)

    def work(number: int) -> int:
        began.append(number)
        if number > 0:
            gate.wait(30)
        return number

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    results = map_ahead(work, range(50), 1, 20)
    assert next(results) == 0
    results.close()
    assert names() == []
    assert began in ([0], [0, 1])


def test_a_generator_that_never_began_needs_no_closing() -> None:
    map_ahead(str, range(3), 2, 2)
    assert names() == []


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

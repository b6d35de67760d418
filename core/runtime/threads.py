"""Work that threads do a little ahead of the one who waits for it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int, n_ahead: int
) -> Generator[Result, None, None]:
    """Apply `function` to each item on threads; the results come in the items' order.

    An exception of `function` is raised here, in its turn. Close the generator
    (`contextlib.closing`) rather than drop it: closing waits for the calls that run, drops
    those that wait and leaves no thread behind.

    Args:
        function: Safe to call from several threads at once.
        items: Taken one by one, no more of them than are needed.
        n_threads: At least 1.
        n_ahead: Results that may lie ready or be in the making before they are asked for.
    """
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="ahead")
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(pool.submit(function, item))
            if len(running) > n_ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

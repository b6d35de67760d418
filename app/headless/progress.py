"""How far the work has come, on standard error: a bar in a terminal, a few lines in a log."""

import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any, Self, TypeVar

from tqdm import tqdm

from app.headless.output import tell
from app.translation import say, tr
from core.events import Progress

T = TypeVar("T")
LINE_INTERVAL_S = 5.0  # between lines where nobody watches


class ProgressBars:
    """Shows one stage after the other; use it in a `with` statement.

    Args:
        clock: Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bar: tqdm[Any] | None = None
        self._stage = ""
        self._line_due = clock() + LINE_INTERVAL_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def show(self, progress: Progress) -> None:
        """Draw one event."""
        self.advance(say(progress.stage), progress.done, progress.total)

    def advance(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Say that `done` of `total` pieces of `stage` are done."""
        if sys.stderr.isatty():
            self._draw(stage, done, total, note)
        elif self._clock() >= self._line_due:
            self._line_due = self._clock() + LINE_INTERVAL_S
            line = tr("{stage}: {done} of {total}", stage=stage, done=done, total=total)
            tell(f"{line}, {note}" if note else line)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, stage: str, done: int, total: int, note: str) -> None:
        if self._bar is None or stage != self._stage or done < self._bar.n:
            self.close()
            self._stage = stage
            # With `miniters` given, no thread of tqdm's is needed to look after the bar.
            tqdm.monitor_interval = 0
            self._bar = tqdm(
                total=total or None, desc=stage, file=sys.stderr, leave=False, miniters=1
            )
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)


def last_of(events: Iterable[object], kind: type[T], bars: ProgressBars) -> T:
    """Draw the progress of the generator `events` and return its one result of type `kind`.

    Whatever happens, the generator is closed and so has tidied up.
    """
    assert isinstance(events, Generator)
    result: T | None = None
    with closing(events):
        for event in events:
            if isinstance(event, Progress):
                bars.show(event)
            elif isinstance(event, kind):
                result = event
    assert result is not None  # every event stream of core ends with its result
    return result

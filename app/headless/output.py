"""What a command says: progress on standard error, the result on standard output."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from tqdm import tqdm

from app.translation import say
from core.errors import Refusal
from core.events import Progress

T = TypeVar("T")


def tell(line: str) -> None:
    """A line for the person who waits."""
    tqdm.write(line, file=sys.stderr)


def print_line(line: str = "") -> None:
    """A line of the result."""
    sys.stdout.write(line + "\n")


def print_json(result: dict[str, Any]) -> None:
    """The result as the one JSON object on standard output."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n")


class ProgressBars:
    """One bar a stage, on standard error; use it in a `with` statement."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def show(self, progress: Progress) -> None:
        """Draw one event."""
        self.advance(say(progress.stage), progress.done, progress.total)

    def advance(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Move the bar of `stage` to `done` of `total`."""
        if self._bar is None or stage != self._stage or done < self._bar.n:
            self.close()
            self._stage = stage
            # Where nobody watches (a log file), a line every few seconds is enough.
            interval = 0.1 if sys.stderr.isatty() else 5.0
            self._bar = tqdm(total=total or None, desc=stage, file=sys.stderr, mininterval=interval)
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the bar on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def last_of(events: Iterable[object], kind: type[T], bars: ProgressBars) -> T:
    """Draw the progress of `events` and return the one result of type `kind`."""
    result: T | None = None
    for event in events:
        if isinstance(event, Progress):
            bars.show(event)
        elif isinstance(event, kind):
            result = event
    assert result is not None  # every event stream of core ends with its result
    return result


def refusals_json(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    """Files that were left out or refused, with the reason in plain words."""
    return [{"file": refusal.file, "reason": say(refusal.reason)} for refusal in refusals]

"""The output of a command: remarks on standard error, the result on standard output."""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any, Self, TextIO, TypeVar

from tqdm import tqdm

from app.i18n import say, tr
from app.interrupts import answering, interruptible
from core.errors import Message, PneumoScopeError, Refusal
from core.events import Progress
from core.files import escaped


@contextmanager
def gentle_stop() -> Iterator[Callable[[], bool]]:
    """Note a request to end instead of raising KeyboardInterrupt; the second one raises it.

    Yields:
        Whether there was a request.
    """
    is_wanted = threading.Event()

    def on_request(number: int, frame: FrameType | None) -> None:
        if is_wanted.is_set():
            interrupt(number, frame)
            return
        is_wanted.set()
        with contextlib.suppress(RuntimeError):  # standard error was just being written to
            tell(tr("Stopping after this batch. Press Ctrl+C again to end at once."))

    with interruptible() as interrupt, answering(on_request):
        yield is_wanted.is_set


class OutputError(PneumoScopeError):
    """The result cannot be handed over: the disk is full, or nobody reads it any more."""


def tell(line: str) -> None:
    """Show one line to the person who waits; foreign text in it cannot break it in two.

    The work goes on when nobody can read it any more.
    """
    try:
        tqdm.write(escaped(line), file=sys.stderr)
    except OSError:
        _silence(sys.stderr)


def print_line(line: str = "") -> None:
    """Print one line of the result.

    Raises:
        OutputError: It cannot be written.
    """
    _write(escaped(line))


def print_json(result: dict[str, Any]) -> None:
    """Print the result as the one JSON object on standard output.

    ASCII alone, so that it reads the same through a pipe of any encoding.

    Raises:
        OutputError: It cannot be written.
    """
    _write(json.dumps(result, allow_nan=False))


def refusals_json(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    """Return the files that were left out or refused, with the reason in plain words."""
    return [{"file": refusal.file, "reason": say(refusal.reason)} for refusal in refusals]


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()  # an error must not wait for the end of the program
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(
            Message(
                "The result could not be written ({reason}). Send the output to a place that "
                "takes all of it.",
                reason=error.strerror or type(error).__name__,
            )
        ) from error


def _silence(stream: TextIO) -> None:
    """Throw away what is still to be written, which Python would complain about when it ends."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


T = TypeVar("T")
LINE_INTERVAL_S = 5.0  # between lines where nobody watches


class ProgressBars:
    """Progress of one stage after the other; use it in a `with` statement.

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

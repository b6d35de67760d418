"""What a command says: remarks on standard error, the result on standard output."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from tqdm import tqdm

from app.translation import say
from core.data.folder import showable
from core.errors import Message, PneumoScopeError, Refusal


class OutputError(PneumoScopeError):
    """The result cannot be handed over: the disk is full, or nobody reads it any more."""


def tell(line: str) -> None:
    """One line for the person who waits; foreign text in it cannot break it in two.

    The work goes on when nobody can read it any more.
    """
    try:
        tqdm.write(showable(line), file=sys.stderr)
    except OSError:
        _silence(sys.stderr)


def print_line(line: str = "") -> None:
    """One line of the result.

    Raises:
        OutputError: It cannot be written.
    """
    _write(showable(line))


def print_json(result: dict[str, Any]) -> None:
    """The result as the one JSON object on standard output.

    ASCII alone, so that it reads the same through a pipe of any encoding.

    Raises:
        OutputError: It cannot be written.
    """
    _write(json.dumps(result, allow_nan=False))


def refusals_json(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    """Files that were left out or refused, with the reason in plain words."""
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

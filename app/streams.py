"""Standard output and error, which may lack characters or not be there at all."""

import io
import os
import sys


def prepare_streams() -> None:
    """Make standard output and error take every character, in any locale."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # a windowed Python on Windows, or `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

"""The world outside this process: lines for the user, and other programs."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def prepare_streams() -> None:
    """Make standard output and error take every character, in any locale."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # a windowed Python on Windows, or `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Terminal:
    """Speaks on standard error, because standard output belongs to `--json`."""

    def tell(self, line: str) -> None:
        """Show the user one line; a windowed Python on Windows has nowhere to show it."""
        if sys.stderr is not None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    def run(self, command: Sequence[str | Path]) -> int:
        """Run a program with its output in sight.

        Returns:
            Its exit code; 127 where it cannot be started.
        """
        try:
            # Inheritable handles go along: the set-up lock is held as long as pip works,
            # even when this process is killed.
            return subprocess.call(command, stdout=sys.stderr, close_fds=False)
        except OSError:
            return 127

    def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
        """Run a program unseen.

        Returns:
            Its exit code and all its output; 127 where it cannot be started, 124 when it hangs.
        """
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                text=True,
                errors="replace",
            )
        except OSError as error:
            return 127, str(error)
        except subprocess.TimeoutExpired as error:
            return 124, str(error)
        return done.returncode, done.stdout

    def become(self, command: Sequence[str | Path]) -> int:
        """Let another program go on in this one's place.

        Returns:
            Its exit code, on Windows; elsewhere this process is no more.

        Raises:
            OSError: It cannot be started.
        """
        words = [str(word) for word in command]
        if sys.platform != "win32":
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os.execv(words[0], words)
        # Windows' exec returns to the shell at once and loses the exit code.
        process = subprocess.Popen(words)
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the child has had it too, and answers it
                continue

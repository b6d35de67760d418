"""Other programs: uv where it is on PATH, else venv and pip; and what neither can install."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from core.errors import Message, PneumoScopeError

# Inside a .venv that is to be replaced, the Python that it was made from.
_BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable


class SetupError(PneumoScopeError):
    """The packages cannot be installed or do not load; exit code 1."""


class Terminal:
    """The user's terminal and other programs.

    It speaks on standard error, because standard output belongs to `--json`.
    """

    def tell(self, line: str) -> None:
        """Show the user one line."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def run(self, command: Sequence[str | Path]) -> int:
        """Run a program with its output in sight; return its exit code (127: it did not run)."""
        try:
            # Inheritable handles go along, that of the set-up lock above all.
            return subprocess.call(command, stdout=sys.stderr, close_fds=False)
        except OSError:
            return 127

    def read(self, command: Sequence[str | Path], timeout_s: float) -> tuple[int, str]:
        """Run a program unseen; return its exit code (127: it did not run) and its output."""
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
        except (OSError, subprocess.TimeoutExpired) as error:
            return 127, str(error)
        return done.returncode, done.stdout

    def become(self, command: Sequence[str | Path]) -> int:
        """Let another program go on in this one's place; on Windows, return its exit code.

        Raises:
            OSError: It cannot be started.
        """
        words = [str(word) for word in command]
        if sys.platform != "win32":
            sys.stdout.flush()
            sys.stderr.flush()
            os.execv(words[0], words)
        # Windows' exec returns to the shell at once and loses the exit code.
        process = subprocess.Popen(words)
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the child has had it too, and answers it
                continue


class Installer:
    """One virtual environment and the program that installs into it."""

    def __init__(self, folder: Path, python: Path, log: Path, terminal: Terminal) -> None:
        self._folder, self._python = folder, python
        self._log = log
        self._terminal = terminal
        self._uv = shutil.which("uv")

    def works(self) -> bool:
        """Return whether the environment's Python starts, is supported, and can be filled."""
        needed = "sys" if self._uv else "sys, pip"
        test = f"import {needed}; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
        code, _ = self._terminal.read([self._python, "-c", test], timeout_s=60)
        return code == 0

    def make(self) -> None:
        """Make the environment, which must not exist.

        Raises:
            SetupError: This Python lacks venv, or venv fails.
        """
        command: list[str | Path] = [_BASE_PYTHON, "-m", "venv", self._folder]
        if self._uv:
            command = [self._uv, "venv", "--quiet", "--python", _BASE_PYTHON, self._folder]
        elif find_spec("venv") is None or find_spec("ensurepip") is None:
            raise SetupError(
                Message(
                    "This Python cannot make virtual environments. On Debian and Ubuntu, run "
                    "`sudo apt install python3-venv`, then start PneumoScope again."
                )
            )
        if self._terminal.run(command) != 0:
            raise SetupError(
                Message(
                    "The virtual environment {folder} could not be made, for the reason above. "
                    "Check the free disk space and that the folder may be written, "
                    "then start again.",
                    folder=self._folder,
                )
            )

    def install(
        self, requirements: Sequence[str], index: str | None = None, *, is_trial: bool = False
    ) -> bool:
        """Install requirements; return whether all of them are installed.

        Args:
            requirements: As in pyproject.toml.
            index: Address of a further package index, which may be out of reach.
            is_trial: Only see whether they could be had.
        """
        command: list[str | Path] = [self._python, "-m", "pip", "--disable-pip-version-check"]
        command += ["--no-input", "install", "--log", self._log]
        if self._uv:
            command = [self._uv, "pip", "install", "--python", self._python]
        if index:
            command += ["--extra-index-url", index]
            # A foreign index out of reach must not hold up the fall-back for minutes.
            command += [] if self._uv else ["--timeout", "15", "--retries", "1"]
        if is_trial:
            command += ["--dry-run", "--no-deps"]
        return self._terminal.run([*command, *requirements]) == 0


_FOR_PADDLE = ("libgomp1",)
_FOR_QT = (
    "libglib2.0-0 libegl1 libgl1 libdbus-1-3 libfontconfig1 libfreetype6 libxkbcommon0 libx11-6",
    "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0",
    "libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1",
)


def missing_library(output: str) -> Message | None:
    """Return what to do about the shared library that an ImportError names, if it names one."""
    found = re.search(r"([\w.+-]+\.so[.\d]*): cannot open shared object file", output)
    return install_library(found[1]) if found else None


def install_library(library: str) -> Message:
    """Name the system packages that bring a missing shared library."""
    packages = _FOR_PADDLE if library.startswith("libgomp") else (*_FOR_PADDLE, *_FOR_QT)
    return Message(
        "The system library {library} is missing. On Debian and Ubuntu, run "
        "`sudo apt install {packages}`, then start PneumoScope again.",
        library=library,
        packages=" ".join(packages),
    )

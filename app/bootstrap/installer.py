"""Makes a virtual environment and fills it: with uv where it is on PATH, else with venv and pip."""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from app.bootstrap.errors import SetupError
from app.bootstrap.terminal import Terminal
from core.errors import Message

# Inside a .venv that is to be replaced, the Python that it was made from.
_BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable


class Installer:
    """One virtual environment and the program that installs into it."""

    def __init__(self, folder: Path, python: Path, log: Path, terminal: Terminal) -> None:
        self._folder = folder
        self._python = python
        self._log = log
        self._terminal = terminal
        self._uv = shutil.which("uv")

    def works(self) -> bool:
        """Whether the environment's Python starts, is one we support, and can be filled."""
        needed = "sys" if self._uv else "sys, pip"
        test = f"import {needed}; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
        code, _ = self._terminal.read([self._python, "-c", test], timeout_s=60)
        return code == 0

    def make(self) -> None:
        """Make the environment, which must not exist.

        Raises:
            SetupError: This Python lacks venv, or venv fails.
        """
        command: list[str | Path]
        if self._uv:
            command = [self._uv, "venv", "--quiet", "--python", _BASE_PYTHON, self._folder]
        elif find_spec("venv") is None or find_spec("ensurepip") is None:
            raise SetupError(
                Message(
                    "This Python cannot make virtual environments. On Debian and Ubuntu, run "
                    "`sudo apt install python3-venv`, then start PneumoScope again."
                )
            )
        else:
            command = [_BASE_PYTHON, "-m", "venv", self._folder]
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
        self, requirements: Sequence[str], index: str | None = None, again: bool = False
    ) -> bool:
        """Install requirements, with `index` as a further source of packages.

        Args:
            requirements: As in pyproject.toml.
            index: Address of a package index that may be out of reach.
            again: The last installation was cut off: believe nothing that is there.

        Returns:
            Whether all of them are installed.
        """
        if again:
            self._forget_unfinished()
        if self._uv and again:
            return self._install(index, ["--reinstall", *requirements])
        return self._install(index, requirements)

    def can_install(self, requirements: Sequence[str], index: str | None = None) -> bool:
        """Whether these could be had, themselves and without changing anything."""
        return self._install(index, ["--dry-run", "--no-deps", *requirements])

    def remove(self, distributions: Sequence[str]) -> None:
        """Uninstall what is there of these."""
        present = [name for name in distributions if self.has(name)]
        if not present:
            return
        if self._uv:
            self._terminal.run([self._uv, "pip", "uninstall", "--python", self._python, *present])
        else:
            self._terminal.run([*self._pip("uninstall"), "--yes", *present])

    def has(self, distribution: str) -> bool:
        """Whether a distribution is installed in the environment."""
        return bool(self._records(distribution.replace("-", "_")))

    def _install(self, index: str | None, words: Sequence[str]) -> bool:
        options = ["--extra-index-url", index] if index else []
        command: list[str | Path]
        if self._uv:
            command = [self._uv, "pip", "install", "--python", self._python]
        else:
            # A foreign index out of reach must not hold up the fall-back for minutes.
            options += ["--timeout", "15", "--retries", "1"] if index else []
            command = [*self._pip("install"), "--log", self._log]
        return self._terminal.run([*command, *options, *words]) == 0

    def _pip(self, verb: str) -> list[str | Path]:
        return [self._python, "-m", "pip", "--disable-pip-version-check", "--no-input", verb]

    def _records(self, name: str) -> list[Path]:
        places = ("lib/python*/site-packages", "Lib/site-packages")
        return [
            record
            for place in places
            for record in self._folder.glob(f"{place}/{name}-*.dist-info")
        ]

    def _forget_unfinished(self) -> None:
        """Drop the records of packages cut off half-way, which pip would take for installed.

        Installers write RECORD last: the Python packaging specification "Recording installed
        projects".
        """
        for record in self._records("*"):
            if not (record / "RECORD").exists():
                shutil.rmtree(record)

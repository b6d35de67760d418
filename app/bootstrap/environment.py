"""The project's own `.venv`: use it, or make it anew on any doubt about it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from app.i18n import tr
from core.errors import Message, PneumoScopeError

BUILDS = ("cpu", "gpu")
Requirements = Mapping[str, Sequence[str]]  # what pip takes, by build of Paddle
# https://www.paddlepaddle.org.cn/install: a driver runs every build of its own CUDA or older.
_OLDEST_CUDA = (((12, 9), "cu129"), ((12, 6), "cu126"), ((11, 8), "cu118"))
_INDEX = "https://www.paddlepaddle.org.cn/packages/stable/{tag}/"
_SMI_ON_WINDOWS = "C:/Windows/System32/nvidia-smi.exe"
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


def read_requirements(pyproject: Path, with_tests: bool) -> Requirements:
    """Read the project's dependencies and its extras cpu, gpu and (for tests) test."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    common = (*project["dependencies"], *(extras["test"] if with_tests else ()))
    return {build: (*common, *extras[build]) for build in BUILDS}


def is_installed(requirements: Requirements, build: str | None) -> bool:
    """Return whether this interpreter has all packages, with the build that is insisted on."""
    builds = BUILDS if build is None else (build,)
    return any(all(map(_is_present, requirements[name])) for name in builds)


def _is_present(requirement: str) -> bool:
    try:
        distribution(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    except PackageNotFoundError:
        return False
    return True


class _Stamp(NamedTuple):
    """A finished set-up, written into `.venv` last."""

    build: str  # may be less than was asked for
    requirements: frozenset[str]


class Environment:
    """`.venv` in the project's root.

    Args:
        root: The folder of main.py.
        terminal: Runs other programs and says what is done.
    """

    def __init__(self, root: Path, terminal: Terminal) -> None:
        self._folder = root / ".venv"
        inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        self._python = self._folder / inside
        self._stamp_file = self._folder / "pneumoscope.json"
        self._lock = root / ".venv-setup.lock"
        self._log = root / ".venv-setup.log"
        self._terminal = terminal

    def prepare(self, requirements: Requirements, build: str | None) -> Path:
        """Return the Python of an environment that has `requirements`, made where there is none.

        Args:
            requirements: The packages.
            build: cpu or gpu; None: as before, or as the NVIDIA driver decides.

        Raises:
            SetupError: With the remedy.
        """
        try:
            if not self._is_ready(requirements, build):
                with only_one(self._lock, self._terminal):
                    if not self._is_ready(requirements, build):
                        self._set_up(requirements, build)
        except OSError as error:
            raise SetupError(
                Message(
                    "{file} cannot be changed: {reason}. Close other copies of PneumoScope, and "
                    "see that its folder may be written and the disk is not full.",
                    file=error.filename or self._folder,
                    reason=error.strerror or error,
                )
            ) from error
        return self._python

    def _stamp(self) -> _Stamp | None:
        """Return what is installed; None where no set-up has come to its end."""
        try:
            values = json.loads(self._stamp_file.read_text(encoding="utf-8"))
            return _Stamp(str(values["build"]), frozenset(values["requirements"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_ready(self, requirements: Requirements, build: str | None) -> bool:
        stamp = self._stamp()
        if stamp is None or not self._python.exists() or build not in (None, stamp.build):
            return False
        if os.path.samefile(sys.prefix, self._folder):
            return False  # it asks from inside, so it has missed a package, whatever the stamp says
        return stamp.requirements.issuperset(requirements.get(stamp.build, ()))

    def _set_up(self, requirements: Requirements, build: str | None) -> None:
        self._terminal.tell(tr("Setting PneumoScope up, once. It takes a minute or a few."))
        self._log.unlink(missing_ok=True)
        code, _ = self._terminal.read([self._python, "-c", "import pip"], timeout_s=60)
        before = self._stamp() if code == 0 else None
        tag = choose_tag(self._terminal, build or (before.build if before else None))
        if tag is None:
            self._terminal.tell(tr("Installing the CPU build."))
        else:
            self._terminal.tell(tr("Installing the GPU build ({tag}).", tag=tag))
            index = _INDEX.format(tag=tag)
            if self._install(requirements["gpu"], "gpu", before, index):
                return
            self._terminal.tell(
                tr(
                    "The GPU build from {index} cannot be used here: installing the CPU build. "
                    "`python3 main.py --device-build gpu` tries again.",
                    index=index,
                )
            )
        if not self._install(requirements["cpu"], "cpu", before):
            raise SetupError(
                Message(
                    "The packages could not be installed. Check the internet connection, the "
                    "proxy and the free disk space (2 GB), then start again; the lines above "
                    "and {log} say more.",
                    log=self._log,
                )
            )

    def _install(
        self, wanted: Sequence[str], build: str, before: _Stamp | None, index: str | None = None
    ) -> bool:
        """Install one build into a new environment, or what is new into a finished one.

        Both builds own the folder `paddle`, so one cannot be put over the other.
        """
        pip: list[str | Path] = [self._python, "-m", "pip", "--disable-pip-version-check"]
        pip += ["--no-input", "install", "--log", self._log]
        if index:
            # A foreign index out of reach must not hold up the fall-back for minutes.
            pip += ["--extra-index-url", index, "--timeout", "15", "--retries", "1"]
        if before is None or before.build != build:
            # The other build may be in use: keep it unless this one can be had.
            trial = [*pip, "--dry-run", "--no-deps", *wanted]
            if before is not None and self._terminal.run(trial) != 0:
                return False
            self._make()
        self._stamp_file.unlink(missing_ok=True)
        if self._terminal.run([*pip, *wanted]) != 0:
            return False
        if build == "gpu":
            # Paddle's first import on a slow disk takes a while.
            code, _ = self._terminal.read([self._python, "-c", "import paddle"], timeout_s=300)
            if code != 0:
                return False
        stamp = {"build": build, "requirements": list(wanted)}
        self._stamp_file.write_text(json.dumps(stamp, indent=1))
        self._terminal.tell(tr("PneumoScope is set up."))
        return True

    def _make(self) -> None:
        """Make the folder anew, with a Python and pip in it."""
        if find_spec("venv") is None or find_spec("ensurepip") is None:
            raise SetupError(
                Message(
                    "This Python cannot make virtual environments. On Debian and Ubuntu, run "
                    "`sudo apt install python3-venv`, then start PneumoScope again."
                )
            )
        self._terminal.tell(tr("Making {folder}.", folder=self._folder))
        if self._folder.is_dir() and not self._folder.is_symlink():
            shutil.rmtree(self._folder)
        else:
            self._folder.unlink(missing_ok=True)
        if self._terminal.run([_BASE_PYTHON, "-m", "venv", self._folder]) != 0:
            raise SetupError(
                Message(
                    "The virtual environment {folder} could not be made, for the reason above. "
                    "Check the free disk space and that the folder may be written, "
                    "then start again.",
                    folder=self._folder,
                )
            )


def choose_tag(terminal: Terminal, build: str | None) -> str | None:
    """Return the CUDA tag of Paddle's newest build for this driver; None for the CPU build.

    Args:
        terminal: Asks the driver.
        build: cpu, gpu, or None: the driver decides.
    """
    if build == "cpu":
        return None
    code, report = terminal.read([shutil.which("nvidia-smi") or _SMI_ON_WINDOWS], timeout_s=30)
    # "CUDA Version: 12.4"; some newer drivers put a word between the two.
    found = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", report)
    if code == 0 and found is not None:
        cuda = (int(found[1]), int(found[2]))
        for oldest, tag in _OLDEST_CUDA:
            if cuda >= oldest:
                return tag
    # Who insists without a driver that answers gets the build that asks least of it.
    return _OLDEST_CUDA[-1][1] if build == "gpu" else None


@contextmanager
def only_one(path: Path, terminal: Terminal) -> Iterator[None]:
    """Hold the lock `path`; wait, and say so, while another process holds it.

    The system's own file lock, not a file with a process number: it ends with its holder
    however that dies, so it never goes stale. The empty file stays behind.

    Raises:
        OSError: The file cannot be written.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(handle):
            terminal.tell(tr("Another start of PneumoScope is setting up; waiting for it."))
            while not _take(handle):
                time.sleep(0.5)
        os.set_inheritable(handle, True)  # held as long as pip works, even without its parent
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the second one on Windows
        return False
    return True

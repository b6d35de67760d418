"""The project's own `.venv`: use it, or make it anew on any doubt about it."""

import json
import os
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from app.bootstrap import gpu
from app.bootstrap.installer import Installer, SetupError, Terminal
from app.i18n import tr
from core.errors import Message

BUILDS = ("cpu", "gpu")


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirement strings of this project, as pip takes them, for either build of Paddle."""

    cpu: tuple[str, ...]
    gpu: tuple[str, ...]

    def of_build(self, build: str) -> tuple[str, ...]:
        """Return all that an installation with this build needs."""
        return self.gpu if build == "gpu" else self.cpu


def read_requirements(pyproject: Path, with_tests: bool) -> Requirements:
    """Read the project's dependencies and its extras cpu, gpu and (for tests) test."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    common = (*project["dependencies"], *(extras["test"] if with_tests else ()))
    return Requirements(cpu=(*common, *extras["cpu"]), gpu=(*common, *extras["gpu"]))


def is_installed(requirements: Requirements, build: str | None) -> bool:
    """Return whether this interpreter has all packages, with the build that is insisted on."""
    builds = BUILDS if build is None else (build,)
    return any(all(map(_is_present, requirements.of_build(name))) for name in builds)


def _is_present(requirement: str) -> bool:
    try:
        distribution(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    except PackageNotFoundError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Stamp:
    """A finished set-up, written into `.venv` last."""

    build: str  # cpu or gpu, which may be less than was asked for
    requirements: tuple[str, ...]


class Environment:
    """`.venv` in the project's root.

    Args:
        root: The folder of main.py.
        terminal: Runs other programs and says what is done.
    """

    def __init__(self, root: Path, terminal: Terminal) -> None:
        self.folder = root / ".venv"
        inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
        self.python = self.folder / inside
        self._stamp = self.folder / "pneumoscope.json"
        self._lock = root / ".venv-setup.lock"
        self._log = root / ".venv-setup.log"
        self._terminal = terminal
        self._installer = Installer(self.folder, self.python, self._log, terminal)

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
                    file=error.filename or self.folder,
                    reason=error.strerror or error,
                )
            ) from error
        return self.python

    def stamp(self) -> Stamp | None:
        """Return what is installed; None where no set-up has come to its end."""
        try:
            values = json.loads(self._stamp.read_text(encoding="utf-8"))
            return Stamp(str(values["build"]), tuple(values["requirements"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _is_ready(self, requirements: Requirements, build: str | None) -> bool:
        stamp = self.stamp()
        if stamp is None or not self.python.exists():
            return False
        if os.path.samefile(sys.prefix, self.folder):
            return False  # it asks from inside, so it has missed a package, whatever the stamp says
        wanted = set(requirements.of_build(stamp.build))
        return build in (None, stamp.build) and wanted <= set(stamp.requirements)

    def _set_up(self, requirements: Requirements, build: str | None) -> None:
        self._terminal.tell(tr("Setting PneumoScope up, once. It takes a minute or a few."))
        self._log.unlink(missing_ok=True)
        before = self.stamp() if self._installer.works() else None
        wanted = build or (before.build if before else None)
        tag = gpu.choose_tag(self._terminal, wanted)
        if tag is not None:
            self._terminal.tell(tr("Installing the GPU build ({tag}).", tag=tag))
            index = gpu.index_of(tag)
            if self._install(requirements.of_build("gpu"), "gpu", before, index):
                return
            self._terminal.tell(
                tr(
                    "The GPU build from {index} cannot be used here: installing the CPU build. "
                    "`python3 main.py --device-build gpu` tries again.",
                    index=index,
                )
            )
        else:
            self._terminal.tell(tr("Installing the CPU build."))
        if not self._install(requirements.of_build("cpu"), "cpu", before):
            raise SetupError(
                Message(
                    "The packages could not be installed. Check the internet connection, the "
                    "proxy and the free disk space (2 GB), then start again; the lines above "
                    "and {log} say more.",
                    log=self._log,
                )
            )

    def _install(
        self, wanted: tuple[str, ...], build: str, before: Stamp | None, index: str | None = None
    ) -> bool:
        """Install one build into a new environment, or what is new into a finished one.

        Both builds own the folder `paddle`, so one cannot be put over the other.
        """
        if before is None or before.build != build:
            # The other build may be in use: keep it unless this one can be had.
            if before is not None and not self._installer.install(wanted, index, is_trial=True):
                return False
            self._terminal.tell(tr("Making {folder}.", folder=self.folder))
            if self.folder.is_dir() and not self.folder.is_symlink():
                shutil.rmtree(self.folder)
            else:
                self.folder.unlink(missing_ok=True)
            self._installer.make()
        self._stamp.unlink(missing_ok=True)
        if not self._installer.install(wanted, index):
            return False
        if build == "gpu":
            # Paddle's first import on a slow disk takes a while.
            code, _ = self._terminal.read([self.python, "-c", "import paddle"], timeout_s=300)
            if code != 0:
                return False
        self._stamp.write_text(json.dumps({"build": build, "requirements": wanted}, indent=1))
        self._terminal.tell(tr("PneumoScope is set up."))
        return True


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


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

"""The project's own `.venv`: recognise it, make it, repair it."""

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from app.bootstrap import gpu
from app.bootstrap.errors import SetupError
from app.bootstrap.installer import Installer
from app.bootstrap.lock import only_one
from app.bootstrap.requirements import Requirements, distribution_of
from app.bootstrap.system_libraries import missing_library
from app.bootstrap.terminal import Terminal
from app.i18n import tr
from core.errors import Message
from core.files import write_text

_PROBE = """\
import importlib, importlib.util, sys
present, loaded = (words.split(",") for words in sys.argv[1:])
missing = [name for name in present if importlib.util.find_spec(name) is None]
if missing:
    sys.exit("not found: " + ", ".join(missing))
for name in loaded:
    importlib.import_module(name)
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Written last: what a finished set-up has installed."""

    build: str  # cpu or gpu, which may be less than was asked for
    requirements: tuple[str, ...]


class Environment:
    """`.venv` in the project's root.

    Args:
        root: The folder of main.py.
        terminal: Where to say what is done, and what runs other programs.
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

    def is_ready(self, requirements: Requirements, build: str | None) -> bool:
        """Whether to go straight on with this environment's Python.

        Never from inside: who asks there has missed a package, whatever the stamp says.
        """
        stamp = self.stamp()
        if stamp is None or not self.python.exists() or self._is_running():
            return False
        wanted = {*requirements.common, *requirements.of_build(stamp.build)}
        return build in (None, stamp.build) and wanted <= set(stamp.requirements)

    def stamp(self) -> Stamp | None:
        """What is installed; None where no set-up has come to its end."""
        try:
            values = json.loads(self._stamp.read_text(encoding="utf-8"))
            return Stamp(str(values["build"]), tuple(values["requirements"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def prepare(self, requirements: Requirements, build: str | None, to_load: list[str]) -> None:
        """Make the environment, or mend what is there.

        Args:
            requirements: What to install.
            build: cpu or gpu; None: as before, or as the NVIDIA driver decides.
            to_load: Modules that must import in the end, shared libraries included.

        Raises:
            SetupError: With the remedy; a later call takes up from there.
        """
        try:
            with only_one(self._lock, self._terminal):
                if not self.is_ready(requirements, build):
                    self._log.unlink(missing_ok=True)
                    self._prepare(requirements, build, to_load)
        except OSError as error:
            raise SetupError(
                Message(
                    "{file} cannot be changed: {reason}. Close other copies of PneumoScope, and "
                    "see that its folder may be written and the disk is not full.",
                    file=error.filename or self.folder,
                    reason=error.strerror or error,
                )
            ) from error

    def _prepare(self, requirements: Requirements, build: str | None, to_load: list[str]) -> None:
        before = self.stamp()
        self._stamp.unlink(missing_ok=True)
        tag = self._tag(build or (before.build if before else None))
        self._terminal.tell(tr("Setting PneumoScope up, once. It takes a minute or a few."))
        is_old = self._installer.works()
        while True:
            if not is_old:
                self._make_anew()
            installed = self._install(requirements, tag, again=is_old and before is None)
            problem = self._problem(requirements.modules(), to_load)
            if problem is None:
                write_text(self._stamp, json.dumps(asdict(installed), indent=1))
                self._stamp.chmod(0o644)  # others may start what one user has set up
                self._terminal.tell(tr("PneumoScope is set up."))
                return
            if (library := missing_library(problem)) is not None:
                raise SetupError(library)
            if not is_old:
                break
            is_old = False
        raise SetupError(
            Message(
                "The installed packages do not load ({problem}). Delete {folder} and start "
                "again; if it stays so, report it with {log}.",
                problem=problem.strip().rpartition("\n")[2],
                folder=self.folder,
                log=self._log,
            )
        )

    def _tag(self, build: str | None) -> str | None:
        if build == "cpu":
            return None
        tag = gpu.driver_tag(self._terminal)
        return tag or gpu.oldest_tag() if build == "gpu" else tag

    def _make_anew(self) -> None:
        if self.folder.is_dir() and not self.folder.is_symlink():
            self._terminal.tell(tr("{folder} is damaged: making it anew.", folder=self.folder))
            shutil.rmtree(self.folder)
        else:
            self.folder.unlink(missing_ok=True)
            self._terminal.tell(tr("Making {folder}.", folder=self.folder))
        self._installer.make()

    def _install(self, requirements: Requirements, tag: str | None, again: bool) -> Stamp:
        if tag is not None:
            self._terminal.tell(tr("Installing the GPU build ({tag}).", tag=tag))
            self._require(requirements.common, again)
            index = gpu.index_of(tag)
            if (
                self._make_way(requirements, "gpu", index)
                and self._installer.install(requirements.gpu, index, again)
                and self._problem((), ["paddle"]) is None
            ):
                return Stamp("gpu", (*requirements.common, *requirements.gpu))
            self._terminal.tell(
                tr(
                    "The GPU build from {index} cannot be used here: installing the CPU build. "
                    "`python3 main.py --device-build gpu` tries again.",
                    index=index,
                )
            )
        else:
            self._terminal.tell(tr("Installing the CPU build."))
        wanted = (*requirements.common, *requirements.cpu)
        if not self._make_way(requirements, "cpu"):
            raise self._failure()
        self._require(wanted, again)
        return Stamp("cpu", wanted)

    def _require(self, requirements: tuple[str, ...], again: bool) -> None:
        if not self._installer.install(requirements, again=again):
            raise self._failure()

    def _failure(self) -> SetupError:
        return SetupError(
            Message(
                "The packages could not be installed. Check the internet connection, the "
                "proxy and the free disk space (2 GB), then start again; the lines above "
                "and {log} say more.",
                log=self._log,
            )
        )

    def _make_way(self, requirements: Requirements, build: str, index: str | None = None) -> bool:
        """Remove the other build, but only when this one can be had: the other may be in use.

        Both own the folder `paddle`, so removing one breaks the other: where both are, both go.
        """
        cpu = [distribution_of(requirement) for requirement in requirements.cpu]
        gpu_build = [distribution_of(requirement) for requirement in requirements.gpu]
        others = gpu_build if build == "cpu" else cpu
        if any(self._installer.has(name) for name in others):
            if not self._installer.can_install(requirements.of_build(build), index):
                return False
            self._installer.remove([*cpu, *gpu_build])
        return True

    def _problem(self, present: tuple[str, ...], loaded: list[str]) -> str | None:
        """What an import in the environment complains of, if it does."""
        names = [",".join(present or loaded), ",".join(loaded)]
        # Paddle's first import on a slow disk takes a while.
        code, output = self._terminal.read([self.python, "-c", _PROBE, *names], timeout_s=300)
        return output or str(code) if code else None

    def _is_running(self) -> bool:
        return self.folder.exists() and os.path.samefile(sys.prefix, self.folder)

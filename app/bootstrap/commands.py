"""What a start does: set up where needed, then show the face that was asked for."""

import importlib.metadata
import os
import sys
from pathlib import Path

from app.bootstrap import arguments
from app.bootstrap.arguments import Arguments
from app.bootstrap.environment import Environment
from app.bootstrap.errors import SetupError, UsageError
from app.bootstrap.requirements import Requirements, are_found, distribution_of, read_requirements
from app.bootstrap.screen import find_screen
from app.bootstrap.system_libraries import missing_for_x11, missing_library
from app.bootstrap.terminal import Terminal, prepare_streams
from app.i18n import say, set_language, system_language, tr
from core.errors import Message

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str], root: Path = ROOT, terminal: Terminal | None = None) -> int:
    """Start from a checkout, whatever is installed.

    Args:
        argv: The words after `main.py`.
        root: The folder of main.py.
        terminal: The outside world.

    Returns:
        The exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
    """
    return _start(argv, root, terminal or Terminal(), may_install=True)


def console() -> int:
    """Start as an installed program, whose installer has seen to the packages."""
    return _start(sys.argv[1:], ROOT, Terminal(), may_install=False)


def _start(argv: list[str], root: Path, terminal: Terminal, may_install: bool) -> int:
    prepare_streams()
    set_language(system_language())
    try:
        wanted = arguments.parse(argv, find_screen)
        if wanted.face == "help":
            sys.stdout.write(arguments.usage())
            return 0
        python = _set_up(wanted, root, terminal) if may_install else None
        if python is not None:
            return terminal.become([python, root / "main.py", *wanted.words])
        return _show(wanted, root, terminal)
    except UsageError as error:
        terminal.tell(say(error.message))
        return 2
    except SetupError as error:
        terminal.tell(say(error.message))
        return 1
    except KeyboardInterrupt:
        terminal.tell(tr("Interrupted."))
        return 130


def _set_up(wanted: Arguments, root: Path, terminal: Terminal) -> Path | None:
    """The Python to go on with; None: this one has all it needs."""
    requirements = read_requirements(root / "pyproject.toml", with_tests=wanted.face == "test")
    if are_found(requirements.modules()) and _has_build(requirements, wanted.build):
        return None
    environment = Environment(root, terminal)
    if not environment.is_ready(requirements, wanted.build):
        to_load = ["paddle"] if wanted.face == "headless" else ["paddle", "PySide6.QtWidgets"]
        environment.prepare(requirements, wanted.build, to_load)
    return environment.python


def _has_build(requirements: Requirements, build: str | None) -> bool:
    """Whether this interpreter has the build that the user insists on."""
    if build is None:
        return True
    try:
        for requirement in requirements.of_build(build):
            importlib.metadata.distribution(distribution_of(requirement))
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _show(wanted: Arguments, root: Path, terminal: Terminal) -> int:
    try:
        if wanted.face == "test":
            return _test(wanted, root, terminal)
        if wanted.face == "headless":
            from app.cli.options import run

            return run(list(wanted.words))
        if (library := missing_for_x11()) is not None:
            raise SetupError(library)
        from app.application import run_window

        return run_window(wanted.paths, wanted.is_demo)
    except ImportError as error:
        damaged = Message(
            "A package is missing or damaged ({error}). Delete the folder .venv and start again.",
            error=str(error),
        )
        raise SetupError(missing_library(str(error)) or damaged) from error


def _test(wanted: Arguments, root: Path, terminal: Terminal) -> int:
    if not (root / "tests").is_dir():
        raise UsageError(
            Message("The tests come with the source code of PneumoScope, not with the program.")
        )
    # In a process of its own: what is imported here cannot be unloaded for the tests.
    imports = [sys.executable, "-c", "import PySide6.QtWidgets, paddle"]
    _, output = terminal.read(imports, timeout_s=300)
    if (library := missing_library(output)) is not None:
        raise SetupError(library)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.chdir(root)
    # A process for each core, whose threads would only take turns. The tests of a file share what
    # they made, so they stay together.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parallel = ["-n", "auto", "--dist", "loadfile"]
    return terminal.become([sys.executable, "-m", "pytest", *parallel, *wanted.rest])

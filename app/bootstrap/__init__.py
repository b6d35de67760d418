"""Start from a bare Python: set the machine up where needed, then show what was asked for.

Standard library only. `environment` makes the project's `.venv`, `screen` tells whether a window
can be opened.
"""

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app import interrupts
from app.bootstrap.environment import (
    BUILDS,
    Environment,
    SetupError,
    Terminal,
    is_installed,
    read_requirements,
)
from app.bootstrap.screen import find_screen, missing_for_x11, missing_library
from app.i18n import say, set_language, system_language, tr
from core.errors import Message, PneumoScopeError

__all__ = ["Request", "UsageError", "console", "main", "parse"]

ROOT = Path(__file__).resolve().parents[2]
HEADLESS_COMMANDS = ("train", "evaluate", "predict", "export", "check", "demo")
_BUILD_OPTION = "--device-build"


class UsageError(PneumoScopeError):
    """The command line makes no sense here; exit code 2."""


def main(argv: list[str], root: Path = ROOT, terminal: Terminal | None = None) -> int:
    """Start from a checkout, whatever is installed.

    Args:
        argv: The words after `main.py`.
        root: The folder of main.py.
        terminal: Runs other programs and speaks to the user.

    Returns:
        The exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
    """
    return _start(argv, root, terminal or Terminal(), may_install=True)


def console() -> int:
    """Start as an installed program, whose installer has seen to the packages."""
    interrupts.end_at_once()
    code = _start(sys.argv[1:], ROOT, Terminal(), may_install=False)
    interrupts.ignore()
    return code


@dataclass(frozen=True, slots=True)
class Request:
    """The command line, understood."""

    face: Literal["help", "window", "headless", "test"]
    words: tuple[str, ...]  # all but --device-build
    build: str | None = None  # cpu or gpu where the user insists


def parse(argv: list[str], has_screen: Callable[[], bool] = find_screen) -> Request:
    """Understand the words after `main.py`.

    Args:
        argv: The words.
        has_screen: Asked only where a window is wanted, for looking can take seconds.

    Raises:
        UsageError: They make no sense, or ask for a window where there is no screen.
    """
    words, build = _without_build(argv)
    first = words[0] if words else ""
    if first in ("-h", "--help"):
        return Request("help", words, build)
    # With options, such as --out, the demo is a job for the command line.
    if words == ("demo",) and has_screen():
        return Request("window", words, build)
    if first == "test" or first in HEADLESS_COMMANDS:
        return Request("test" if first == "test" else "headless", words, build)
    for word in words:
        if not Path(word).exists():
            raise UsageError(
                Message(
                    "“{word}” is neither a command nor a file that exists. "
                    "`python3 main.py --help` lists the commands.",
                    word=word,
                )
            )
    if not has_screen():
        raise UsageError(
            Message(
                "There is no screen for the window. Without one, run "
                "`python3 main.py demo` or `python3 main.py train DATA --out DIR`; "
                "`python3 main.py --help` lists all commands."
            )
        )
    return Request("window", words, build)


def _without_build(argv: list[str]) -> tuple[tuple[str, ...], str | None]:
    """Take `--device-build` out of the words, wherever it stands."""
    words: list[str] = []
    build = None
    left = iter(argv)
    for word in left:
        option, equals, value = word.partition("=")
        if option != _BUILD_OPTION:
            words.append(word)
            continue
        build = value if equals else next(left, "")
        if build not in BUILDS:
            raise UsageError(
                Message("--device-build takes cpu or gpu, not “{value}”.", value=build)
            )
    return tuple(words), build


def _start(argv: list[str], root: Path, terminal: Terminal, *, may_install: bool) -> int:
    _prepare_streams()
    set_language(system_language())
    try:
        request = parse(argv)
        if request.face == "help":
            sys.stdout.write(_usage())
            return 0
        if may_install:
            is_test = request.face == "test"
            requirements = read_requirements(root / "pyproject.toml", with_tests=is_test)
            if not is_installed(requirements, request.build):
                with interrupts.interruptible():  # pip must be ended with us
                    python = Environment(root, terminal).prepare(requirements, request.build)
                interrupts.hold_back()
                return terminal.become([python, root / "main.py", *request.words])
        return _show(request, root, terminal)
    except UsageError as error:
        terminal.tell(say(error.message))
        return 2
    except PneumoScopeError as error:  # the set-up, or no folder of the program's own
        terminal.tell(say(error.message))
        return 1
    except KeyboardInterrupt:
        terminal.tell(tr("Interrupted."))
        return interrupts.INTERRUPTED


def _prepare_streams() -> None:
    """Make standard output and error take every character, in any locale."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # a windowed Python on Windows, or `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(request: Request, root: Path, terminal: Terminal) -> int:
    """Run the tests, a command or the window in a Python that has all packages."""
    try:
        if request.face == "test":
            return _test(list(request.words[1:]), root, terminal)
        if request.face == "headless":
            from app.cli.options import run

            return run(list(request.words))
        if (library := missing_for_x11()) is not None:
            raise SetupError(library)
        with interrupts.answering(interrupts.end_window_at_once):  # until it is there
            from app.application import run_window

            is_demo = request.words[:1] == ("demo",)
            # Whole paths: the window remembers them for another day.
            paths = [] if is_demo else [str(Path(word).absolute()) for word in request.words]
            return run_window(paths, is_demo)
    except ImportError as error:
        damaged = Message(
            "A package is missing or damaged ({error}). Delete the folder .venv and start again.",
            error=str(error),
        )
        raise SetupError(missing_library(str(error)) or damaged) from error


def _test(arguments: list[str], root: Path, terminal: Terminal) -> int:
    if not (root / "tests").is_dir():
        raise UsageError(
            Message("The tests come with the source code of PneumoScope, not with the program.")
        )
    # In a process of its own: what is imported here cannot be unloaded for the tests.
    imports = [sys.executable, "-c", "import PySide6.QtWidgets, paddle, onnxruntime"]
    _, output = terminal.read(imports, timeout_s=300)
    if (library := missing_library(output)) is not None:
        raise SetupError(library)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.chdir(root)
    # A process for each core, whose threads would only take turns. The tests of a file share what
    # they made, so they stay together.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parallel = ["-n", "auto", "--dist", "loadfile"]
    return terminal.become([sys.executable, "-m", "pytest", *parallel, *arguments])


def _usage() -> str:
    return tr(
        """\
PneumoScope trains and questions a ResNet on chest X-rays. Research and teaching only.

python3 main.py                          open the window
python3 main.py FILE...                  open the window with a zip, folder, X-ray or model file
python3 main.py demo [--out DIR]         the whole job on the built-in dataset
python3 main.py check DATA               what is in a zip or folder of X-rays
python3 main.py train DATA --out DIR     train a network
python3 main.py evaluate MODEL DATA      measure a trained model
python3 main.py predict MODEL PATH...    classify X-rays
python3 main.py export MODEL OUT         write a model for other programs
python3 main.py test [PYTEST ARGUMENT]   set up what the tests need and run them

`python3 main.py COMMAND --help` lists the options of a command.
--device-build cpu|gpu   install this build; without it an NVIDIA driver decides
"""
    )

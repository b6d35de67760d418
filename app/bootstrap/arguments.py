"""The command line: which of the program's faces to show, and with what."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.bootstrap.errors import UsageError
from app.bootstrap.requirements import BUILDS
from app.i18n import tr
from core.errors import Message

HEADLESS_COMMANDS = ("train", "evaluate", "predict", "export", "check", "demo")
_BUILD_OPTION = "--device-build"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for."""

    face: Literal["help", "window", "headless", "test"]
    words: tuple[str, ...]  # all but --device-build, to be handed to a restarted self
    build: str | None  # cpu or gpu where the user insists

    @property
    def rest(self) -> tuple[str, ...]:
        """The words after `test`."""
        return self.words[1:]

    @property
    def is_demo(self) -> bool:
        return self.words[:1] == ("demo",)

    @property
    def paths(self) -> list[str]:
        """The files that the window opens with, whole: it remembers them for another day."""
        return [] if self.is_demo else [str(Path(word).absolute()) for word in self.words]


def parse(argv: list[str], has_screen: Callable[[], bool]) -> Arguments:
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
        return Arguments("help", words, build)
    if first == "test":
        return Arguments("test", words, build)
    if words == ("demo",) and has_screen():
        return Arguments("window", words, build)
    # With options, such as --out, the demo is a job for the command line.
    if first in HEADLESS_COMMANDS:
        return Arguments("headless", words, build)
    _check_paths(words)
    if not has_screen():
        raise UsageError(
            Message(
                "There is no screen for the window. Without one, run "
                "`python3 main.py demo` or `python3 main.py train DATA --out DIR`; "
                "`python3 main.py --help` lists all commands."
            )
        )
    return Arguments("window", words, build)


def usage() -> str:
    """All commands, in the user's language."""
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


def _without_build(argv: list[str]) -> tuple[tuple[str, ...], str | None]:
    words: list[str] = []
    build = None
    waiting = iter(argv)
    for word in waiting:
        option, equals, value = word.partition("=")
        if option != _BUILD_OPTION:
            words.append(word)
            continue
        build = value if equals else next(waiting, "")
        if build not in BUILDS:
            raise UsageError(
                Message("--device-build takes cpu or gpu, not “{value}”.", value=build)
            )
    return tuple(words), build


def _check_paths(words: tuple[str, ...]) -> None:
    for word in words:
        if not Path(word).exists():
            raise UsageError(
                Message(
                    "“{word}” is neither a command nor a file that exists. "
                    "`python3 main.py --help` lists the commands.",
                    word=word,
                )
            )

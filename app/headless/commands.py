"""Runs one command and turns whatever happens into an exit code and a plain line."""

import argparse
import importlib
import logging
import time
import traceback
from collections.abc import Callable

from app.headless.check_command import check
from app.headless.data_commands import evaluate
from app.headless.export_command import export
from app.headless.interruption import interruptible
from app.headless.options import build_parser
from app.headless.output import tell
from app.headless.predict_command import predict
from app.headless.training_commands import demo, train
from app.streams import prepare_streams
from app.translation import say, tr
from core.errors import ConfigError, PneumoScopeError
from core.workspace import Workspace

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
Command = Callable[[argparse.Namespace, Workspace], None]
COMMANDS: dict[str, Command] = {
    "check": check,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    "demo": demo,
}


def run(argv: list[str]) -> int:
    """Run the command in `argv`; its exit code.

    0 done, 1 refused or failed with one plain line on standard error, 2 wrong usage,
    130 interrupted.
    """
    prepare_streams()
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as error:  # argparse has said what was wrong, or printed its help
        return int(error.code or 0)
    if arguments.command != "check":
        _load_paddle()
    try:
        with interruptible():
            COMMANDS[arguments.command](arguments, Workspace.of_user())
    except ConfigError as error:
        tell(say(error.message))
        return WRONG_USAGE
    except PneumoScopeError as error:
        tell(say(error.message))
        return FAILED
    except KeyboardInterrupt:
        tell(tr("Interrupted. What was saved before is still there."))
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the program's end: no traceback reaches a user)
        tell(
            tr(
                "Something happened that the program was not prepared for ({kind}: {text}). "
                "The details are in {file}.",
                kind=type(error).__name__,
                text=next(iter(str(error).splitlines()), ""),
                file=_write_details(),
            )
        )
        return FAILED
    return DONE


def _load_paddle() -> None:
    """Load Paddle before the signals are set: it takes them away while it loads.

    Outside of `run`'s own handlers, because app.bootstrap explains a library that is missing.
    """
    importlib.import_module("core.runtime.paddle_library")


def _write_details() -> str:
    """Append the traceback to the log file; a user sees only its name."""
    try:
        path = Workspace.of_user().logs / "headless.log"
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{traceback.format_exc()}\n")
    except (OSError, PneumoScopeError):
        logging.getLogger(__name__).debug("no log file", exc_info=True)
        return tr("no log file, for none could be written")
    return str(path)

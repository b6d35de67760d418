"""The commands and their options: stable from the first version on."""

import argparse
import importlib
import logging
import re
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, get_args

from app.cli.check import check
from app.cli.console import tell
from app.cli.evaluate import evaluate
from app.cli.export import export
from app.cli.predict import predict
from app.cli.train import demo, train
from app.i18n import say, tr
from app.interrupts import INTERRUPTED, interruptible
from app.setting_words import DEVICE_DESCRIPTION, GROUP_TITLES, option_help
from core.config import ARCHITECTURES, Group, settings
from core.data.edits import MAX_LEVEL
from core.data.labels import SeveralLabels
from core.data.zip_names import CODE_PAGES, code_page_called
from core.errors import ConfigError, Message, PneumoScopeError
from core.files import escaped
from core.images.film import MOST_FRAMES
from core.runtime.devices import may_have_cards
from core.training.repeats import MOST_SEEDS
from core.workspace import Workspace

USAGE_ERROR = 2
# Only marked here for the catalogue: argparse says them.
ARGPARSE_SENTENCES = (
    Message("usage: "),
    Message("positional arguments"),
    Message("options"),
    Message("show this help message and exit"),
    Message("argument %(argument_name)s: %(message)s"),
    Message("the following arguments are required: %s"),
    Message("unrecognized arguments: %s"),
    Message("expected one argument"),
    Message("expected at least one argument"),
    Message("ignored explicit argument %r"),
    Message("invalid choice: %(value)r (choose from %(choices)s)"),
    Message("invalid %(type)s value: %(value)r"),
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is behind --help."""

    def __init__(self, **settings: Any) -> None:
        # An abbreviation that works today would break when an option is added.
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        line = tr(
            "{reason}. `{program} --help` lists the options.", reason=message, program=self.prog
        )
        self.exit(USAGE_ERROR, escaped(line) + "\n")


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of `check`, `train`, `evaluate`, `predict`, `export` and `demo`."""
    # argparse looks its sentences up under this name, in the system's language at best.
    vars(argparse)["_"] = tr
    parser = _Parser(prog="python3 main.py")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    check = commands.add_parser("check", help=tr("what is in a zip or folder of X-rays"))
    _add_data(check)
    _add_json(check)

    train = commands.add_parser("train", help=tr("train a network, or go on with a run"))
    _add_data(train, n="*")  # none with --resume: `check_training` says what is missing
    train.add_argument("--out", type=Path, metavar="DIR", help=tr("a new folder for the run"))
    train.add_argument(
        "--resume", type=Path, metavar="DIR", help=tr("go on with the run in this folder")
    )
    train.add_argument(
        "--more-epochs", type=int, metavar="N", help=tr("with --resume: train for N more epochs")
    )
    train.add_argument(
        "--accept-changes",
        action="store_true",
        help=tr("with --resume: go on although the run.json was changed"),
    )
    train.add_argument(
        "--config",
        type=Path,
        metavar="FILE.json",
        help=tr("settings from the run.json of another run, or from a JSON object of your own"),
    )
    train.add_argument(
        "--device",
        type=_device,
        default="auto",
        metavar="auto|cpu|gpu:N",
        help=say(DEVICE_DESCRIPTION),
    )
    _add_settings(train)
    _add_json(train)

    evaluate = commands.add_parser("evaluate", help=tr("measure a trained model"))
    evaluate.add_argument("model", type=Path, metavar="MODEL")
    _add_data(evaluate)
    evaluate.add_argument("--split", choices=("test", "all"), default="test")
    evaluate.add_argument(
        "--map",
        type=_pair,
        action="append",
        default=[],
        metavar="FOLDER=CLASS",
        help=tr("the class of the model that a class folder means; FOLDER= leaves it out"),
    )
    evaluate.add_argument(
        "--operating-point",
        type=Path,
        metavar="FILE.json",
        help=tr("thresholds of the classes, as written by the Evaluate page"),
    )
    evaluate.add_argument(
        "--lung-tests",
        action="store_true",
        help=tr("also test whether the answers rest on the lungs, which takes about a minute"),
    )
    evaluate.add_argument(
        "--retrain-without-lungs",
        action="store_true",
        help=tr(
            "the lung tests, and a training of the same recipe at 64 pixels without the lungs, "
            "which takes minutes"
        ),
    )
    evaluate.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help=tr("a new folder for the report, tables, charts and checklists"),
    )
    evaluate.add_argument(
        "--statements",
        type=Path,
        metavar="FILE.json",
        help=tr("what only people know about the dataset, for the checklists"),
    )
    evaluate.add_argument(
        "--hard-cases",
        action="store_true",
        help=tr("list the hardest X-rays, and ask the model about its training X-rays too"),
    )
    evaluate.add_argument(
        "--against",
        type=Path,
        nargs="+",
        default=[],
        metavar="MODEL",
        help=tr("other models to compare with on the same X-rays"),
    )
    evaluate.add_argument(
        "--repeat-seeds",
        type=_whole_number(2, MOST_SEEDS),
        metavar="N",
        help=tr("train N models that differ in their seed, and show the spread"),
    )
    evaluate.add_argument(
        "--learning-curve",
        action="store_true",
        help=tr("train on 25, 50, 75 and 100 percent of the patients, and show what more bring"),
    )
    evaluate.add_argument(
        "--compare-splits",
        action="store_true",
        help=tr("train five times each on a split by patient and by image, and compare"),
    )
    _add_json(evaluate)

    predict = commands.add_parser("predict", help=tr("classify X-rays"))
    predict.add_argument("model", type=Path, metavar="MODEL")
    predict.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    predict.add_argument(
        "--csv", type=Path, metavar="FILE", help=tr("also write a table (UTF-8 with BOM)")
    )
    predict.add_argument(
        "--heatmaps",
        type=Path,
        metavar="DIR",
        help=tr("also draw each film with its heat map into this folder"),
    )
    predict.add_argument(
        "--report", type=Path, metavar="FILE.pdf", help=tr("also write a report (PDF)")
    )
    predict.add_argument(
        "--show-anyway",
        action="store_true",
        help=tr("also tell class and figures of answers that are not reliable"),
    )
    predict.add_argument(
        "--quick",
        action="store_true",
        help=tr("do not check the heat maps, which takes many times as long as drawing them"),
    )
    predict.add_argument(
        "--include-dicom",
        type=_names,
        action="extend",
        default=[],
        metavar="NAME,NAME",
        help=tr("fields of DICOM files to hand on, such as PatientID; without it none are"),
    )
    predict.add_argument(
        "--frame",
        type=_whole_number(1, MOST_FRAMES),
        default=1,
        metavar="N",
        help=tr("which frame to read of DICOM files that hold several (default 1)"),
    )
    _add_force(predict)
    _add_json(predict)

    export = commands.add_parser("export", help=tr("write a model for other programs"))
    export.add_argument("model", type=Path, metavar="MODEL")
    export.add_argument("--format", choices=("onnx", "paddle", "pdparams"), required=True)
    export.add_argument("out", type=Path, metavar="OUT", help=tr("a file; with paddle, a folder"))
    _add_force(export)
    _add_json(export)

    demo = commands.add_parser("demo", help=tr("the whole job on the built-in dataset"))
    demo.add_argument("--out", type=Path, metavar="DIR", help=tr("a new folder for the run"))
    return parser


def _add_settings(command: argparse.ArgumentParser) -> None:
    """Add an option for each setting that the form has; what is not given is None."""
    groups: dict[Group, Any] = {
        group: command.add_argument_group(say(title)) for group, title in GROUP_TITLES.items()
    }
    for known in settings().values():
        if known.shown.group is None:
            continue
        details: dict[str, Any] = {"choices": known.choices, "type": str}
        match known.kind:
            case "choice" if known.name == "architecture":
                depths = [name.removeprefix("resnet") for name in ARCHITECTURES]
                details = {"choices": depths, "type": _depth, "metavar": "|".join(depths)}
            case "flag":
                details = {"action": argparse.BooleanOptionalAction}
            case "whole":
                details = {"type": int, "metavar": "N"}
            case "fraction":
                details = {"type": float, "metavar": "X"}
            case "text":
                details = {"metavar": "published|FILE"}
        groups[known.shown.group].add_argument(
            f"--{known.option}",
            dest=known.name,
            help=option_help(known).replace("%", "%%"),
            **details,
        )


def _depth(text: str) -> str:
    """Take `resnet18` and `18` alike."""
    return text.removeprefix("resnet")


def _device(text: str) -> str:
    if re.fullmatch("auto|cpu|gpu|gpu:[0-9]+", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(
            tr("{value} is no device; choose auto, cpu or gpu:N", value=text)
        )
    return text


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                tr(
                    "{text} is no whole number from {least} to {most}",
                    text=text,
                    least=least,
                    most=most,
                )
            )
        return int(text)

    return number


def _pair(text: str) -> tuple[str, str]:
    """Split `folder=class`; the class may be empty."""
    name, sign, meant = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(tr("{text} is not FOLDER=CLASS", text=text))
    return name, meant


def _code_page(text: str) -> str:
    """Return a code page; "" where it is to be found out."""
    found = "" if text == "auto" else code_page_called(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            tr(
                "{value} is none of these: {known}",
                value=text,
                known=", ".join(("auto", *CODE_PAGES)),
            )
        )
    return found


def _level(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_LEVEL:
        raise argparse.ArgumentTypeError(
            tr(
                "{value} is no level; give a whole number from 0 to {most}",
                value=text,
                most=MAX_LEVEL,
            )
        )
    return int(text)


def _names(text: str) -> list[str]:
    """Split `PatientID,StudyDate` into names."""
    return [name for name in text.replace(" ", "").split(",") if name]


def _add_data(command: argparse.ArgumentParser, n: str = "+") -> None:
    command.add_argument(
        "data",
        type=Path,
        nargs=n,
        metavar="DATA",
        help=tr("a zip or folder; several become one dataset"),
    )
    command.add_argument(
        "--as-found",
        action="store_true",
        help=tr("ignore what was left out or re-labelled in the window"),
    )
    command.add_argument(
        "--class-level",
        type=_level,
        metavar="N",
        help=tr(
            "the level of folders that are the classes: 1 the outermost of a zip or folder, 2 "
            "those inside, 0 the zips and folders themselves; found out where it is not given"
        ),
    )
    command.add_argument(
        "--zip-names",
        type=_code_page,
        metavar="CODEPAGE",
        help=tr(
            "how names in zips and tars are encoded that do not say so, such as cp850 or gbk; it "
            "counts from now on, until auto finds it out again"
        ),
    )
    _add_labels(command)


def _add_labels(command: argparse.ArgumentParser) -> None:
    """Add the table of labels and its columns; what is not given is None."""
    group = command.add_argument_group(tr("Labels from a table"))
    group.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help=tr("a CSV or XLSX that names each image and its label, in place of class folders"),
    )
    columns = {
        "image": tr("the column that names the images; guessed without it"),
        "label": tr("the column of labels; empty: the folders are the classes"),
        "patient": tr("the column that tells the patient"),
        "view": tr("the column that tells the view, such as PA or AP"),
        "age": tr("the column that tells the age"),
        "sex": tr("the column that tells the sex"),
    }
    for role, words in columns.items():
        group.add_argument(f"--{role}-column", metavar="C", help=words)
    group.add_argument(
        "--several-labels",
        choices=get_args(SeveralLabels),
        help=tr("what to do with images of several labels; refuse if not given"),
    )


def _add_force(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--force", action="store_true", help=tr("write over files of another kind, too")
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help=tr("print one JSON object on standard output")
    )


DONE, FAILED, WRONG_USAGE = 0, 1, 2
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
    """Run the command in `argv` and return its exit code.

    0 done, 1 refused or failed with one plain line on standard error, 2 wrong usage,
    130 interrupted.
    """
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as error:  # argparse has said what was wrong, or printed its help
        return int(error.code or 0)
    command = arguments.command
    if command in ("train", "demo") or (command == "evaluate" and may_have_cards()):
        # Outside of the handlers below, because app.bootstrap explains a library that is missing.
        importlib.import_module("core.runtime.paddle")
    try:
        with interruptible():
            workspace = Workspace.of_user()
            workspace.remove_leftovers()
            COMMANDS[command](arguments, workspace)
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

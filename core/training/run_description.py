"""The run.json of a run, also of another machine or an earlier program: read, doubted, renamed."""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from core import atomic_file
from core.config import TrainingConfig
from core.data.names import showable
from core.errors import ConfigError, Message, RunFolderError
from core.training.run_folder import RUN_FILE

FORMAT_VERSION = 1
MAX_BYTES = 1 << 28  # the names of a million films fit
MAX_NAME_LENGTH = 100  # characters
STATUSES = ("running", "paused", "finished", "stopped", "failed")
_SHOWN_SOURCES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDescription:
    """What a run said of itself when it began, and how it ended."""

    name: str  # empty: it was given none
    status: str  # one of STATUSES
    started: datetime.datetime  # with its zone
    dataset: str  # the names of its first sources
    classes: dict[str, int]  # films of each class
    config: TrainingConfig
    device: str
    reason: str  # why it failed; English


def read_description(folder: Path) -> RunDescription:
    """Read and check the run.json in `folder`.

    Raises:
        RunFolderError: It cannot be read, or an entry is not what it must be.
    """
    values = _load(folder / RUN_FILE)
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise RunFolderError(
            Message("The run was made by a newer PneumoScope. Update PneumoScope to open it.")
        )
    _require("format_version", version == FORMAT_VERSION)
    dataset, device = values.get("dataset"), values.get("device")
    _require("dataset", isinstance(dataset, dict))
    _require("device", isinstance(device, dict) and isinstance(device.get("name"), str))
    name, reason = values.get("name", ""), values.get("reason", "")
    _require("name", isinstance(name, str))
    _require("reason", isinstance(reason, str))
    _require("status", values.get("status") in STATUSES)
    return RunDescription(
        name=_line(name),
        status=values["status"],
        started=_time(values.get("started")),
        dataset=_sources(values["dataset"]),
        classes=_classes(values["dataset"].get("classes")),
        config=_config(values.get("config")),
        device=_line(values["device"]["name"]),
        reason=_line(reason),
    )


def rename_run(folder: Path, name: str) -> None:
    """Keep a name of the user's own in run.json; an empty one gives the folder's name back.

    Raises:
        RunFolderError: The name is too long, or run.json cannot be read or written.
    """
    name = showable(name.strip())
    if len(name) > MAX_NAME_LENGTH:
        raise RunFolderError(
            Message(
                "The name has {n} characters. Choose one of at most {most}.",
                n=len(name),
                most=MAX_NAME_LENGTH,
            )
        )
    path = folder / RUN_FILE
    values = _load(path)
    values.pop("name", None)
    if name:
        values["name"] = name
    try:
        atomic_file.write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise RunFolderError(
            Message(
                "The new name cannot be written to {file} ({reason}). Check that you may write "
                "there and that the disk has some space left.",
                file=str(path),
                reason=reason or str(error),
            )
        ) from error


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
    except OSError as error:
        raise RunFolderError(
            Message(
                "The file {file} cannot be read ({reason}). Check that it is there and that you "
                "may read it.",
                file=path.name,
                reason=error.strerror or str(error),
            )
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(
            Message(
                "The file {file} is damaged: it is not the JSON that training writes. Put a copy "
                "back, or move the run to the trash.",
                file=path.name,
            )
        ) from error
    return values


def _require(entry: str, is_valid: bool) -> None:
    if not is_valid:
        raise RunFolderError(
            Message(
                "The file {file} is damaged: its entry {entry} is not what it must be. Put a copy "
                "back, or move the run to the trash.",
                file=RUN_FILE,
                entry=entry,
            )
        )


def _line(text: str) -> str:
    return showable(text[:1000])


def _time(value: object) -> datetime.datetime:
    try:
        time = datetime.datetime.fromisoformat(value if isinstance(value, str) else "")
        time = time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
        time.astimezone()  # what lies at the ends of the calendar has no local time
    except (ValueError, OverflowError, OSError):
        _require("started", False)
        raise
    return time


def _sources(dataset: dict[str, Any]) -> str:
    """The names of the sources; runs of the first programs had one."""
    sources = dataset.get("sources", [dataset.get("source")])
    _require("dataset", isinstance(sources, list) and bool(sources))
    _require("dataset", all(isinstance(source, str) for source in sources))
    # Of Windows: its paths know both slashes, whatever system the run was made on.
    names = [PureWindowsPath(source).name or source for source in sources[:_SHOWN_SOURCES]]
    shown = ", ".join(_line(name) for name in names)
    return shown if len(sources) <= _SHOWN_SOURCES else f"{shown} …"


def _classes(counts: object) -> dict[str, int]:
    _require("dataset", isinstance(counts, dict) and bool(counts))
    assert isinstance(counts, dict)  # said above; mypy cannot see it
    for n in counts.values():
        _require("dataset", type(n) is int and 0 <= n < 2**53)
    return {_line(name): n for name, n in counts.items()}


def _config(values: object) -> TrainingConfig:
    _require("config", isinstance(values, dict))
    assert isinstance(values, dict)  # said above; mypy cannot see it
    try:
        return TrainingConfig.from_json(values)
    except ConfigError as error:
        raise RunFolderError(
            Message("The settings in {file} are damaged: {reason}", file=RUN_FILE, reason=error)
        ) from error
    except (TypeError, ValueError):
        _require("config", False)
        raise

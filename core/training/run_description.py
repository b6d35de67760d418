"""The run.json of a run folder: what the run set out to do, and how it stands."""

import contextlib
import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core import files
from core.config import TrainingConfig
from core.data.unpacked import showable
from core.errors import ConfigError, Message, PneumoScopeError, RunFolderError
from core.files import json_text
from core.models.dataset_findings import DatasetFindings
from core.schema import StrictModel

RUN_FILE: Final = "run.json"
FORMAT_VERSION: Final = 1
MAX_BYTES: Final = 1 << 28  # the names of a million films fit
MAX_NAME_LENGTH: Final = 100  # characters of a name that the user gives
_LONGEST_LINE = 1000  # characters that are shown
_SHOWN_SOURCES = 3

Status = Literal["running", "paused", "finished", "stopped", "failed"]
Names = Annotated[tuple[str, ...], Field(strict=False)]  # JSON knows no tuples


def _as_time(text: str) -> str:
    # What lies at the ends of the calendar has no local time.
    with contextlib.suppress(OverflowError, OSError):
        _time(text).astimezone()
        return text
    raise ValueError("no time that can be shown")


def _time(text: str) -> datetime.datetime:
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


class _Part(BaseModel):
    """A part of the description; entries of a newer program are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class PatientsDescription(_Part):
    """The patients among the films, and how their names were read."""

    n: int | None = None
    pattern: str | None = None


class DatasetDescription(_Part):
    """Films of a run, to be found again."""

    sources: Names = Field(min_length=1)  # whole paths: the run may be resumed from anywhere
    source_bytes: Names = ()  # the same as bytes, hexadecimal: a path on Linux need not be text
    loaded_at: int = 0  # pixels of the cache's images
    fingerprint: str = ""
    classes: dict[str, Annotated[int, Field(ge=0, lt=2**53)]] = Field(min_length=1)  # n of each
    left_out: int = 0
    # Level of the class folders in each source; (): the run began before it was kept.
    class_levels: tuple[int | None, ...] = Field((), strict=False)
    edits: Any = None  # see core.data.edits; read where the run is resumed
    labels: Any = None  # see core.data.labels.LabelChoice; None: the folders are the classes
    patients: PatientsDescription | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_one_source(cls, values: Any) -> Any:
        if isinstance(values, dict) and "sources" not in values and "source" in values:
            return {**values, "sources": [values["source"]]}  # of the first programs
        return values

    @property
    def paths(self) -> list[Path]:
        """The sources as the system knows them, also where their names cannot be shown."""
        paths = list(self.sources)
        for place, given in enumerate(self.source_bytes[: len(paths)]):
            with contextlib.suppress(ValueError):
                path = os.fsdecode(bytes.fromhex(given))
                if showable(path) == paths[place]:  # else somebody has written another one there
                    paths[place] = path
        return [Path(path) for path in paths]

    @property
    def name(self) -> str:
        """The names of the first sources."""
        # Of Windows: its paths know both slashes, whatever system the run was made on.
        first = self.sources[:_SHOWN_SOURCES]
        shown = ", ".join(_line(PureWindowsPath(source).name or source) for source in first)
        return shown if len(self.sources) <= _SHOWN_SOURCES else f"{shown} …"


class DeviceDescription(_Part):
    """Place where a run computes."""

    name: str
    description: str = ""
    threads: int | None = None  # of a processor; None: a graphics card, or not kept yet


class RunDescription(StrictModel):
    """All of run.json. Entries of a newer program are kept as they are.

    Raises:
        RunFolderError: An entry is missing or not what it must be.
        ConfigError: A setting is refused.
    """

    model_config = ConfigDict(extra="allow")

    # The first entries are read without the rest, see core.training.runs.newest_interrupted.
    format_version: int = Field(default=FORMAT_VERSION, ge=FORMAT_VERSION, le=FORMAT_VERSION)
    status: Status = "running"
    started: Annotated[str, AfterValidator(_as_time)]  # ISO 8601
    name: str = ""  # of the user's own
    reason: str = ""  # why it failed; English
    config: TrainingConfig
    dataset: DatasetDescription
    split: dict[str, Names] | None = None  # part -> names of films
    split_sha256: str = ""
    # None: the run began before they were kept.
    findings: DatasetFindings | None = None
    device: DeviceDescription
    versions: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""  # over all other entries, by `write_description`

    @classmethod
    def refusal(cls, error: ValidationError) -> PneumoScopeError:
        """Name the first entry that is not what it must be."""
        place = error.errors(include_url=False, include_context=False)[0]["loc"]
        return RunFolderError(
            Message(
                "The file {file} is damaged: its entry {entry} is not what it must be. Put a copy "
                "back, or move the run to the trash.",
                file=RUN_FILE,
                entry=str(place[0]) if place else "?",
            )
        )

    @property
    def start_time(self) -> datetime.datetime:
        """The time of `started`, with its zone."""
        return _time(self.started)

    @property
    def shown_name(self) -> str:
        """The user's name for the run, as one line of text."""
        return _line(self.name)

    def with_entries(self, **entries: Any) -> Self:
        """Return a copy in which these entries are others."""
        return self.model_copy(update=entries)


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
    try:
        return RunDescription.from_json(values)
    except ConfigError as error:
        raise RunFolderError(
            Message("The settings in {file} are damaged: {reason}", file=RUN_FILE, reason=error)
        ) from error


def is_altered(folder: Path) -> bool | None:
    """Tell that something else than `write_description` has changed the run.json in `folder`.

    Returns:
        None where it has no checksum, as of earlier programs.

    Raises:
        RunFolderError: It cannot be read.
    """
    values = _load(folder / RUN_FILE)
    if "sha256" not in values:
        return None
    return values["sha256"] != _checksum(values)


def _checksum(values: Mapping[str, Any]) -> str:
    others = {name: value for name, value in values.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode("ascii")).hexdigest()


def write_description(
    folder: Path, description: RunDescription, *, is_altered: bool = False
) -> None:
    """Replace the run.json in `folder`.

    Args:
        folder: Of the run.
        description: All of the new content.
        is_altered: Something in it was changed by others and nobody has accepted that yet.

    Raises:
        OSError: The disk refuses; the old one is still there.
    """
    values = description.to_json()
    for name in ("name", "reason"):
        if not values[name]:
            del values[name]
    values["sha256"] = "altered" if is_altered else _checksum(values)
    files.write_text(folder / RUN_FILE, json_text(values) + "\n")


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
    description = read_description(folder)
    try:
        write_description(
            folder, description.with_entries(name=name), is_altered=is_altered(folder) is True
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise RunFolderError(
            Message(
                "The new name cannot be written to {file} ({reason}). Check that you may write "
                "there and that the disk has some space left.",
                file=str(folder / RUN_FILE),
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


def _line(text: str) -> str:
    return showable(text[:_LONGEST_LINE])

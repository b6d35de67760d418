"""The list of runs, read from their folders: there is no database to break."""

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from core import tensor_file
from core.config import TrainingConfig
from core.data.unpacked import showable
from core.errors import Message, PneumoScopeError, RunFolderError
from core.files import write_csv
from core.models.model_file import read_card
from core.training.checkpoint import NEWEST_FILE, PREVIOUS_FILE
from core.training.history import History
from core.training.run_description import RUN_FILE, RunDescription, read_description
from core.training.run_folder import BEST_FILE, LAST_FILE, LOCK_FILE, METRICS_FILE, is_owned

CHECKPOINT_FILES = (NEWEST_FILE, PREVIOUS_FILE)
_LONGEST_REASON = 1000  # characters


def has_living_owner(folder: Path) -> bool:
    """Tell that a process of this computer is training the run.

    Raises:
        RunFolderError: The lock is there but says nothing that can be understood.
    """
    path = folder / LOCK_FILE
    try:
        # An empty one was made a moment ago, and its owner is about to write there.
        if path.exists() and path.stat().st_size > 0:
            owner = json.loads(path.read_bytes())
            _ = int(owner["pid"]), float(owner["create_time"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise RunFolderError(
            Message(
                "The file {file} is damaged. If no PneumoScope is training this run, delete that "
                "file.",
                file=LOCK_FILE,
            )
        ) from error
    return is_owned(folder)


def usable_checkpoint(folder: Path) -> tuple[bool, Message | None]:
    """Return whether training can go on from a checkpoint, and a remark on a damaged one.

    Raises:
        RunFolderError: There are checkpoints, and none is whole.
    """
    found = [name for name in CHECKPOINT_FILES if (folder / name).exists()]
    whole = [name for name in found if _is_whole(folder / name)]
    if found and not whole:
        raise RunFolderError(
            Message(
                "The file {file} is damaged, so training cannot go on from it. Put a copy back, "
                "or train again with the same settings.",
                file=found[0],
            )
        )
    if whole and whole[0] != found[0]:
        return True, Message("The newest checkpoint is damaged; the one before it will be used.")
    return bool(whole), None


def _is_whole(path: Path) -> bool:
    """Tell that a checkpoint has the header and the length that it must have."""
    try:
        with path.open("rb") as file:
            tensor_file.read_header(file).check_own_layout()
    except (OSError, ValueError):
        return False
    return True


HEAD_BYTES = 2048  # holds the status; the names of all films come later and may be megabytes
_STATUS = re.compile(rb'"status":\s*"(\w+)"')
_STARTED = re.compile(rb'"started":\s*("[^"\\]{1,40}")')
_OPEN = (b"running", b"paused")


@dataclass(frozen=True, slots=True)
class InterruptedRun:
    """A run that waits to be resumed."""

    path: Path
    started: datetime.datetime | None  # in local time; None: it does not say


def newest_interrupted(runs: Path) -> InterruptedRun | None:
    """The newest run in `runs` that was paused or whose process died, if one can go on.

    Cheap: of each run at most the beginnings of its files are read. What cannot be read is
    passed over; the Runs page tells about it.
    """
    written: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for folder in runs.iterdir():
            with contextlib.suppress(OSError):
                written.append(((folder / RUN_FILE).stat().st_mtime, folder))
    for _, folder in sorted(written, reverse=True):
        with contextlib.suppress(OSError, RunFolderError):
            run = _interrupted(folder)
            if run is not None:
                return run
    return None


def _interrupted(folder: Path) -> InterruptedRun | None:
    with (folder / RUN_FILE).open("rb") as file:
        head = file.read(HEAD_BYTES)
    status = _STATUS.search(head)
    if status is None or status[1] not in _OPEN or has_living_owner(folder):
        return None
    can_resume, _ = usable_checkpoint(folder)
    if not can_resume:
        return None
    started = _STARTED.search(head)
    return InterruptedRun(folder, _local_time(started[1]) if started else None)


def _local_time(text: bytes) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(json.loads(text)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


# "interrupted": it was training when its process died.
RunStatus = Literal["running", "interrupted", "paused", "finished", "stopped", "failed"]
_FILES = (RUN_FILE, METRICS_FILE, BEST_FILE, LAST_FILE, *CHECKPOINT_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run, as a line of a table shows it; None where it has not come that far."""

    path: Path
    name: str  # its own, else that of its folder
    status: RunStatus
    started: datetime.datetime  # with its zone
    dataset: str
    n_films: int
    classes: tuple[str, ...]
    config: TrainingConfig
    epochs_done: int
    best_epoch: int | None
    validation_accuracy: float | None  # of the best epoch, fraction in [0, 1]
    test_accuracy: float | None
    seconds: float  # of training
    n_parameters: int | None
    device: str
    has_best: bool
    can_resume: bool
    size_bytes: int  # on disk
    epoch_losses: tuple[float, ...]  # of validation, else of training; may hold NaN
    failure: str  # why it failed, in English; empty: it did not
    remark: Message | None  # what is not as it should be, but does no harm

    @property
    def best_model(self) -> Path | None:
        """The model file of the best epoch."""
        return self.path / BEST_FILE if self.has_best else None


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """A folder that cannot be shown as a run, and why; nothing in it was touched."""

    path: Path
    name: str
    reason: Message
    is_run: bool  # False: a folder in which runs were sought and that cannot be listed


def scan_runs(folders: Iterable[Path]) -> Iterator[RunSummary | DamagedRun]:
    """Read every run in `folders`, each of which may also be a run itself; each run once."""
    seen: set[Path] = set()
    for folder in folders:
        try:
            paths = [folder] if _is_run(folder) else sorted(filter(_is_run, folder.iterdir()))
        except OSError as error:
            yield DamagedRun(folder, showable(folder.name), _unlistable(error), is_run=False)
            continue
        for path in paths:
            place = path.absolute()
            if place not in seen:
                seen.add(place)
                yield read_run_or_damage(place)


def read_run_or_damage(path: Path) -> RunSummary | DamagedRun:
    """Read one run; whatever is wrong with it is told, never raised."""
    try:
        return read_summary(path)
    except PneumoScopeError as error:
        return DamagedRun(path, showable(path.name), error.message, is_run=True)
    except OSError as error:  # a folder that goes away meanwhile, a disk that fails
        return DamagedRun(path, showable(path.name), _unlistable(error), is_run=True)


def read_summary(path: Path) -> RunSummary:
    """Read the run in the folder `path`.

    Raises:
        PneumoScopeError: One of its files is damaged; which one and how.
        OSError: The folder cannot be read.
    """
    said = read_description(path)
    history = History.read(path)
    if history.n_damaged:
        raise RunFolderError(
            Message(
                "The file {file} is damaged: {n} of its lines cannot be read. Put a copy back, or "
                "move the run to the trash.",
                file=METRICS_FILE,
                n=history.n_damaged,
            )
        )
    for name in (BEST_FILE, LAST_FILE):
        if (path / name).exists():
            read_card(path / name)  # raises where it is damaged
    has_checkpoint, remark = usable_checkpoint(path)
    status = _status(said, has_living_owner(path))
    best = history.best
    return RunSummary(
        path=path,
        name=said.shown_name or showable(path.name),
        status=status,
        started=said.start_time,
        dataset=said.dataset.name,
        n_films=sum(said.dataset.classes.values()),
        classes=tuple(showable(name) for name in said.dataset.classes),
        config=said.config,
        epochs_done=history.epochs[-1].epoch if history.epochs else 0,
        best_epoch=best.epoch if best else None,
        validation_accuracy=_share(best.validation_accuracy) if best else None,
        test_accuracy=_share(history.test_accuracy),
        seconds=sum(one.seconds for one in history.epochs if 0 <= one.seconds < 1e9),
        n_parameters=_count(history.n_parameters),
        device=showable(said.device.name),
        has_best=(path / BEST_FILE).exists(),
        can_resume=has_checkpoint and status not in ("running", "finished"),
        size_bytes=sum(one.lstat().st_size for one in path.iterdir() if _is_own_file(one)),
        epoch_losses=_losses(history),
        failure=showable(said.reason[:_LONGEST_REASON]) if status == "failed" else "",
        remark=remark,
    )


def _is_run(path: Path) -> bool:
    """Tell that training made this folder, as far as its names tell."""
    return path.is_dir() and any((path / name).exists() for name in _FILES)


def _is_own_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _status(said: RunDescription, is_owned: bool) -> RunStatus:
    match said.status:
        case "finished" | "failed" as ended:
            return ended
        case "paused" | "stopped" as ended if not is_owned:
            return ended
    return "running" if is_owned else "interrupted"


def _losses(history: History) -> tuple[float, ...]:
    has_validation = any(epoch.validation_loss is not None for epoch in history.epochs)
    losses = history.of_epochs("validation_loss" if has_validation else "train_loss")
    return tuple(losses.tolist())


def _share(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= 1 else None  # false for NaN too


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _unlistable(error: OSError) -> Message:
    return Message(
        "The folder cannot be read ({reason}). Check that it is there and that you may read it.",
        reason=error.strerror or str(error),
    )


_COLUMNS: Final[dict[str, Callable[[RunSummary], object]]] = {
    "name": lambda run: run.name,
    "folder": lambda run: run.path,
    "status": lambda run: run.status,
    "reason": lambda run: run.failure or run.remark,
    "started": lambda run: run.started.isoformat(),
    "dataset": lambda run: run.dataset,
    "films": lambda run: run.n_films,
    "classes": lambda run: "; ".join(run.classes),
    "epochs_done": lambda run: run.epochs_done,
    "best_epoch": lambda run: run.best_epoch,
    "validation_accuracy": lambda run: run.validation_accuracy,
    "test_accuracy": lambda run: run.test_accuracy,
    "seconds": lambda run: round(run.seconds, 3),
    "parameters": lambda run: run.n_parameters,
    "device": lambda run: run.device,
    "size_bytes": lambda run: run.size_bytes,
}


def flat_settings(config: TrainingConfig) -> dict[str, Any]:
    """Every setting by its name; those within others as "augmentation.flip_probability"."""
    return flattened(config.to_json())


def differences(a: RunSummary, b: RunSummary) -> list[tuple[str, Any, Any]]:
    """Return the settings in which two runs differ: name and both values.

    Beside the settings: "dataset", "n_films", "n_classes" and "device".
    """
    return [
        (name, value, other)
        for (name, value), other in zip(_made_with(a).items(), _made_with(b).values(), strict=True)
        if value != other
    ]


def export_runs(path: Path, runs: Iterable[RunSummary | DamagedRun]) -> None:
    """Write a table of runs with every setting; fractions in [0, 1], seconds, bytes.

    Raises:
        RunFolderError: The file cannot be written.
    """
    settings = tuple(flat_settings(TrainingConfig()))
    rows = [_damaged(run) if isinstance(run, DamagedRun) else _cells(run) for run in runs]
    columns = (*_COLUMNS, *settings)
    write_csv(path, [columns, *([row.get(name, "") for name in columns] for row in rows)])


def flattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON objects within others as one, its names joined by dots."""
    return dict(_flat(values))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _made_with(run: RunSummary) -> dict[str, Any]:
    return {
        "dataset": run.dataset,
        "n_films": run.n_films,
        "n_classes": len(run.classes),
        **flat_settings(run.config),
        "device": run.device,
    }


def _cells(run: RunSummary) -> dict[str, str]:
    values = {name: value(run) for name, value in _COLUMNS.items()} | flat_settings(run.config)
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _damaged(run: DamagedRun) -> dict[str, str]:
    return {
        "name": run.name,
        "folder": str(run.path),
        "status": "damaged",
        "reason": str(run.reason),
    }

"""Every run in some folders, read from the runs themselves: there is no database to break."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.config import TrainingConfig
from core.data.names import showable
from core.errors import Message, PneumoScopeError, RunFolderError
from core.training.run_description import RunDescription, read_description
from core.training.run_events import Epoch, RunEvents, read_events
from core.training.run_files import (
    CHECKPOINT_FILES,
    check_models,
    has_living_owner,
    n_bytes,
    usable_checkpoint,
)
from core.training.run_folder import BEST_FILE, LAST_FILE, METRICS_FILE, RUN_FILE

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
    events = read_events(path / METRICS_FILE)
    if events.n_damaged:
        raise RunFolderError(
            Message(
                "The file {file} is damaged: {n} of its lines cannot be read. Put a copy back, or "
                "move the run to the trash.",
                file=METRICS_FILE,
                n=events.n_damaged,
            )
        )
    has_best = check_models(path)
    has_checkpoint, remark = usable_checkpoint(path)
    status = _status(said, has_living_owner(path))
    best = _best(events)
    return RunSummary(
        path=path,
        name=said.name or showable(path.name),
        status=status,
        started=said.started,
        dataset=said.dataset,
        n_films=sum(said.classes.values()),
        classes=tuple(said.classes),
        config=said.config,
        epochs_done=events.epochs[-1].epoch if events.epochs else 0,
        best_epoch=best.epoch if best else None,
        validation_accuracy=_share(best.validation_accuracy) if best else None,
        test_accuracy=_share(events.done.get("test_accuracy")),
        seconds=sum(one.seconds for one in events.epochs if 0 <= one.seconds < 1e9),
        n_parameters=_count(events.started.get("n_parameters")),
        device=said.device,
        has_best=has_best,
        can_resume=has_checkpoint and status not in ("running", "finished"),
        size_bytes=n_bytes(path),
        epoch_losses=_losses(events.epochs),
        failure=said.reason if status == "failed" else "",
        remark=remark,
    )


def _is_run(path: Path) -> bool:
    """Whether training made this folder, as far as its names tell."""
    return path.is_dir() and any((path / name).exists() for name in _FILES)


def _status(said: RunDescription, is_owned: bool) -> RunStatus:
    match said.status:
        case "finished" | "failed" as ended:
            return ended
        case "paused" | "stopped" as ended if not is_owned:
            return ended
    return "running" if is_owned else "interrupted"


def _best(events: RunEvents) -> Epoch | None:
    return next((one for one in reversed(events.epochs) if one.is_best), None)


def _losses(epochs: list[Epoch]) -> tuple[float, ...]:
    validation = tuple(one.validation_loss for one in epochs)
    has_validation = any(loss == loss for loss in validation)  # NaN differs from itself
    return validation if has_validation else tuple(one.train_loss for one in epochs)


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

"""In which order runs are listed, and which of them a filter lets through."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

from app.run_words import network_words, status_words
from app.translation import say
from core.training.runs import DamagedRun, RunSummary

Run = RunSummary | DamagedRun
Column = Literal[
    "name",
    "status",
    "dataset",
    "network",
    "validation",
    "test",
    "epochs",
    "time",
    "started",
]
COLUMNS: tuple[Column, ...] = get_args(Column)
# What can be acted on first.
_STATUSES = ("running", "interrupted", "paused", "stopped", "failed", "finished")


def ordered(runs: Iterable[Run], column: Column, *, is_descending: bool) -> list[Run]:
    """Runs by one of their values, then by when they began; those without it come last."""
    by_age = sorted(runs, key=lambda run: (isinstance(run, RunSummary), _age(run)), reverse=True)
    keys = {run.path: _key(run, column) for run in by_age}
    has = [run for run in by_age if keys[run.path] is not None]
    has.sort(key=lambda run: keys[run.path], reverse=is_descending)
    return [*has, *(run for run in by_age if keys[run.path] is None)]


def matches(run: Run, text: str) -> bool:
    """Whether every word of `text` occurs in what the table says of a run."""
    said = [run.name, run.path.name, say(status_words(run))]
    if isinstance(run, RunSummary):
        said += [run.dataset, network_words(run), run.config.architecture, *run.classes]
    everything = "\n".join(said).casefold()
    return all(word in everything for word in text.casefold().split())


def _age(run: Run) -> float:
    return run.started.timestamp() if isinstance(run, RunSummary) else 0.0


def _key(run: Run, column: Column) -> Any:
    """What sorts a run, None where it has nothing of the kind."""
    if isinstance(run, DamagedRun):
        return run.name.casefold() if column == "name" else None
    match column:
        case "name":
            return run.name.casefold()
        case "status":
            return _STATUSES.index(run.status)
        case "dataset":
            return run.dataset.casefold()
        case "network":
            return int(run.config.architecture.removeprefix("resnet"))
        case "validation":
            return run.validation_accuracy
        case "test":
            return run.test_accuracy
        case "epochs":
            return run.epochs_done
        case "time":
            return run.seconds
        case "started":
            return run.started.timestamp()

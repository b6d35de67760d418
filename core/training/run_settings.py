"""The settings of runs side by side, and the table of runs for a spreadsheet."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.config import TrainingConfig
from core.csv_cells import write_csv
from core.training.runs import DamagedRun, RunSummary

_COLUMNS = (
    "name",
    "folder",
    "status",
    "reason",
    "started",
    "dataset",
    "films",
    "classes",
    "epochs_done",
    "best_epoch",
    "validation_accuracy",
    "test_accuracy",
    "seconds",
    "parameters",
    "device",
    "size_bytes",
)


def flat_settings(config: TrainingConfig) -> dict[str, Any]:
    """Every setting by its name; those within others as "augmentation.flip_probability"."""
    return dict(_flat(config.to_json()))


def differences(a: RunSummary, b: RunSummary) -> list[tuple[str, Any, Any]]:
    """What two runs were made with, where it is not the same: its name and both values.

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
    values = {
        "name": run.name,
        "folder": str(run.path),
        "status": run.status,
        "reason": run.failure or (str(run.remark) if run.remark else ""),
        "started": run.started.isoformat(),
        "dataset": run.dataset,
        "films": run.n_films,
        "classes": "; ".join(run.classes),
        "epochs_done": run.epochs_done,
        "best_epoch": run.best_epoch,
        "validation_accuracy": run.validation_accuracy,
        "test_accuracy": run.test_accuracy,
        "seconds": round(run.seconds, 3),
        "parameters": run.n_parameters,
        "device": run.device,
        "size_bytes": run.size_bytes,
        **flat_settings(run.config),
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _damaged(run: DamagedRun) -> dict[str, str]:
    return {
        "name": run.name,
        "folder": str(run.path),
        "status": "damaged",
        "reason": str(run.reason),
    }

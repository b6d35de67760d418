"""Run folders as training leaves them, made without training."""

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.config import TrainingConfig
from core.training.run_description import RUN_FILE, RunDescription
from core.training.run_folder import METRICS_FILE


def batch_line(epoch: int, batch: int, loss: float = 1.0, batches: int = 3) -> dict[str, Any]:
    return {
        "event": "BatchDone",
        "epoch": epoch,
        "batch": batch,
        "batches": batches,
        "loss": loss,
        "accuracy": 0.5,
        "learning_rate": 1e-3,
        "images_per_second": 50.0,
        "seconds_left": 3.0,
    }


def epoch_line(epoch: int, loss: float | None = 0.9, *, is_best: bool = True) -> dict[str, Any]:
    return {
        "event": "EpochDone",
        "epoch": epoch,
        "train_loss": 1.0,
        "train_accuracy": 0.5,
        "validation_loss": loss,
        "validation_accuracy": None if loss is None else 0.75,
        "is_best": is_best,
        "seconds": 2.0,
    }


def story(n_epochs: int = 2) -> list[dict[str, Any]]:
    """A run of three batches an epoch, from its beginning to its end."""
    lines: list[dict[str, Any]] = [{"event": "TrainingStarted", "n_parameters": 11_000_000}]
    for epoch in range(1, n_epochs + 1):
        lines += [batch_line(epoch, batch, 1 / epoch) for batch in (1, 2, 3)]
        lines.append(epoch_line(epoch, 1 / epoch))
    return [*lines, {"event": "TrainingDone", "test_accuracy": 0.8}]


def write_lines(folder: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Append events to the run's metrics.jsonl."""
    with (folder / METRICS_FILE).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def make_run(
    folder: Path,
    config: TrainingConfig | None = None,
    lines: Sequence[dict[str, Any]] | None = None,
    **entries: Any,
) -> Path:
    """A run that finished, but for the `entries` of run.json that are told."""
    folder.mkdir(parents=True)
    description = {
        "format_version": 1,
        "status": "finished",
        "started": "2026-11-22T14:01:06+00:00",
        "config": (config or TrainingConfig(epochs=2)).to_json(),
        "dataset": {
            "sources": ["/home/somebody/films.zip"],
            "fingerprint": "f" * 64,
            "classes": {"COVID": 10, "NORMAL": 20},
            "left_out": 0,
        },
        "split": {"train": ["a.png"], "validation": [], "test": [], "kept": []},
        "device": {"name": "cpu", "description": "a processor"},
        "versions": {"python": "3.11"},
        **entries,
    }
    (folder / RUN_FILE).write_text(json.dumps(description), encoding="utf-8")
    write_lines(folder, story() if lines is None else lines)
    return folder


def description(**entries: Any) -> RunDescription:
    """The description of a run that nobody looks at closely."""
    values = {
        "started": "2026-11-22T14:01:06+00:00",
        "config": TrainingConfig(),
        "dataset": {"sources": ["films.zip"], "classes": {"COVID": 10, "NORMAL": 20}},
        "device": {"name": "cpu"},
    }
    return RunDescription(**{**values, **entries})


def read_run(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The whole of run.json, and the events that count; a line that a kill cut is dropped."""
    events = []
    metrics = folder / METRICS_FILE
    for line in metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []:
        with contextlib.suppress(ValueError):
            events.append(json.loads(line))
    values = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    return values, _without_undone([event for event in events if isinstance(event, dict)])


def _without_undone(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what was recorded beyond the checkpoint that a run then went on from."""
    kept: list[dict[str, Any]] = []
    for event in events:
        if event.get("event") == "Resumed":
            kept = [old for old in kept if not _is_undone(old, event)]
        kept.append(event)
    return kept


def _is_undone(old: dict[str, Any], resumed: dict[str, Any]) -> bool:
    """Whether `old` belongs after the place where the run goes on."""
    try:
        match old.get("event"):
            case "BatchDone" | "BatchHalved":
                place = (old["epoch"], old["batch"])
                return bool(place > (resumed["epoch"], resumed["batch"]))
            case "EpochDone":
                return bool(old["epoch"] >= resumed["epoch"])
            case "TrainingDone":
                return True
    except (KeyError, TypeError):  # no line of ours
        return False
    return False

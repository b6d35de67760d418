"""Recorded runs as lines of a table."""

from app.durations import duration
from app.run_words import network_words, status_notes, status_words
from app.translation import say, tr
from app.viewmodels.run_order import COLUMNS, Column, Run
from app.widgets.run_sign import RunSign
from app.widgets.run_table_model import RunRow
from core.training.runs import DamagedRun, RunStatus, RunSummary

NONE = "–"
NUMBER_COLUMNS = (5, 6, 7, 8)  # with the curve before `COLUMNS`
_SIGNS: dict[RunStatus, RunSign] = {
    "running": "play",
    "interrupted": "warning",
    "paused": "pause",
    "finished": "tick",
    "stopped": "stop",
    "failed": "error",
}


def titles() -> list[str]:
    """Of the curve, and of `COLUMNS`."""
    words: dict[Column, str] = {
        "name": tr("Name"),
        "status": tr("Status"),
        "dataset": tr("Dataset"),
        "network": tr("Network"),
        "validation": tr("Validation"),
        "test": tr("Test"),
        "epochs": tr("Epochs"),
        "time": tr("Time"),
        "started": tr("Started"),
    }
    return [tr("Curve"), *(words[column] for column in COLUMNS)]


def run_row(run: Run) -> RunRow:
    """One line of the table."""
    notes = [say(note) for note in status_notes(run)]
    status = say(status_words(run))
    if isinstance(run, DamagedRun):
        return RunRow(
            key=str(run.path),
            losses=(),
            sign="error",
            cells=(run.name, status, notes[0], *[""] * (len(COLUMNS) - 3)),
            tip="\n".join((str(run.path), *notes)),
            can_rename=False,
            is_sentence=True,
        )
    return RunRow(
        key=str(run.path),
        losses=run.epoch_losses,
        sign=_SIGNS[run.status],
        cells=(
            run.name,
            status,
            run.dataset,
            network_words(run),
            _share(run.validation_accuracy),
            _share(run.test_accuracy),
            f"{run.epochs_done} / {run.config.n_epochs}",
            duration(run.seconds),
            run.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        ),
        tip="\n".join((*_facts(run), *notes)),
        can_rename=run.status != "running",
    )


def _share(value: float | None) -> str:
    return f"{value:.1%}" if value is not None else NONE


def _facts(run: RunSummary) -> list[str]:
    facts = [
        run.name,
        str(run.path),
        tr(
            "{n} films, {classes} classes, {device}",
            n=f"{run.n_films:,}",
            classes=len(run.classes),
            device=run.device,
        ),
    ]
    if run.n_parameters is not None:
        facts.append(tr("{n} parameters", n=f"{run.n_parameters:,}"))
    if run.best_epoch is not None:
        facts.append(tr("Best epoch: {epoch}", epoch=run.best_epoch))
    facts.append(tr("{size} MB on disk", size=f"{run.size_bytes / 1e6:,.0f}"))
    return facts

"""The Runs page's state: what was trained, which of it is chosen, and how it went."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from PySide6.QtCore import QFile, QObject, Signal, Slot

from app.i18n import say
from app.tasks import TaskQueue, TaskRunner
from app.wording import network_words, status_words
from core.errors import Message, RunFolderError
from core.training.history import History
from core.training.run_description import rename_run
from core.training.runs import (
    DamagedRun,
    RunSummary,
    differences,
    export_runs,
    has_living_owner,
    read_run_or_damage,
    scan_runs,
)
from core.workspace import Workspace

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
MAX_OVERLAID = 40  # more curves are a tangle; as many looks does the plot have
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
    """Return True if every word of `text` occurs in what the table says of a run."""
    said = [run.name, run.path.name, say(status_words(run))]
    if isinstance(run, RunSummary):
        said += [run.dataset, network_words(run), run.config.architecture, *run.classes]
    everything = "\n".join(said).casefold()
    return all(word in everything for word in text.casefold().split())


def _age(run: Run) -> float:
    return run.started.timestamp() if isinstance(run, RunSummary) else 0.0


def _key(run: Run, column: Column) -> Any:
    """Return the value that sorts a run, None where it has none."""
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


@dataclass(frozen=True, slots=True)
class _Scanned:
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class _Changed:
    path: Path
    run: Run | None  # None: it is in the trash


@dataclass(frozen=True, slots=True, eq=False)
class _HistoryRead:
    path: Path
    history: History


def move_to_trash(path: Path) -> bool:
    """Move a folder to the system's trash; False where it has none for this disk."""
    return bool(QFile.moveToTrash(str(path)))


class RunsViewModel(QObject):
    """Lists runs and does what can be done with them, one task after the other.

    Args:
        runner: Where folders are read; this view-model's own.
        workspace: Its runs are always listed.
        folders: More folders with runs, of other machines for instance.
        trash: Moves a folder to the trash and says whether it did.
    """

    changed = Signal()  # what is listed, or busy or not
    selected_changed = Signal()
    curves_changed = Signal()
    folders_changed = Signal(list)  # of Path: the folders of other runs
    model_wanted = Signal(object)  # Path of a model file
    config_wanted = Signal(object)  # TrainingConfig to train again with
    resume_wanted = Signal(object)  # Path of a run folder
    failed = Signal(object)  # Failure

    def __init__(
        self,
        runner: TaskRunner,
        workspace: Workspace,
        folders: Sequence[Path] = (),
        trash: Callable[[Path], bool] = move_to_trash,
    ) -> None:
        super().__init__()
        self._queue, self._workspace, self._trash = TaskQueue(runner, self), workspace, trash
        self._folders = list(folders)
        self._runs: dict[Path, Run] = {}
        self.shown: tuple[Run, ...] = ()  # filtered and in order
        self.filter_text = ""
        self.column: Column = "started"
        self.is_descending = True
        self._selected: tuple[Path, ...] = ()
        self.histories: dict[Path, History] = {}  # of chosen runs
        self._asked: set[Path] = set()  # whose histories were asked for
        self._queue.started.connect(self.changed)
        self._queue.reported.connect(self._on_queue_reported)
        self._queue.failed.connect(self.failed)
        self._queue.finished.connect(self.changed)

    @property
    def is_busy(self) -> bool:
        """True if folders are being read or changed."""
        return self._queue.is_busy

    @property
    def n_runs(self) -> int:
        """All runs, those that the filter hides too."""
        return len(self._runs)

    def newest(self, n: int) -> list[RunSummary]:
        """Return the `n` runs that began last, of those that are whole."""
        runs = [run for run in self._runs.values() if isinstance(run, RunSummary)]
        return sorted(runs, key=_age, reverse=True)[:n]

    def newest_resumable(self) -> RunSummary | None:
        """Return the run that began last of those that wait to be resumed."""
        waiting = ("interrupted", "paused")
        runs = self.newest(len(self._runs))
        return next((run for run in runs if run.can_resume and run.status in waiting), None)

    @property
    def selected(self) -> tuple[Run, ...]:
        """The chosen runs, in the order in which they were chosen."""
        return tuple(self._runs[path] for path in self._selected if path in self._runs)

    @property
    def overlaid(self) -> tuple[RunSummary, ...]:
        """The chosen runs whose curves are read: the first ones that are whole."""
        runs = (run for run in self.selected if isinstance(run, RunSummary))
        return tuple(islice(runs, MAX_OVERLAID))

    @property
    def chosen(self) -> RunSummary | None:
        """The one chosen run that is whole; None where there are several, or none."""
        runs = self.selected
        return runs[0] if len(runs) == 1 and isinstance(runs[0], RunSummary) else None

    @property
    def can_rename(self) -> bool:
        """True if one whole run is chosen whose run.json nobody writes."""
        return self.chosen is not None and self.chosen.status != "running"

    @property
    def can_delete(self) -> bool:
        """True if runs are chosen, none of them training."""
        return bool(self.selected) and all(map(_is_deletable, self.selected))

    @property
    def differences(self) -> list[tuple[str, Any, Any]] | None:
        """Setting and both values where two chosen runs differ; None unless two are chosen."""
        runs = self.selected
        if len(runs) != 2 or not all(isinstance(run, RunSummary) for run in runs):
            return None
        a, b = (run for run in runs if isinstance(run, RunSummary))
        return differences(a, b)

    def refresh(self) -> None:
        """Read all folders anew, and the curves of the chosen runs."""

        def scan() -> Iterator[object]:
            folders = (self._workspace.runs, *self._folders)
            found: list[Run] = []
            for run in scan_runs(folders):
                found.append(run)
                yield None  # a moment to stop
            yield _Scanned(tuple(found))

        self._asked.clear()
        self._queue.put("scan", scan)

    def add_folder(self, folder: Path) -> None:
        """List the runs in `folder` too, or the run that it is."""
        if folder not in self._folders:
            self._folders.append(folder)
            self.folders_changed.emit(list(self._folders))
        self.refresh()

    def set_filter(self, text: str) -> None:
        """Show only runs in which every word of `text` occurs."""
        self.filter_text = text
        self._arrange()

    def sort_by(self, column: Column, *, is_descending: bool) -> None:
        """Put the runs in order; what a run has not comes last either way."""
        self.column, self.is_descending = column, is_descending
        self._arrange()

    def select(self, paths: Sequence[Path]) -> None:
        """Choose runs; their curves are read."""
        wanted, before = set(paths), set(self._selected)
        kept = [path for path in self._selected if path in wanted]
        selected = (*kept, *(path for path in paths if path not in before))
        if selected != self._selected:
            self._selected = selected
            self.selected_changed.emit()
            self._read_histories()

    def open_model(self) -> None:
        """Ask for the best model of the chosen run to be opened."""
        if self.chosen is not None and self.chosen.best_model is not None:
            self.model_wanted.emit(self.chosen.best_model)

    def train_again(self) -> None:
        """Ask for the settings of the chosen run to be taken for the next one."""
        if self.chosen is not None:
            self.config_wanted.emit(self.chosen.config)

    def resume(self) -> None:
        """Ask for the training of the chosen run to go on."""
        if self.chosen is not None and self.chosen.can_resume:
            self.resume_wanted.emit(self.chosen.path)

    def rename(self, path: Path, name: str) -> None:
        """Give a run a name of its own; an empty one gives that of its folder back."""

        def change() -> Iterator[object]:
            _check_is_idle(path)
            rename_run(path, name)
            yield _Changed(path, read_run_or_damage(path))

        self._queue.put("rename", change)

    def delete(self) -> None:
        """Move the chosen runs to the trash, never further."""
        runs = self.selected if self.can_delete else ()

        def change() -> Iterator[object]:
            for run in runs:
                if isinstance(run, RunSummary):  # whether a damaged one is idle cannot be known
                    _check_is_idle(run.path)
                if not self._trash(run.path):
                    raise RunFolderError(
                        Message(
                            "The run {name} was not deleted: there is no trash that takes it. "
                            "Delete the folder {folder} with your file manager if you are sure.",
                            name=run.name,
                            folder=str(run.path),
                        )
                    )
                yield _Changed(run.path, None)

        self._queue.put("delete", change)

    def export(self, path: Path) -> None:
        """Write what is listed, in its order and with every setting, as a table."""
        runs = self.shown

        def write() -> Iterator[object]:
            export_runs(path, runs)
            yield None

        self._queue.put("export", write)

    def end(self) -> None:
        """Begin nothing more: the program is closing."""
        self._queue.close()

    def _read_histories(self) -> None:
        """Read the curves that are missing, and forget those that are no longer looked at."""
        wanted = {run.path for run in self.overlaid}
        self.histories = {path: one for path, one in self.histories.items() if path in wanted}
        self._asked &= wanted
        missing = [path for path in self._selected if path in wanted - self._asked]
        self._asked.update(missing)
        self.curves_changed.emit()

        def read() -> Iterator[object]:
            for path in missing:
                yield _HistoryRead(path, History.read(path))

        if missing:
            self._queue.put("curves", read)

    def _arrange(self) -> None:
        runs = (run for run in self._runs.values() if matches(run, self.filter_text))
        self.shown = tuple(ordered(runs, self.column, is_descending=self.is_descending))
        self.changed.emit()

    @Slot(object)
    def _on_queue_reported(self, event: object) -> None:
        match event:
            case _Scanned(runs):
                self._take({run.path: run for run in runs})
            case _Changed(path, run):
                others = dict(self._runs)
                others.pop(path, None)
                self._take(others if run is None else {**others, path: run})
            case _HistoryRead(path, history) if path in self._selected:
                self.histories[path] = history
                self.curves_changed.emit()

    def _take(self, runs: dict[Path, Run]) -> None:
        self._runs = runs
        self._selected = tuple(path for path in self._selected if path in runs)
        self._arrange()
        self.selected_changed.emit()
        self._read_histories()


def _is_deletable(run: Run) -> bool:
    return run.is_run if isinstance(run, DamagedRun) else run.status != "running"


def _check_is_idle(path: Path) -> None:
    """Refuse to touch a run that trains.

    Raises:
        RunFolderError: It does, or its lock cannot be read.
    """
    if has_living_owner(path):
        raise RunFolderError(
            Message("The run {name} is training. Wait until it ends.", name=path.name)
        )

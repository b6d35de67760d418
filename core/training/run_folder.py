"""The folder a run leaves behind: what it was, what happened, and its models."""

import contextlib
import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from core import atomic_file
from core.errors import Message, RunFolderError
from core.events import to_json
from core.training.run_lines import Lines, without_undone
from core.training.run_lock import LOCK_FILE

Status = Literal["running", "paused", "finished", "stopped", "failed"]
RUN_FILE, METRICS_FILE, LOG_FILE = "run.json", "metrics.jsonl", "log.txt"
BEST_FILE, LAST_FILE = "best.safetensors", "last.safetensors"


class RunFolder:
    """One run on disk; readable at any moment, also after a kill.

    A line that the disk refuses is kept and written later; `trouble` says so meanwhile.
    """

    def __init__(self, path: Path, description: dict[str, Any]) -> None:
        self.path = path
        self.description = description
        self._metrics, self._log = Lines(path / METRICS_FILE), Lines(path / LOG_FILE)

    @classmethod
    def create(cls, path: Path, description: dict[str, Any]) -> Self:
        """Make `path` and write what the run is going to do.

        Args:
            path: A new or empty folder.
            description: Configuration, dataset, device and versions as JSON values.

        Raises:
            RunFolderError: The folder holds files already or cannot be made.
        """
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        run = cls(
            path, {"format_version": 1, "status": "running", "started": started, **description}
        )
        try:
            check_is_free(path)
            path.mkdir(parents=True, exist_ok=True)
            run._write_description()
        except OSError as error:
            raise _cannot_write(path, error) from error
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """A run that is there already, to go on with.

        Raises:
            RunFolderError: The folder holds no readable run.
        """
        return cls(path, read_description(path))

    def reopen(self, changes: dict[str, Any]) -> None:
        """Write that the run goes on, and clear away what a killed process left half done.

        Args:
            changes: Parts of the description that are new.

        Raises:
            RunFolderError: The folder cannot be written.
        """
        self.description = {**self.description, **changes}
        self.description.pop("reason", None)
        try:
            for unfinished in self.path.glob(".*.part"):  # of core.atomic_file
                unfinished.unlink(missing_ok=True)
            self._metrics.cut_unfinished()
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        self.close("running")

    @property
    def best(self) -> Path:
        """The model file of the epoch that did best on the validation part."""
        return self.path / BEST_FILE

    @property
    def last(self) -> Path:
        """The model file of the weights as they were when training ended."""
        return self.path / LAST_FILE

    def record(self, event: Any) -> None:
        """Append one event to metrics.jsonl."""
        self._metrics.append(json.dumps(to_json(event)))

    def log(self, line: str) -> None:
        """Append one line to log.txt with the time."""
        now = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        self._log.append(f"{now}  {line}")

    def sync(self) -> None:
        """Make what was recorded survive a power cut; safe to call from another thread.

        Raises:
            OSError: The disk refuses.
        """
        self._metrics.sync()

    @property
    def trouble(self) -> Message | None:
        """What to tell the user while lines wait for room on the disk; None: all is well."""
        for lines in (self._metrics, self._log):
            if lines.error is not None:
                return Message(
                    "{file} of the run cannot be written ({reason}). Training goes on and tries "
                    "again. Free some disk space, or check that the folder may be written to.",
                    file=lines.path.name,
                    reason=lines.error.strerror or str(lines.error),
                )
        return None

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Write that the run was stopped or failed, where the block is left by an exception.

        A stop (the generator around it is closed, or Ctrl+C) is no failure. Every exception
        goes on; a disk too full to note it does not hide it.
        """
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt):
            if self.status == "running":
                self.log("stopped by the user")
                self.close("stopped")
            raise
        except Exception as error:
            with contextlib.suppress(RunFolderError):
                self.log(f"failed: {error}")
                self.close("failed", str(error) or type(error).__name__)
            raise

    @property
    def status(self) -> Status:
        """How the run stands."""
        return self.description["status"]

    def close(self, status: Status, reason: str = "") -> None:
        """Write how the run stands, and every line that waits for room on the disk.

        Raises:
            RunFolderError: The disk refuses.
        """
        self.description["status"] = status
        if reason:
            self.description["reason"] = reason
        try:
            self._write_description()
            self._metrics.write()
            self._log.write()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _write_description(self) -> None:
        text = json.dumps(self.description, ensure_ascii=False, indent=1)
        atomic_file.write_text(self.path / RUN_FILE, text + "\n")


def mark_paused(path: Path) -> None:
    """Note that a run that was stopped just now is meant to go on later.

    Raises:
        RunFolderError: The folder holds no readable run or cannot be written.
    """
    run = RunFolder.open(path)
    if run.status == "stopped":
        run.close("paused")


def check_is_free(path: Path) -> None:
    """Refuse a folder that a new run would mix its files into.

    Raises:
        RunFolderError: It holds files already, or is no folder.
    """
    try:
        names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise _cannot_write(path, error) from error
    if names - {LOCK_FILE}:
        raise RunFolderError(
            Message(
                "The folder {folder} is not empty. Choose a new folder for the run.",
                folder=str(path),
            )
        )


def read_description(path: Path) -> dict[str, Any]:
    """What a run was going to do, and how it stands.

    Raises:
        RunFolderError: The folder holds no readable run.
    """
    try:
        return _json_object((path / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _no_run(path) from error


def read_run(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The description and the recorded events of a run.

    A line cut by a kill is dropped, and so is what was recorded and then trained once more.

    Raises:
        RunFolderError: The folder holds no readable run.
    """
    description = read_description(path)
    try:
        metrics = path / METRICS_FILE
        # A run that was killed before its first event has none.
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
    except (OSError, ValueError) as error:
        raise _no_run(path) from error
    events = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            events.append(_json_object(line))
    return description, without_undone(events)


def _json_object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _no_run(path: Path) -> RunFolderError:
    return RunFolderError(
        Message(
            "The folder {folder} holds no readable run. Choose a folder that training made.",
            folder=str(path),
        )
    )


def _cannot_write(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        Message(
            "The run folder {folder} cannot be written ({reason}). Free some disk space or "
            "choose another folder; what was saved before is still there.",
            folder=str(path),
            reason=error.strerror or str(error),
        )
    )

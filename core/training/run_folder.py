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

Status = Literal["running", "finished", "stopped", "failed"]
RUN_FILE, METRICS_FILE, LOG_FILE = "run.json", "metrics.jsonl", "log.txt"
BEST_FILE, LAST_FILE = "best.safetensors", "last.safetensors"


class RunFolder:
    """One run on disk; readable at any moment, also after a kill."""

    def __init__(self, path: Path, description: dict[str, Any]) -> None:
        self.path = path
        self.description = description

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
        self._append(METRICS_FILE, json.dumps(to_json(event)))

    def log(self, line: str) -> None:
        """Append one line to log.txt with the time."""
        now = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        self._append(LOG_FILE, f"{now}  {line}")

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
                self.close("failed", str(error) or type(error).__name__)
                self.log(f"failed: {error}")
            raise

    @property
    def status(self) -> Status:
        """How the run stands."""
        return self.description["status"]

    def close(self, status: Status, reason: str = "") -> None:
        """Write how the run ended."""
        self.description["status"] = status
        if reason:
            self.description["reason"] = reason
        try:
            self._write_description()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _write_description(self) -> None:
        text = json.dumps(self.description, ensure_ascii=False, indent=1)
        atomic_file.write_text(self.path / RUN_FILE, text + "\n")

    def _append(self, name: str, line: str) -> None:
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise _cannot_write(self.path, error) from error


def check_is_free(path: Path) -> None:
    """Refuse a folder that a new run would mix its files into.

    Raises:
        RunFolderError: It holds files already, or is no folder.
    """
    try:
        is_free = not path.exists() or not any(path.iterdir())
    except OSError as error:
        raise _cannot_write(path, error) from error
    if not is_free:
        raise RunFolderError(
            Message(
                "The folder {folder} is not empty. Choose a new folder for the run.",
                folder=str(path),
            )
        )


def read_run(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The description and the recorded events of a run; a line cut by a kill is dropped.

    Raises:
        RunFolderError: The folder holds no readable run.
    """
    try:
        description = _json_object((path / RUN_FILE).read_text(encoding="utf-8"))
        metrics = path / METRICS_FILE
        # A run that was killed before its first event has none.
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
    except (OSError, ValueError) as error:
        raise RunFolderError(
            Message(
                "The folder {folder} holds no readable run. Choose a folder that training made.",
                folder=str(path),
            )
        ) from error
    events = []
    for line in lines:
        with contextlib.suppress(ValueError):
            events.append(_json_object(line))
    return description, events


def _json_object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def _cannot_write(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        Message(
            "The run folder {folder} cannot be written ({reason}). Free some disk space or "
            "choose another folder; what was saved before is still there.",
            folder=str(path),
            reason=error.strerror or str(error),
        )
    )

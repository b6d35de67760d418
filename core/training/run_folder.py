"""A run on disk: its lock, its lines of events and log, and its models."""

import contextlib
import datetime
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psutil

from core.config import TrainingConfig
from core.errors import Message, RunFolderError
from core.events import BatchDone, EpochDone, to_json
from core.training.run_description import (
    RUN_FILE,
    RunDescription,
    Status,
    read_description,
    write_description,
)


class Lines:
    """One file of lines. A line that the disk refuses waits and is written before the next.

    Args:
        path: Made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[str] = []
        self.error: OSError | None = None  # of the latest attempt; None: nothing waits

    def append(self, line: str) -> None:
        """Add a line; where the disk refuses, `error` says why."""
        self._waiting.append(line)
        with contextlib.suppress(OSError):
            self.write()

    def write(self) -> None:
        """Write every line that waits: all of them, or none.

        Raises:
            OSError: The disk refuses.
        """
        if not self._waiting:
            return
        content = "".join(f"{line}\n" for line in self._waiting).encode()
        try:
            with self.path.open("ab", buffering=0) as file:
                size = file.tell()
                try:
                    rest = memoryview(content)
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError:
                    file.truncate(size)  # a full disk takes the first half of a line
                    raise
        except OSError as error:
            self.error = error
            raise
        self._waiting.clear()
        self.error = None

    def sync(self) -> None:
        """Make what is written survive a power cut.

        Raises:
            OSError: The disk refuses.
        """
        if self.path.exists():
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())

    def cut_unfinished(self) -> None:
        """Take away a last line without an end, which a kill or power cut leaves behind.

        Raises:
            OSError: The file cannot be read or written.
        """
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)


LOCK_FILE = "run.lock"
MAX_BYTES = 10_000
CLOCK_STEP_S = 2.0  # by which a process's time of birth may differ between two readings
_FAR_BYTE = 1 << 20  # Windows locks bytes, and locked ones cannot be read


class RunLock:
    """The right to write into a run folder; use it in a `with` statement.

    Not `filelock`: it does not say which process holds the lock, before 4.0 it empties the file
    at every attempt, and on Windows it locks the byte at which others would read the owner.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / LOCK_FILE
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock, also from an owner who is dead.

        Raises:
            RunFolderError: Another process trains in this folder, or it cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while self._descriptor is None:
                self._descriptor = self._locked()
            owner = {
                "pid": os.getpid(),
                "create_time": psutil.Process().create_time(),
                "host": socket.gethostname(),
            }
            name = json.dumps(owner).encode()
            os.write(self._descriptor, name)  # at 0: it was just opened or locked there
            os.ftruncate(self._descriptor, len(name))
        except _TakenError as error:
            raise RunFolderError(
                Message(
                    "The run {folder} is being trained already, by the process {pid}. Wait until "
                    "it ends or stop it there.",
                    folder=str(self._folder),
                    pid=_owner(self._folder).get("pid", "?"),
                )
            ) from error
        except OSError as error:
            self._let_go()
            raise _cannot_write(self._folder, error) from error
        return self

    def __exit__(self, *_error: object) -> None:
        # Removed while it is locked, so that nobody takes a file that is about to vanish.
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._let_go()
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            if sys.platform == "win32":
                self._path.unlink()

    def _locked(self) -> int | None:
        """A descriptor that holds the lock, None if the file was removed meanwhile."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor, self._folder)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_owned(folder: Path) -> bool:
    """Tell that a living process of this machine says that it trains in `folder`."""
    owner = _owner(folder)
    try:
        if owner.get("host", socket.gethostname()) != socket.gethostname():
            return False
        born = psutil.Process(int(owner["pid"])).create_time()
        return abs(born - float(owner["create_time"])) < CLOCK_STEP_S
    except (KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return False


class _TakenError(Exception):
    """Another process holds the lock."""


def _lock(descriptor: int, folder: Path) -> None:
    """Take the lock of the operating system, or what comes nearest to it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise _TakenError from error
    except OSError as error:  # some network drives know no locks: believe what the file says
        if is_owned(folder):
            raise _TakenError from error


def _owner(folder: Path) -> dict[str, Any]:
    """Return the process that says it owns `folder`; empty: there is none, or none is known."""
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            owner = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def describe_batch(batch: BatchDone) -> str:
    """One batch in a line."""
    return (
        f"epoch {batch.epoch}, batch {batch.batch}/{batch.batches}: "
        f"loss {batch.loss:.4f}, accuracy {batch.accuracy:.4f}"
    )


def describe_epoch(epoch: EpochDone) -> str:
    """One epoch in a line."""
    line = (
        f"epoch {epoch.epoch}: training loss {epoch.train_loss:.4f}, "
        f"accuracy {epoch.train_accuracy:.4f}"
    )
    if epoch.validation_accuracy is not None:
        line += (
            f"; validation loss {epoch.validation_loss:.4f}, "
            f"accuracy {epoch.validation_accuracy:.4f}"
        )
    return line + ("; best so far" if epoch.is_best else "")


METRICS_FILE, LOG_FILE = "metrics.jsonl", "log.txt"
BEST_FILE, LAST_FILE = "best.safetensors", "last.safetensors"


class RunFolder:
    """One run on disk; readable at any moment, also after a kill.

    A line that the disk refuses is kept and written later; `trouble` says so meanwhile.
    """

    def __init__(self, path: Path, description: RunDescription) -> None:
        self.path = path
        self.description = description
        self._metrics, self._log = Lines(path / METRICS_FILE), Lines(path / LOG_FILE)

    @classmethod
    def create(cls, path: Path, description: RunDescription) -> Self:
        """Make `path` and write what the run is going to do.

        Args:
            path: A new or empty folder.
            description: Of the run.

        Raises:
            RunFolderError: The folder holds files already or cannot be made.
        """
        run = cls(path, description)
        try:
            check_is_free(path)
            path.mkdir(parents=True, exist_ok=True)
            write_description(path, description)
        except OSError as error:
            raise _cannot_write(path, error) from error
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run that is there already, to go on with.

        Raises:
            RunFolderError: The folder holds no readable run.
        """
        if not (path / RUN_FILE).exists():
            raise RunFolderError(
                Message(
                    "The folder {folder} holds no readable run. Choose a folder that training "
                    "made.",
                    folder=str(path),
                )
            )
        return cls(path, read_description(path))

    def reopen(self, config: TrainingConfig) -> None:
        """Write that the run goes on, and clear away what a killed process left half done.

        Args:
            config: The settings from now on.

        Raises:
            RunFolderError: The folder cannot be written.
        """
        self.description = self.description.with_entries(config=config, reason="")
        try:
            for unfinished in self.path.glob(".*.part"):  # of core.files
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
        """The sentence for the user while lines wait for room on the disk; None: all is well."""
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
        """The state of the run."""
        return self.description.status

    def close(self, status: Status, reason: str = "") -> None:
        """Write how the run stands, and every line that waits for room on the disk.

        Raises:
            RunFolderError: The disk refuses.
        """
        self.description = self.description.with_entries(
            status=status, reason=reason or self.description.reason
        )
        try:
            write_description(self.path, self.description)
            self._metrics.write()
            self._log.write()
        except OSError as error:
            raise _cannot_write(self.path, error) from error


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


def _cannot_write(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        Message(
            "The run folder {folder} cannot be written ({reason}). Free some disk space or "
            "choose another folder; what was saved before is still there.",
            folder=str(path),
            reason=error.strerror or str(error),
        )
    )

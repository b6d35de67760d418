"""Paddle's `.pdparams`, read by a process that may die or be ended without harm."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final

from core.errors import Message, ModelFileError
from core.models.initial_weights.refusals import damaged, not_arrays, torch_file, unreadable
from core.models.initial_weights.tensors import ForeignTensors, as_float32

_WORKER: Final = Path(__file__).with_name("state_dict_worker.py")
_MOST_SECONDS: Final = 60.0  # a ResNet-152 takes three with protocol 2, else a half
_MAX_LINE_BYTES: Final = 1 << 24  # 5000 arrays with long names


def read_state_dict(path: Path) -> ForeignTensors:
    """Read the arrays of a pickled dictionary; nothing in the file is ever run.

    Raises:
        ModelFileError: The file cannot be read or is anything else.
    """
    with _asked(path) as process:
        watchdog = threading.Timer(_MOST_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            return _arrays(path, process.stdout)
        except (KeyError, TypeError, ValueError) as error:  # half an answer, or none
            raise damaged(path) from error
        finally:
            process.kill()
            watchdog.cancel()
            watchdog.join()


def _asked(path: Path) -> "subprocess.Popen[bytes]":
    try:
        with path.open("rb") as file:
            return subprocess.Popen(
                # Isolated: neither folder, nor environment, nor packages lend it modules.
                [sys.executable, "-I", "-S", str(_WORKER)],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
    except OSError as error:
        raise unreadable(path, error) from error


def _arrays(path: Path, stream: IO[bytes]) -> ForeignTensors:
    answer: dict[str, Any] = json.loads(stream.readline(_MAX_LINE_BYTES))
    if "refused" in answer:
        raise _refusal(path, answer["refused"], answer["what"])
    tensors = {}
    for name, kind, shape, order, n_bytes in answer["arrays"]:
        tensors[name] = as_float32(stream.read(n_bytes), kind, shape, order)
    return tensors


def _refusal(path: Path, reason: str, what: str) -> ModelFileError:
    if reason == "global" and what.startswith("torch"):
        return torch_file(path)
    if reason == "global":
        return ModelFileError(
            Message(
                "{file} asks for {what} to be run when it is read, which weights never need. "
                "It was not run. Do not use this file; get the weights from their publisher.",
                file=path.name,
                what=what,
            )
        )
    if reason == "content":
        return not_arrays(path)
    if reason == "memory":
        return ModelFileError(
            Message(
                "{file} needs more memory than weights do. Choose another file.", file=path.name
            )
        )
    return damaged(path)

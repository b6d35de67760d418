"""Paddle's `.pdparams` files, read by a confined process of their own, see `pdparams_worker`."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil

from core.models.pdparams_worker import SPARE_BYTES, RefusedError
from core.tensor_file import LooseTensors, to_float32

_WORKER: Final = Path(__file__).with_name("pdparams_worker.py")
_MOST_SECONDS: Final = 60.0  # a ResNet-152 takes less than one
_LOOK_SECONDS: Final = 0.05  # between two looks at the worker's memory
_MAX_LINE_BYTES: Final = 1 << 24  # 5000 arrays with long names


def read_pdparams(path: Path) -> LooseTensors:
    """Read the arrays of a pickled dictionary; nothing in the file is ever run.

    Raises:
        OSError: The file cannot be opened, or no process started.
        RefusedError: The file is anything else.
    """
    with _worker_on(path) as process:
        assert process.stdout is not None
        try:
            answer: dict[str, Any] = json.loads(process.stdout.readline(_MAX_LINE_BYTES))
            if "refused" in answer:
                raise RefusedError(answer["refused"], answer["what"])
            return {
                name: to_float32(process.stdout.read(n_bytes), kind, shape, order)
                for name, kind, shape, order, n_bytes in answer["arrays"]
            }
        except (KeyError, TypeError, ValueError) as error:  # half an answer, or none
            raise RefusedError("damaged") from error


@contextlib.contextmanager
def _worker_on(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Have the file read; what takes too long or too much memory is killed."""
    with path.open("rb") as file:
        process = subprocess.Popen(
            # Isolated: neither folder, nor environment, nor packages lend it modules.
            [sys.executable, "-I", "-S", str(_WORKER)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    is_over = threading.Event()
    max_bytes = 4 * path.stat().st_size + SPARE_BYTES
    watchdog = threading.Thread(target=_watch, args=(process, is_over, max_bytes))
    with process:
        watchdog.start()
        try:
            yield process
        finally:
            process.kill()
            is_over.set()
            watchdog.join()


def _watch(process: "subprocess.Popen[bytes]", is_over: threading.Event, max_bytes: int) -> None:
    # Not every system lets a process limit its own memory.
    for _ in range(round(_MOST_SECONDS / _LOOK_SECONDS)):
        if is_over.wait(_LOOK_SECONDS):
            return
        with contextlib.suppress(psutil.Error):  # it has ended
            if psutil.Process(process.pid).memory_info().rss > max_bytes:
                break
    process.kill()

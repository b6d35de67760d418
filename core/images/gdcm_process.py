"""Lossless JPEG and JPEG-LS, unpacked by GDCM in a process that may die without harm.

Of 20,000 damaged films the first hundreds ended the process by an exception that never reached
Python. The helper starts with the first such film and ends with the program.
"""

import atexit
import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

_WORKER: Final = Path(__file__).with_name("gdcm_worker.py")
_MOST_SECONDS: Final = 30.0  # for one film; the largest takes two
_LENGTH_BYTES: Final = 20  # of the answer's first line


class _GdcmProcess:
    """One helper, asked by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def unpack(self, frame: bytes, request: dict[str, object]) -> bytes:
        """Raise ValueError where the frame is damaged."""
        with self._lock:
            process = self._running()
            watchdog = threading.Timer(_MOST_SECONDS, process.kill)
            watchdog.start()
            try:
                return self._answer(process, frame, request)
            except (OSError, ValueError) as error:
                self._end()
                raise ValueError("GDCM cannot unpack it") from error
            except BaseException:  # half an answer may be left in the pipe
                self._end()
                raise
            finally:
                watchdog.cancel()
                watchdog.join()

    def close(self) -> None:
        """End the helper; the next request starts another."""
        with self._lock:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._process = subprocess.Popen(
                # Isolated: neither the working folder nor the environment lends it modules.
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # its libraries write there about damaged films
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        return self._process

    def _answer(
        self, process: "subprocess.Popen[bytes]", frame: bytes, request: dict[str, object]
    ) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**request, "n_bytes": len(frame)}).encode() + b"\n")
        process.stdin.write(frame)
        process.stdin.flush()
        n_bytes = int(process.stdout.readline(_LENGTH_BYTES))  # empty once it has died
        pixels = process.stdout.read(n_bytes)
        if not n_bytes or len(pixels) != n_bytes:
            raise ValueError("no answer")
        return pixels

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                # What was still to be written to a dead process cannot be.
                with contextlib.suppress(OSError):
                    assert stream is not None
                    stream.close()
            self._process = None


_helper = _GdcmProcess()
atexit.register(_helper.close)

unpack = _helper.unpack

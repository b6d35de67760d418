"""Threads: work done ahead in them, how many there are, and the processor's settings for Paddle."""

import ctypes
import logging
import os
import platform
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import psutil

# Paddle names parameters and draws first weights from counters that all threads share: two
# networks built at once may get two parameters of one name, whose moments the optimiser then
# mixes up, and weights that depend on each other. Hold it from `paddle.seed` to the last layer.
BUILDING = threading.RLock()

log = logging.getLogger(__name__)

SETTLING_S = 1.5  # before that the pace says little


class TimeLeft:
    """The time left of one stage after the other.

    Args:
        clock: Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage: object = None
        self._done = 0
        self._started, self._first = 0.0, 0

    def seconds(self, stage: object, done: int, total: int) -> float | None:
        """Return the time to the end of the stage; None while it cannot be told.

        Args:
            stage: Anything that differs between stages.
            done: Pieces done.
            total: Pieces in all; 0: unknown.
        """
        now = self._clock()
        if stage != self._stage or done < self._done:
            self._stage, self._started, self._first = stage, now, done
        self._done = done
        elapsed, n_done = now - self._started, done - self._first
        if elapsed < SETTLING_S or n_done <= 0 or total <= 0:
            return None
        return elapsed / n_done * max(0, total - done)


Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int, n_ahead: int
) -> Generator[Result, None, None]:
    """Apply `function` to each item on threads; the results come in the items' order.

    An exception of `function` is raised here, in its turn. Close the generator
    (`contextlib.closing`) rather than drop it: closing waits for the calls that run, drops
    those that wait and leaves no thread behind.

    Args:
        function: Safe to call from several threads at once.
        items: Taken one by one, no more of them than are needed.
        n_threads: At least 1.
        n_ahead: Results that may lie ready or be in the making before they are asked for.
    """
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="ahead")
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(pool.submit(function, item))
            if len(running) > n_ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


# glibc's mallopt parameters, from <malloc.h>.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8
KEEP_BYTES = 2_000_000_000

# Windows' IsProcessorFeaturePresent, from <winnt.h>.
PF_AVX2_INSTRUCTIONS_AVAILABLE, PF_AVX512F_INSTRUCTIONS_AVAILABLE = 40, 41
AMD_VENDORS = ("AuthenticAMD", "HygonGenuine")


def read_cpu_info(path: Path = Path("/proc/cpuinfo")) -> tuple[str, frozenset[str]]:
    """Return the processor's vendor and instruction flags; empty where no list is kept."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # platform.processor() ends in the vendor on Windows.
        words = platform.processor().split(",")
        flags = frozenset[str]()
        if sys.platform == "win32":
            flags = windows_flags(ctypes.WinDLL("kernel32").IsProcessorFeaturePresent)
        return words[-1].strip(), flags
    vendor, flags = "", frozenset[str]()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "vendor_id":
            vendor = value.strip()
        elif name.strip() == "flags":
            flags = frozenset(value.split())
            break
    return vendor, flags


def windows_flags(is_present: Callable[[int], int]) -> frozenset[str]:
    """Return the instructions `mkl_path` asks for, from Windows' IsProcessorFeaturePresent.

    Windows names neither FMA, which every AMD processor with AVX2 has (since Excavator),
    nor the parts of AVX-512 that path 7 needs.
    """
    features = (PF_AVX2_INSTRUCTIONS_AVAILABLE, PF_AVX512F_INSTRUCTIONS_AVAILABLE)
    return frozenset({"avx2", "fma"} if any(map(is_present, features)) else ())


def mkl_path(vendor: str, flags: frozenset[str]) -> str | None:
    """Return the MKL_DEBUG_CPU_TYPE that opens MKL's fast path on AMD, None to leave it."""
    if vendor not in AMD_VENDORS:
        return None
    if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags:
        return "7"
    return "5" if {"avx2", "fma"} <= flags else None


def thread_count(physical_cores: int) -> int:
    """Return the cores for Paddle: all of a small machine, one left to the window on others."""
    return physical_cores if physical_cores <= 2 else physical_cores - 1


def physical_core_count() -> int:
    """Count the cores without hyper-threading, no more than this process may use."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, affinity))


def computing_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads a network computes on: as the user set it, or as Paddle gets them."""
    chosen = environment.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    return thread_count(physical_core_count())


def processor_variables(
    environment: Mapping[str, str], vendor: str, flags: frozenset[str], cores: int
) -> dict[str, str]:
    """Return the environment variables to add; what the user set is never overwritten."""
    path = mkl_path(vendor, flags)
    # On MKL's slow path several threads were measured slower than one.
    is_slow = path is None and vendor in AMD_VENDORS
    wanted = {"OMP_NUM_THREADS": "1" if is_slow else str(thread_count(cores))}
    if path is not None:
        wanted["MKL_DEBUG_CPU_TYPE"] = path
    return {name: value for name, value in wanted.items() if name not in environment}


def keep_freed_memory() -> bool:
    """Stop glibc from returning big blocks to the kernel; True if it now keeps them.

    One arena, because training runs in a thread of its own and would otherwise fill a second.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no mallopt
        return False
    kept = bool(mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)) or bool(mallopt(M_MMAP_MAX, 0))
    return bool(mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)) and kept and bool(mallopt(M_ARENA_MAX, 1))


def release_freed_memory() -> None:
    """Hand back to the kernel what training no longer needs (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        log.debug("this C library cannot trim its heap")


def tune_process(environment: MutableMapping[str, str] = os.environ) -> None:
    """Make every setting; call it before the first `import paddle`, later it does nothing."""
    added = processor_variables(environment, *read_cpu_info(), physical_core_count())
    environment.update(added)
    kept = keep_freed_memory()
    log.debug("processor settings: %s, keeps freed memory: %s", added, kept)

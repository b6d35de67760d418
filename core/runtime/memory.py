"""Memory of the program and its device: measured, and refused in words where it is full."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import psutil

from core.errors import DeviceError, Message
from core.runtime.devices import Device

SAMPLE_S = 0.02  # a step's peak lasts longer


def memory_in_use() -> int:
    """Return the bytes of main memory that this program takes."""
    return int(psutil.Process().memory_info().rss)


def card_memory_in_use(device_name: str) -> int | None:
    """Return the bytes of the card that Paddle holds; None on the CPU or without Paddle."""
    paddle = sys.modules.get("paddle")
    if paddle is None or not device_name.startswith("gpu"):
        return None
    return int(paddle.device.cuda.memory_reserved(device_name))


class MemoryMeter:
    """A meter of the most memory in use while a `with` block runs.

    Args:
        device: Where the work is done; its memory counts.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._is_over = threading.Event()
        self._sampling = threading.Thread(target=self._sample, name="memory meter", daemon=True)
        self._peak_bytes = 0

    def __enter__(self) -> Self:
        if self._device.is_gpu:
            from core.runtime.paddle import paddle

            paddle.device.cuda.reset_max_memory_reserved(self._device.name)
        else:
            self._sampling.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        if self._sampling.ident is not None:
            self._sampling.join()

    @property
    def peak_bytes(self) -> int:
        """The most so far."""
        if self._device.is_gpu:
            from core.runtime.paddle import paddle

            return int(paddle.device.cuda.max_memory_reserved(self._device.name))
        return max(self._peak_bytes, memory_in_use())

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            self._peak_bytes = max(self._peak_bytes, memory_in_use())


class OutOfMemoryError(DeviceError):
    """The device's memory does not hold what was asked of it; less may fit."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether Paddle or ONNX Runtime failed for want of memory; each says it differently."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY)


# Paddle on the CPU, on CUDA; ONNX Runtime's arena, its kernels on Linux and macOS, on Windows.
_NO_MEMORY: Final = (
    "resourceexhausted",
    "out of memory",
    "failed to allocate memory",
    "bad_alloc",
    "bad allocation",
)


@contextmanager
def memory_for(n_films: int) -> Iterator[None]:
    """Turn a failure to find memory for `n_films` into a refusal.

    Raises:
        OutOfMemoryError: The device's memory does not hold them. The process stays usable.
    """
    try:
        yield
    except (MemoryError, RuntimeError, SystemError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            Message(
                "The memory of this device does not hold {n} films at once. Choose a smaller "
                "batch size or image size, or close other programs.",
                n=n_films,
            )
        ) from error

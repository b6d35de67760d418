"""How much memory work takes: of this program on the CPU, of the card on a graphics card."""

import sys
import threading
from types import TracebackType
from typing import Self

import psutil

from core.runtime.devices import Device

SAMPLE_S = 0.02  # a step's peak lasts longer


def memory_in_use() -> int:
    """Bytes of main memory that this program takes."""
    return int(psutil.Process().memory_info().rss)


def card_memory_in_use(device_name: str) -> int | None:
    """Bytes of the card's memory that Paddle holds; None on the CPU or before Paddle is loaded."""
    paddle = sys.modules.get("paddle")
    if paddle is None or not device_name.startswith("gpu"):
        return None
    return int(paddle.device.cuda.memory_reserved(device_name))


class MemoryMeter:
    """Notes the most memory in use while a `with` block runs.

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
            from core.runtime.paddle_library import paddle

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
            from core.runtime.paddle_library import paddle

            return int(paddle.device.cuda.max_memory_reserved(self._device.name))
        return max(self._peak_bytes, memory_in_use())

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            self._peak_bytes = max(self._peak_bytes, memory_in_use())

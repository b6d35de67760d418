"""Devices to compute on: list them, choose one, and refuse in words where it fails."""

import importlib.metadata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import psutil

from core.errors import DeviceError, Message
from core.runtime.threads import BUILDING, computing_threads

Precision = Literal["float32", "mixed"]
# Tensor cores came with compute capability 7.0; below it half precision gains nothing.
MIXED_PRECISION_CAPABILITY = (7, 0)
MAX_REASON = 300  # characters of the library's own words that a sentence may quote


@dataclass(frozen=True, slots=True)
class Device:
    """One place to compute, named as Paddle names it."""

    name: str  # "cpu" or "gpu:0"
    description: str  # of the maker
    memory_bytes: int
    capability: tuple[int, int] = (0, 0)  # CUDA's compute capability

    @property
    def is_gpu(self) -> bool:
        """True for a graphics card."""
        return self.name.startswith("gpu")

    @property
    def threads(self) -> int | None:
        """The number of threads that a network trains on; None for a graphics card."""
        return None if self.is_gpu else computing_threads()


def list_devices() -> tuple[Device, ...]:
    """Return the CPU, then every graphics card that this build of Paddle can use."""
    from core.runtime.paddle import paddle

    found = [Device("cpu", "CPU", psutil.virtual_memory().total)]
    if paddle.is_compiled_with_cuda():
        for index in range(paddle.device.cuda.device_count()):
            card = paddle.device.cuda.get_device_properties(index)
            capability = (int(card.major), int(card.minor))
            found.append(Device(f"gpu:{index}", card.name, int(card.total_memory), capability))
    return tuple(found)


def may_have_cards() -> bool:
    """Tell, without loading it, whether this build of Paddle can use graphics cards at all."""
    try:
        importlib.metadata.version("paddlepaddle-gpu")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def choose_device(wanted: str, available: Sequence[Device]) -> Device:
    """Return the device called `wanted`; "auto" takes the first graphics card, else the CPU.

    Raises:
        DeviceError: There is no such device on this machine.
    """
    if wanted == "auto":
        return next((device for device in available if device.is_gpu), available[0])
    name = "gpu:0" if wanted == "gpu" else wanted
    for device in available:
        if device.name == name:
            return device
    raise DeviceError(
        Message(
            "There is no device {wanted} on this machine. Choose one of: auto, {names}.",
            wanted=wanted,
            names=", ".join(device.name for device in available),
        )
    )


def use_device(name: str) -> None:
    """Make Paddle compute on device `name`, eagerly, in the thread that calls this.

    Whether Paddle is eager belongs to a thread, and a thread that first met Paddle while
    another one was still importing it stays in static mode, where `set_lr` fails. See also
    `core.runtime.paddle.keep_eager_mode`.
    """
    from core.runtime.paddle import keep_eager_mode, paddle

    if not paddle.in_dynamic_mode():
        with BUILDING:
            paddle.disable_static()
            keep_eager_mode()
    paddle.set_device(name)


@contextmanager
def device_at_work(device: Device) -> Iterator[None]:
    """Turn what Paddle raises when a device goes away or its driver fails into a refusal.

    Raises:
        DeviceError: The device gave up; what lay in its memory is lost.
    """
    try:
        yield
    except (RuntimeError, OSError, SystemError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise DeviceError(
            Message(
                "The device {device} stopped working ({reason}). Start the program again and "
                "resume the run; if that does not help, restart the computer or resume on "
                "another device.",
                device=device.description,
                # The last line of Paddle's errors says what happened, those above where.
                reason=lines[-1][:MAX_REASON] if lines else type(error).__name__,
            )
        ) from error


def release_device_memory() -> None:
    """Hand back what Paddle keeps of a graphics card's memory for later."""
    from core.runtime.paddle import paddle

    if paddle.is_compiled_with_cuda():
        paddle.device.cuda.empty_cache()


def precision_for(device: Device) -> Precision:
    """Choose mixed precision where the card has hardware for it, float32 elsewhere."""
    if device.is_gpu and device.capability >= MIXED_PRECISION_CAPABILITY:
        return "mixed"
    return "float32"

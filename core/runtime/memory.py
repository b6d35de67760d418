"""A device whose memory is full, told in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import DeviceError, Message


class OutOfMemoryError(DeviceError):
    """The device's memory does not hold what was asked of it; less may fit."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Paddle failed for want of memory; CPU and CUDA say it differently."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or "ResourceExhausted" in text
        or "out of memory" in text.lower()
    )


@contextmanager
def memory_for(n_films: int) -> Iterator[None]:
    """Turn Paddle's failure to find memory for `n_films` into a refusal.

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

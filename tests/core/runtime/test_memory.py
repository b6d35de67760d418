import mmap

import pytest

from core.errors import DeviceError
from core.runtime.devices import Device
from core.runtime.memory import (
    MemoryMeter,
    card_memory_in_use,
    is_out_of_memory,
    memory_for,
    memory_in_use,
)

RESOURCE = "(External) ResourceExhaustedError: Fail to alloc memory of 99 size. [Hint: ...]"


def test_want_of_memory_is_recognised_in_all_its_forms() -> None:
    for error, is_memory in (
        (MemoryError(), True),
        (MemoryError(RESOURCE), True),
        (RuntimeError(RESOURCE), True),
        (SystemError("ResourceExhausted"), True),
        (RuntimeError("CUDA error(2), out of memory."), True),
        (RuntimeError("InvalidArgumentError: shapes differ"), False),
        (ValueError("no"), False),
    ):
        assert is_out_of_memory(error) is is_memory


def test_it_becomes_a_sentence_with_the_remedy() -> None:
    for error in (MemoryError(), RuntimeError(RESOURCE), SystemError(RESOURCE)):
        remedy = r"does not hold 32 films at once\. Choose a smaller batch size"
        with pytest.raises(DeviceError, match=remedy) as caught, memory_for(32):
            raise error
        assert caught.value.__cause__ is error


def test_other_errors_stay_what_they_are() -> None:
    for error in (RuntimeError("shapes differ"), ValueError(RESOURCE)):
        with pytest.raises(type(error)) as caught, memory_for(32):
            raise error
        assert caught.value is error


CPU = Device("cpu", "a processor", 8 << 30)
BLOCK = 200 << 20
ONES = b"\1" * BLOCK


def test_a_peak_is_noted() -> None:
    before = memory_in_use()
    # Mapped, because what other tests have freed would be used again without a trace.
    with MemoryMeter(CPU) as memory, mmap.mmap(-1, BLOCK) as block:
        block[:] = ONES
        peak = memory.peak_bytes
    assert peak - before > 0.8 * BLOCK


def test_the_cpu_is_no_card() -> None:
    assert card_memory_in_use("cpu") is None

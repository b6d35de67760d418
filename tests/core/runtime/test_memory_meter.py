import mmap

from core.runtime.devices import Device
from core.runtime.memory import MemoryMeter, card_memory_in_use, memory_in_use

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

import pytest

from core.errors import DeviceError
from core.runtime.memory import is_out_of_memory, memory_for

RESOURCE = "(External) ResourceExhaustedError: Fail to alloc memory of 99 size. [Hint: ...]"


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (MemoryError(RESOURCE), True),
        (RuntimeError(RESOURCE), True),
        (SystemError("ResourceExhausted"), True),
        (RuntimeError("CUDA error(2), out of memory."), True),
        (RuntimeError("InvalidArgumentError: shapes differ"), False),
        (ValueError("no"), False),
    ],
)
def test_want_of_memory_is_recognised_in_all_its_forms(
    error: BaseException, is_memory: bool
) -> None:
    assert is_out_of_memory(error) is is_memory


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(RESOURCE), SystemError(RESOURCE)])
def test_it_becomes_a_sentence_with_the_remedy(error: Exception) -> None:
    remedy = r"does not hold 32 films at once\. Choose a smaller batch size"
    with pytest.raises(DeviceError, match=remedy) as caught, memory_for(32):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError(RESOURCE)])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory_for(32):
        raise error
    assert caught.value is error

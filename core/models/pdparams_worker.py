"""A process of its own that reads a Paddle `.pdparams` file, because such a file may be hostile.

Run by `core.models.pdparams` as a plain script, with the standard library alone. The file is
standard input. The answer on standard output is a line of JSON, either `{"refused", "what"}` or
`{"arrays"}` with each array's name, type, shape, order and length in bytes; then their bytes.

Such a file is a pickle: a little program that may call whatever it names. Here it can name
eight things, and gets a stand-in of ours for each: none of them does more than to note what
numpy would have built. What numpy writes: `ndarray.__reduce__` and `__reduce_ex__`.
"""

import contextlib
import json
import math
import pickle
import sys
from typing import Any, BinaryIO, Final, Literal

# "global": names something that weights never need; "content": not a dictionary of arrays.
Reason = Literal["global", "content", "damaged", "memory"]
FoundArray = tuple[
    str, str, list[int], str, bytes | bytearray
]  # name, type, shape, "C" or "F", data

MAX_CPU_SECONDS: Final = 60
SPARE_BYTES: Final = 512 << 20  # Python itself and small things
MAX_ARRAYS: Final = 5000  # ResNet-152 has 777 with its statistics
MAX_NAME_LENGTH: Final = 200  # characters
MAX_DIMENSIONS: Final = 8
ITEM_BYTES: Final = {"f2": 2, "f4": 4, "f8": 8, "u2": 2, "i4": 4, "i8": 8}
NAME_TABLE: Final = "StructuredToParameterName@@"  # Paddle adds it; nothing here needs it


class RefusedError(Exception):
    """The file is not what it must be; `what` quotes it."""

    def __init__(self, reason: Reason, what: str = "") -> None:
        super().__init__(reason, what)
        self.reason = reason
        self.what = what[:MAX_NAME_LENGTH]


class DtypeStandIn:
    """Stands for a `numpy.dtype`."""

    __slots__ = ("byte_order", "code")

    def __init__(self, code: object, *_flags: object) -> None:
        self.code = _text(code)
        self.byte_order = "<"
        if self.code not in ITEM_BYTES:
            raise RefusedError("content", self.code)

    def __setstate__(self, state: Any) -> None:
        # Version, byte order, and what only arrays of records have.
        _version, byte_order, *records, _size, _alignment, _flags = state
        self.byte_order = _text(byte_order)
        _require(records == [None] * 3 and self.byte_order in ("<", ">"))


class ArrayStandIn:
    """Stands for a `numpy.ndarray`; empty until the file says what it holds."""

    __slots__ = ("data", "dtype", "order", "shape")

    def __init__(self, *_arguments: object) -> None:
        self.dtype: DtypeStandIn | None = None

    def fill(self, dtype: object, shape: object, order: str, data: object) -> None:
        """Take the description, once."""
        if not (
            self.dtype is None
            and isinstance(dtype, DtypeStandIn)
            and isinstance(shape, tuple)
            and isinstance(data, bytes | bytearray)
        ):
            raise RefusedError("damaged")
        self.dtype, self.shape, self.order, self.data = dtype, shape, order, data

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, is_fortran, data = state
        _require(is_fortran in (0, 1))
        self.fill(dtype, shape, "F" if is_fortran else "C", data)


class Function:
    """Stands for a function or type that the file may name; takes no state."""

    __slots__ = ("_function",)

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setstate__(self, _state: object) -> None:
        raise RefusedError("damaged")


def _array_of_buffer(data: object, dtype: object, shape: object, order: object) -> ArrayStandIn:
    array = ArrayStandIn()
    _require(_text(order) in ("C", "F"))
    array.fill(dtype, shape, _text(order), data)
    return array


def _encode(text: object, encoding: object) -> bytes:
    """Return bytes as Python 3 writes them with protocol 2."""
    if not isinstance(text, str) or _text(encoding) != "latin1":
        raise RefusedError("damaged")
    return text.encode("latin1")


# All that a file may name, and what it gets.
STAND_INS: Final = {
    ("_codecs", "encode"): Function(_encode),
    ("collections", "OrderedDict"): Function(dict),
    ("numpy", "dtype"): Function(DtypeStandIn),
    ("numpy", "ndarray"): None,  # an argument of `_reconstruct`, never called
    ("numpy.core.multiarray", "_reconstruct"): Function(ArrayStandIn),
    ("numpy._core.multiarray", "_reconstruct"): Function(ArrayStandIn),
    ("numpy.core.numeric", "_frombuffer"): Function(_array_of_buffer),
    ("numpy._core.numeric", "_frombuffer"): Function(_array_of_buffer),
}


class ArrayUnpickler(pickle.Unpickler):
    """Builds nothing but dictionaries, lists, tuples, texts, numbers and stand-ins.

    Args:
        file: The pickle.
    """

    def __init__(self, file: BinaryIO) -> None:
        # Names reach `find_class` as written; texts of Python 2 stay bytes.
        super().__init__(file, fix_imports=False, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STAND_INS:
            raise RefusedError("global", f"{module}.{name}")
        return STAND_INS[module, name]

    def persistent_load(self, _identifier: object) -> Any:
        raise RefusedError("damaged")


def read_arrays(file: BinaryIO, n_bytes: int) -> list[FoundArray]:
    """Return the arrays of a pickled dictionary, in its order.

    Args:
        file: The pickle, at its beginning.
        n_bytes: Its length; the arrays together may have no more.

    Raises:
        RefusedError: It is, or asks for, anything else.
    """
    try:
        result = ArrayUnpickler(file).load()
        _require(not file.read(1))
        return _described(result, n_bytes)
    except (RefusedError, MemoryError):
        raise
    except Exception as error:  # UnpicklingError, EOFError, IndexError, TypeError, KeyError, ...
        raise RefusedError("damaged") from error


def _described(result: object, n_bytes_left: int) -> list[FoundArray]:
    if not isinstance(result, dict) or not 0 < len(result) <= MAX_ARRAYS:
        raise RefusedError("content")
    found = []
    for key, array in result.items():
        name = _text(key)
        _require(len(name) <= MAX_NAME_LENGTH)
        if name == NAME_TABLE and isinstance(array, dict):
            continue
        if not isinstance(array, ArrayStandIn) or array.dtype is None:
            raise RefusedError("content", name)
        _require(len(array.shape) <= MAX_DIMENSIONS)
        _require(all(type(side) is int and 0 <= side < 1 << 40 for side in array.shape))
        code = array.dtype.code
        _require(math.prod(array.shape) * ITEM_BYTES[code] == len(array.data))
        # One stretch of the file may not become a thousand arrays.
        n_bytes_left -= len(array.data)
        _require(n_bytes_left >= 0)
        kind = array.dtype.byte_order + code
        found.append((name, kind, list(array.shape), array.order, array.data))
    return found


def _text(value: object) -> str:
    """Return a text; Python 2 wrote texts as bytes."""
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise RefusedError("damaged")
    return value


def _require(is_right: bool) -> None:
    if not is_right:
        raise RefusedError("damaged")


def confine(n_bytes: int) -> None:
    """Take from this process what it does not need, where the system can.

    Args:
        n_bytes: Length of the file; the texts of protocol 2 lie in memory three times.
    """
    try:
        import resource
    except ImportError:  # Windows: the parent watches the clock and the memory
        return
    limits = {
        resource.RLIMIT_AS: 4 * n_bytes + SPARE_BYTES,
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):  # not every system knows each of them
            resource.setrlimit(kind, (limit, limit))


def main() -> None:
    """Answer about the file on standard input."""
    file = sys.stdin.buffer
    n_bytes = file.seek(0, 2)
    file.seek(0)
    confine(n_bytes)
    found: list[FoundArray] = []
    answer: dict[str, object]
    try:
        found = read_arrays(file, n_bytes)
        answer = {"arrays": [(*array, len(data)) for *array, data in found]}
    except RefusedError as error:
        answer = {"refused": error.reason, "what": error.what}
    except MemoryError:
        answer = {"refused": "memory", "what": ""}
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n")
    for *_, data in found:
        sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()

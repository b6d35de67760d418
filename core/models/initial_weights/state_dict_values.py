"""What a pickled dictionary of arrays may speak of, as stand-ins that can do nothing.

The standard library alone, as for all that `state_dict_worker` imports.
"""

from typing import Final, Literal

# "global": asks for something to be called; "instruction": one that no such file needs;
# "content": not a dictionary of arrays; "damaged": makes no sense.
Reason = Literal["global", "instruction", "content", "damaged", "memory"]
Bytes = bytes | memoryview

MAX_NAME_LENGTH: Final = 200  # characters
MAX_DIMENSIONS: Final = 8
MAX_TEXT_BYTES: Final = 1000  # of a Python 2 string that is text, not an array
ITEM_BYTES: Final = {"f2": 2, "f4": 4, "f8": 8, "u2": 2, "i4": 4, "i8": 8}

# All that may be named. These words stand for what to describe; nothing is imported.
SYMBOLS: Final = {
    ("_codecs", "encode"): "encode",
    ("collections", "OrderedDict"): "dictionary",
    ("numpy", "dtype"): "dtype",
    ("numpy", "ndarray"): "ndarray",
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "frombuffer",
}


class RefusedError(Exception):
    """The file is not what it must be; `what` quotes it."""

    def __init__(self, reason: Reason, what: str = "") -> None:
        super().__init__(reason, what)
        self.reason = reason
        self.what = what[:MAX_NAME_LENGTH]


class Symbol:
    """Stands for a function or type that the file names."""

    def __init__(self, name: str) -> None:
        self.name = name


class Kind:
    """Stands for a `numpy.dtype`."""

    def __init__(self, code: str) -> None:
        self.code = code  # a key of ITEM_BYTES
        self.byte_order = "<"


class Array:
    """Stands for a `numpy.ndarray`; empty until the file says what it holds."""

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.shape: tuple[int, ...] = ()
        self.order = "C"
        self.data: Bytes = b""

    def fill(self, kind: object, shape: object, order: str, data: object) -> None:
        """Take the description, once."""
        if not (
            self.kind is None
            and isinstance(kind, Kind)
            and isinstance(shape, tuple)
            and isinstance(data, bytes | memoryview)
        ):
            raise RefusedError("damaged")
        require(len(shape) <= MAX_DIMENSIONS and all(is_count(size) for size in shape))
        self.kind, self.shape, self.order, self.data = kind, shape, order, data


def require(is_right: bool) -> None:
    """Refuse as damaged what is not right."""
    if not is_right:
        raise RefusedError("damaged")


def is_count(value: object) -> bool:
    """Whether it is a whole number from 0 up that a shape can have."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def text_of(value: object) -> str:
    """A short text; Python 2 wrote texts as bytes."""
    if isinstance(value, bytes | memoryview) and len(value) <= MAX_TEXT_BYTES:
        return str(value, "latin1")
    if not isinstance(value, str):
        raise RefusedError("damaged")
    return value

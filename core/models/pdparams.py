"""The arrays that a Paddle `.pdparams` file describes, found without doing what it says.

Such a file is a pickle: a little program, and Python's own reader runs whatever it calls. This
one knows the few instructions that a dictionary of numpy arrays is written with and notes what
they would build; it imports nothing that the file names and calls nothing that it asks for.
The standard library alone, as for all that `state_dict_worker` imports.

Instructions: PEP 307 (protocol 2), PEP 3154 (4), PEP 574 (5). What numpy writes into a pickle:
`ndarray.__reduce__` and `ndarray.__reduce_ex__` in numpy's reference.
"""

import math
import struct
from collections.abc import Callable
from typing import Any, Final, Literal

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


MAX_INSTRUCTIONS: Final = 1_000_000  # ResNet-152 takes 40,000
MAX_ARRAYS: Final = 5000  # ResNet-152 has 777 with its statistics
NAME_TABLE: Final = "StructuredToParameterName@@"  # Paddle adds it; nothing here needs it

Found = tuple[str, str, list[int], str, Bytes]  # name, type, shape, "C" or "F", data


class Description:
    """Follows the instructions of one pickle.

    Args:
        content: The whole file.
    """

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []  # the stacks below each mark
        self._memo: dict[int, Any] = {}
        self._bytes_left = len(content)  # that may still be made from texts

    def arrays(self) -> list[Found]:
        """The arrays that the file describes.

        Raises:
            RefusedError: It does, or is, anything else.
        """
        try:
            return self._found(self._result())
        except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
            raise RefusedError("damaged") from error

    def _result(self) -> object:
        for _ in range(MAX_INSTRUCTIONS):
            code = self._take(1)[0]
            if code == 0x2E:  # STOP
                require(len(self._stack) == 1 and not self._outer)
                require(self._at == len(self._content))
                return self._stack[0]
            self._follow(code)
        raise RefusedError("damaged")

    def _found(self, result: object) -> list[Found]:
        if not isinstance(result, dict) or len(result) > MAX_ARRAYS:
            raise RefusedError("content")
        found = []
        n_bytes_left = len(self._content)
        for name, array in result.items():
            if name == NAME_TABLE and isinstance(array, dict):
                continue
            if not isinstance(array, Array) or array.kind is None:
                raise RefusedError("content", name)
            code = array.kind.code
            require(math.prod(array.shape) * ITEM_BYTES[code] == len(array.data))
            # One stretch of the file may not become a thousand arrays.
            n_bytes_left -= len(array.data)
            require(n_bytes_left >= 0)
            kind = array.kind.byte_order + code
            found.append((name, kind, list(array.shape), array.order, array.data))
        return found

    # Reading

    def _take(self, n_bytes: int) -> memoryview:
        end = self._at + n_bytes
        require(self._at <= end <= len(self._content))
        taken = self._content[self._at : end]
        self._at = end
        return taken

    def _number(self, layout: str) -> int:
        return int(struct.unpack(layout, self._take(struct.calcsize(layout)))[0])

    def _line(self) -> str:
        line = bytes(self._content[self._at : self._at + MAX_NAME_LENGTH])
        end = line.index(b"\n")
        self._at += end + 1
        return line[:end].decode("utf-8")

    # Instructions

    def _follow(self, code: int) -> None:
        if code in CONSTANTS:
            self._stack.append(CONSTANTS[code])
        elif code in NUMBERS:
            self._stack.append(self._number(NUMBERS[code]))
        elif code in TEXTS:
            self._stack.append(str(self._take(self._number(TEXTS[code])), "utf-8"))
        elif code in STRETCHES:
            self._stack.append(self._take(self._number(STRETCHES[code])))
        elif code in RECALLS:
            self._stack.append(self._memo[self._number(RECALLS[code])])
        elif code in NOTES:
            self._memo[self._number(NOTES[code])] = self._stack[-1]
        elif code in TUPLES:
            self._tuple(TUPLES[code])
        elif code in OTHERS:
            OTHERS[code](self)
        else:
            raise RefusedError("instruction", f"0x{code:02x}")

    def _protocol(self) -> None:
        require(2 <= self._take(1)[0] <= 5)

    def _frame(self) -> None:
        require(self._number("<Q") <= len(self._content) - self._at)

    def _long(self) -> None:
        n_bytes = self._number("<B")
        require(n_bytes <= 8)
        self._stack.append(int.from_bytes(self._take(n_bytes), "little", signed=True))

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._outer.pop()
        return items

    def _tuple(self, n_items: int) -> None:
        start = len(self._stack) - n_items
        require(start >= 0)
        self._stack[start:] = [tuple(self._stack[start:])]

    def _marked_tuple(self) -> None:
        items = tuple(self._since_mark())
        self._stack.append(items)

    def _append(self, items: list[Any]) -> None:
        require(isinstance(self._stack[-1], list))
        self._stack[-1].extend(items)

    def _set_items(self, items: list[Any]) -> None:
        require(len(items) % 2 == 0)
        self._fill(self._stack[-1], list(zip(items[::2], items[1::2], strict=True)))

    def _fill(self, target: object, pairs: list[Any]) -> None:
        if not isinstance(target, dict):
            raise RefusedError("damaged")
        for key, value in pairs:
            name = text_of(key)
            require(len(name) <= MAX_NAME_LENGTH and name not in target)
            target[name] = value

    def _pop_two(self) -> tuple[Any, Any]:
        second = self._stack.pop()
        return self._stack.pop(), second

    def _name(self, module: object, name: object) -> None:
        key = (text_of(module), text_of(name))
        if key not in SYMBOLS:
            raise RefusedError("global", ".".join(key))
        self._stack.append(Symbol(SYMBOLS[key]))

    def _reduce(self) -> None:
        symbol, arguments = self._pop_two()
        require(isinstance(symbol, Symbol) and isinstance(arguments, tuple))
        if symbol.name == "encode":
            text, encoding = arguments
            require(isinstance(text, str) and text_of(encoding) == "latin1")
            self._bytes_left -= len(text)
            require(self._bytes_left >= 0)
            self._stack.append(text.encode("latin1"))
        elif symbol.name == "dtype":
            code = text_of(arguments[0])
            if code not in ITEM_BYTES:
                raise RefusedError("content", code)
            self._stack.append(Kind(code))
        elif symbol.name == "reconstruct":
            kind = arguments[0]
            require(isinstance(kind, Symbol) and kind.name == "ndarray")
            self._stack.append(Array())
        elif symbol.name == "frombuffer":
            data, kind, shape, order = arguments
            require(text_of(order) in ("C", "F"))
            array = Array()
            array.fill(kind, shape, text_of(order), data)
            self._stack.append(array)
        else:
            require(symbol.name == "dictionary" and len(arguments) <= 1)
            self._stack.append({})
            if arguments:
                self._fill(self._stack[-1], arguments[0])

    def _build(self) -> None:
        target, state = self._stack[-2], self._stack.pop()
        require(isinstance(state, tuple))
        if isinstance(target, Kind):
            # Version, byte order, and what only arrays of records have.
            require(len(state) == 8 and all(part is None for part in state[2:5]))
            target.byte_order = text_of(state[1])
            require(target.byte_order in ("<", ">"))
        else:
            require(isinstance(target, Array))
            _version, shape, kind, is_fortran, data = state
            require(is_fortran in (0, 1))
            target.fill(kind, shape, "F" if is_fortran else "C", data)


# What each instruction does, by its code; for those with an argument, how its length or value
# is written.
CONSTANTS: Final[dict[int, Any]] = {0x4E: None, 0x88: True, 0x89: False}
NUMBERS: Final = {0x4A: "<i", 0x4B: "<B", 0x4D: "<H"}
TEXTS: Final = {0x58: "<I", 0x8C: "<B", 0x8D: "<Q"}
# The first two are texts of Python 2.
STRETCHES: Final = {0x55: "<B", 0x54: "<i", 0x43: "<B", 0x42: "<I", 0x8E: "<Q", 0x96: "<Q"}
RECALLS: Final = {0x68: "<B", 0x6A: "<I"}
NOTES: Final = {0x71: "<B", 0x72: "<I"}
TUPLES: Final = {0x29: 0, 0x85: 1, 0x86: 2, 0x87: 3}
OTHERS: Final[dict[int, Callable[[Description], None]]] = {
    0x80: Description._protocol,
    0x95: Description._frame,
    0x8A: Description._long,
    0x94: Description._memoize,
    0x28: Description._mark,
    0x74: Description._marked_tuple,
    0x5D: lambda my: my._stack.append([]),
    0x7D: lambda my: my._stack.append({}),
    0x61: lambda my: my._append([my._stack.pop()]),
    0x65: lambda my: my._append(my._since_mark()),
    0x73: lambda my: my._set_items(list(my._pop_two())),
    0x75: lambda my: my._set_items(my._since_mark()),
    0x63: lambda my: my._name(my._line(), my._line()),
    0x93: lambda my: my._name(*my._pop_two()),
    0x52: Description._reduce,
    0x62: Description._build,
}

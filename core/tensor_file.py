"""Tensors with JSON beside them in one safetensors file: the only reader and writer of the format.

Layout: 8 bytes little-endian length of the header, the header in JSON, the tensors' bytes. The
header has an entry for each tensor and texts under "__metadata__". Files of our own are laid
out in one exact way, so a reader compares instead of interpreting. Nothing is memory-mapped: a
file that is cut while it is mapped kills the process.

The safetensors library reads files of others. Our own are written and read here, because it
(0.8.0) keeps other threads waiting for 128 MB 0.11 to 0.16 s either way, this at most 0.008 s.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Message

# Of our own files, as safetensors calls them, in the order in which it writes them.
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "F16": np.dtype("<f2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
DTYPE_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER_BYTES: Final = 100_000_000  # as the library; 1.4 million digests of films fit
_METADATA: Final = "__metadata__"

Tensors = dict[str, NDArray[Any]]
Entries = dict[str, dict[str, Any]]  # name -> "dtype", "shape", "data_offsets"
# Of a file of others: name -> array; None where it holds no fractions (counters, for instance).
LooseTensors = Mapping[str, NDArray[np.float32] | None]


class TensorFileError(ValueError):
    """A file is damaged or no safetensors file; the message is a part of a sentence."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """All of a file but its tensors; nothing in it is checked but that it is JSON."""

    metadata: dict[str, Any]
    entries: dict[str, Any]
    n_bytes: int  # up to the first tensor
    file_bytes: int

    def check(self, expected: Entries) -> int:
        """Compare the entries with those that `lay_out` gave; return the tensors' bytes.

        Raises:
            TensorFileError: An entry is missing or another one, or the file's length is wrong.
        """
        for name, entry in expected.items():
            if self.entries.get(name) != entry:
                raise TensorFileError(
                    Message("the tensor {name} is missing or not as it must be", name=name)
                )
        n_bytes = max((entry["data_offsets"][1] for entry in expected.values()), default=0)
        wanted = self.n_bytes + n_bytes
        if len(self.entries) != len(expected) or self.file_bytes != wanted:
            raise TensorFileError(
                Message(
                    "it has {size} bytes where {wanted} are needed",
                    size=self.file_bytes,
                    wanted=wanted,
                )
            )
        return n_bytes

    def check_own_layout(self) -> Entries:
        """Return the entries, if they are laid out as `to_bytes` does it.

        Raises:
            TensorFileError: They are not.
        """
        try:
            types = {name: (one["dtype"], one["shape"]) for name, one in self.entries.items()}
            expected = lay_out(types)
        except (TypeError, KeyError, ValueError) as error:
            raise TensorFileError(
                Message("the list of its tensors is not as it must be")
            ) from error
        self.check(expected)
        return expected


def lay_out(types: Mapping[str, tuple[str, Sequence[int]]]) -> Entries:
    """Return the header's entries of tensors that stand one behind the other.

    Args:
        types: Name -> one of `DTYPES`, and the shape; in the order of their bytes.

    Raises:
        KeyError, TypeError, ValueError: There is no such type or shape.
    """
    entries: Entries = {}
    start = 0
    for name, (dtype, shape) in types.items():
        if not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError("a side of a shape is no whole number")
        end = start + math.prod(shape) * DTYPES[dtype].itemsize
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
        start = end
    return entries


def entries_of(tensors: Mapping[str, NDArray[Any]]) -> Entries:
    """Return the header's entries for tensors in the order given.

    Raises:
        ValueError: A tensor has a type that no file of ours holds.
    """
    types = {}
    for name, array in tensors.items():
        dtype = DTYPE_NAMES.get(array.dtype.newbyteorder("<"))
        if dtype is None:
            raise ValueError(f"{name} has the type {array.dtype}")
        types[name] = dtype, array.shape
    return lay_out(types)


def to_bytes(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> memoryview:
    """Return a file's content: the same input gives the same bytes.

    Args:
        tensors: Stand in the file in this order.
        metadata: Texts by name.

    Raises:
        ValueError: A tensor has a type that no file of ours holds.
    """
    entries = entries_of(tensors)
    header = json.dumps({_METADATA: metadata, **entries}, ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # readers want the tensors aligned
    begin = 8 + len(header)
    n_bytes = sum(array.nbytes for array in tensors.values())
    content = np.empty(begin + n_bytes, np.uint8)
    content[:begin] = np.frombuffer(len(header).to_bytes(8, "little") + header, np.uint8)
    # Copied by numpy, which lets other threads run meanwhile; `bytes.join` does not.
    for name, array in tensors.items():
        start, end = (begin + offset for offset in entries[name]["data_offsets"])
        little = array.dtype.newbyteorder("<")
        content[start:end].view(little).reshape(array.shape)[...] = array
    return content.data


def read_header(file: BinaryIO) -> TensorHeader:
    """Read all that stands before the tensors.

    Args:
        file: At its beginning, and there afterwards at its first tensor.

    Raises:
        TensorFileError: It is no safetensors file, or its header is damaged.
        OSError: It cannot be read.
    """
    file_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise TensorFileError(Message("its beginning is damaged"))
    if length > file_bytes - 8:
        raise TensorFileError(Message("its end is missing"))
    try:
        entries = parse_object(file.read(length))
    except ValueError as error:
        raise TensorFileError(Message("its description cannot be read")) from error
    metadata = entries.pop(_METADATA, {})
    is_object = isinstance(metadata, dict)
    return TensorHeader(metadata if is_object else {}, entries, 8 + length, file_bytes)


def to_tensors(entries: Entries, body: bytes | memoryview) -> Tensors:
    """Return read-only views of the tensors' bytes, as `entries` lay them out."""
    tensors = {}
    for name, entry in entries.items():
        dtype, shape = DTYPES[entry["dtype"]], tuple(entry["shape"])
        flat = np.frombuffer(body, dtype, math.prod(shape), entry["data_offsets"][0])
        native = flat.astype(dtype.newbyteorder("="), copy=False)
        tensors[name] = native.reshape(shape)  # (count,) -> shape
    return tensors


def read_loose(content: bytes) -> LooseTensors:
    """Read a file of others as float32; bfloat16, float16 and float64 too.

    Raises:
        ValueError: It is damaged.
    """
    import safetensors

    try:
        entries = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error
    return {
        name: to_float32(entry["data"], entry["dtype"], entry["shape"]) for name, entry in entries
    }


_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}  # safetensors' names


def to_float32(
    data: bytes | memoryview, kind: str, shape: Sequence[int], order: str = "C"
) -> NDArray[np.float32] | None:
    """Copy a tensor out of a file's bytes.

    Args:
        data: Exactly the tensor's bytes.
        kind: A type as safetensors or numpy writes it: "BF16", "<f4". bfloat16 travels as
            "<u2" in Paddle's files.
        shape: Of the result.
        order: "C" or "F", as numpy means them.

    Returns:
        Values too large for float32 are infinite; None for types that hold no fractions.

    Raises:
        ValueError: The bytes are not as many as the shape needs.
    """
    if kind in ("BF16", "<u2", ">u2"):
        # bfloat16 is the upper half of a float32.
        words = np.frombuffer(data, ">u2" if kind == ">u2" else "<u2").astype(np.uint32) << 16
        flat = words.view(np.float32)
    else:
        stored = _FLOATS.get(kind, kind)
        if stored[1:] not in ("f2", "f4", "f8"):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            flat = np.frombuffer(data, stored).astype(np.float32)
    if flat.size != math.prod(shape):
        raise ValueError("bytes and shape differ")
    values = flat.reshape(tuple(shape), order="F" if order == "F" else "C")
    return np.ascontiguousarray(values).reshape(tuple(shape))  # a scalar would become (1,)


MAX_ITEMS = 2_000_000  # a list of 100 MB of empty lists would unpack to several GB
MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1


def parse_object(text: bytes | str) -> dict[str, Any]:
    """Read a JSON object strictly.

    Not pydantic's parser: that takes the last of two equal names, any number of items, and NaN.

    Raises:
        ValueError: It is anything else, or larger or deeper than one of ours could be.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if text.count(",") > MAX_ITEMS:
        raise ValueError("too many items")
    try:
        values = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_small,
        )
        _check_tree(values, MAX_DEPTH)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name occurs twice")
    return values


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("number too large")
    return value


def _small(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError("number too large")
    return value


def _check_tree(value: object, levels: int) -> None:
    """Refuse deep nesting, and halves of surrogate pairs, which no file or screen can take."""
    if levels == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode("utf-8")
            _check_tree(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _check_tree(item, levels - 1)

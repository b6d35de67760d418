"""The one file a model travels in: tensors in safetensors, the card in its metadata.

Layout (safetensors): 8 bytes little-endian header length, the header in JSON, the tensors'
bytes. Tensors stand in the order of their types and names, so the architecture, the number of
classes and the card's list of extra tensors decide every entry of the header, and a reader
compares instead of interpreting. Pickle is never read: it can run code. Imports no Paddle.
"""

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from core import files
from core.errors import ConfigError, Message, ModelFileError
from core.models.model_card import (
    DTYPES,
    FORMAT_VERSION,
    Extras,
    ModelCard,
    describe_extras,
    parse_object,
)
from core.models.weights import Weights, check_shapes, expected_shapes, first_non_finite

METADATA_KEY = "pneumoscope"
MAX_FILE_BYTES = 1 << 30  # ResNet-152 with 1000 classes takes 242 MB
MAX_HEADER_BYTES = 100_000_000  # that of safetensors itself; 1.4 million digests of films fit
MAX_QUOTED = 100  # characters of a foreign text that a sentence may quote

_RUNNABLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


class OpenedModel(NamedTuple):
    """A model file that was read and checked; all arrays are read-only."""

    card: ModelCard
    weights: Weights  # in torchvision's layout, float32
    extras: Extras  # what the card lists besides; its meaning is not checked yet


def save_model(
    path: Path,
    card: ModelCard,
    arrays: Mapping[str, NDArray[np.float32]],
    extras: Mapping[str, NDArray[Any]] | None = None,
) -> ModelCard:
    """Write a model file: all of it, or nothing. The same input gives the same bytes.

    Args:
        path: Replaced if it exists.
        card: Its `extras` and `tensors_sha256` are filled in.
        arrays: In torchvision's layout, see `core.models.weights.to_arrays`.
        extras: Tensors beside the network's, see `core.models.model_card`.

    Returns:
        The card as it was written.

    Raises:
        ModelFileError: The arrays are not those of the card's architecture or hold values
            that no network can use, or the disk refused.
        ValueError: The extra tensors are not such as a model file may hold.
    """
    check_shapes(arrays, expected_shapes(card.architecture, len(card.classes)))
    card = dataclasses.replace(card, extras=describe_extras(extras or {}), tensors_sha256="")
    given: dict[str, NDArray[Any]] = {**arrays, **(extras or {})}
    _check_values(path, given)
    tensors = {
        place.name: np.ascontiguousarray(given[place.name], place.dtype) for place in _layout(card)
    }
    digest = hashlib.sha256()
    for array in tensors.values():
        digest.update(array.reshape(-1).data)  # shape -> (count,)
    card = dataclasses.replace(card, tensors_sha256=digest.hexdigest())
    text = json.dumps(card.to_json(), ensure_ascii=False, allow_nan=False, sort_keys=True)
    try:
        files.write_bytes(path, safetensors.numpy.save(tensors, {METADATA_KEY: text}))
    except OSError as error:
        raise ModelFileError(
            Message(
                "The model {file} could not be written: {reason}. "
                "Free some space or choose another folder.",
                file=path.name,
                reason=error.strerror or str(error),
            )
        ) from error
    return card


def read_card(path: Path) -> ModelCard:
    """Read what a model file says about itself, without reading its tensors.

    Raises:
        ModelFileError: As for `open_model`, save what only the tensors' bytes can tell.
    """
    with _open(path) as file:
        return _read_header(path, file)[0]


def open_model(path: Path) -> OpenedModel:
    """Read a model file and check all of it.

    Raises:
        ModelFileError: The file cannot be read, is not a model of ours, is newer than this
            program, or is damaged.
    """
    with _open(path) as file:
        card, n_bytes = _read_header(path, file)
        body = _read(path, file, n_bytes)
    if hashlib.sha256(body).hexdigest() != card.tensors_sha256:
        raise _damaged(path, Message("the checksum of its weights is wrong"))
    arrays: dict[str, NDArray[Any]] = {}
    for place in _layout(card):
        flat = np.frombuffer(body, place.dtype, math.prod(place.shape), place.start)
        native = flat.astype(place.dtype.newbyteorder("="), copy=False)
        arrays[place.name] = native.reshape(place.shape)  # (count,) -> shape
    _check_values(path, arrays)
    extras = {name: arrays.pop(name) for name in card.extras}
    return OpenedModel(card, arrays, extras)


class _Place(NamedTuple):
    """Where a tensor stands in the file."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int  # bytes after the header
    entry: dict[str, Any]  # of the header


def _layout(card: ModelCard) -> Iterator[_Place]:
    """Every tensor of a file in the order of its bytes, which is that of safetensors itself."""
    shapes = expected_shapes(card.architecture, len(card.classes))
    tensors = [("F32", name, shape) for name, shape in shapes.items()]
    tensors += [(one["dtype"], name, tuple(one["shape"])) for name, one in card.extras.items()]
    order, start = list(DTYPES), 0
    for kind, name, shape in sorted(tensors, key=lambda one: (order.index(one[0]), one[1])):
        end = start + math.prod(shape) * DTYPES[kind].itemsize
        entry = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
        yield _Place(name, DTYPES[kind], shape, start, entry)
        start = end


def _open(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(
                Message(
                    "{file} is not a file. Choose a .safetensors file made by PneumoScope.",
                    file=path.name,
                )
            )
        return path.open("rb")
    # ValueError: a name with a NUL character.
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read(path: Path, file: BinaryIO, n_bytes: int) -> bytes:
    try:
        return file.read(n_bytes)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read_header(path: Path, file: BinaryIO) -> tuple[ModelCard, int]:
    """Check all that stands before the tensors; tell the card and the tensors' bytes."""
    size = os.fstat(file.fileno()).st_size
    start = _read(path, file, 9)
    _check_start(path, start, size)
    length = int.from_bytes(start[:8], "little")
    header = _parse(path, start[8:] + _read(path, file, length - 1))
    card = _card(path, header.pop("__metadata__", None))
    n_bytes = _check_entries(path, header, list(_layout(card)))
    wanted = 8 + length + n_bytes
    if size != wanted:
        raise _damaged(
            path,
            Message("it has {size} bytes where {wanted} are needed", size=size, wanted=wanted),
        )
    return card, n_bytes


def _check_start(path: Path, start: bytes, size: int) -> None:
    """Refuse what is no safetensors file, from its first nine bytes and its size."""
    length = int.from_bytes(start[:8], "little")
    is_safetensors = start[8:] == b"{" and 2 <= length <= MAX_HEADER_BYTES
    if is_safetensors and length <= size - 8 and size <= MAX_FILE_BYTES:
        return
    if start.startswith(_RUNNABLE_STARTS):
        raise ModelFileError(
            Message(
                "{file} is a pickle or zip file, like .pdparams, .pth and .pt. Such files can run "
                "code when they are read, so choose a .safetensors file made by PneumoScope.",
                file=path.name,
            )
        )
    if is_safetensors and size > MAX_FILE_BYTES:
        raise ModelFileError(
            Message(
                "{file} is larger than any model of PneumoScope's. "
                "Choose a .safetensors file made by PneumoScope.",
                file=path.name,
            )
        )
    if is_safetensors:
        raise _damaged(path, Message("its end is missing"))
    raise _foreign(path)


def _parse(path: Path, text: bytes | str) -> dict[str, Any]:
    try:
        return parse_object(text)
    except ValueError as error:
        raise _damaged(path, Message("its description cannot be read")) from error


def _card(path: Path, metadata: object) -> ModelCard:
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise _foreign(path)
    values = _parse(path, text)
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFileError(
            Message(
                "{file} was made by a newer PneumoScope. Update PneumoScope to open it.",
                file=path.name,
            )
        )
    try:
        return ModelCard.from_json(values)
    except ConfigError as error:
        raise _damaged(path, _brief(error.message)) from error


def _check_entries(path: Path, header: dict[str, Any], layout: list[_Place]) -> int:
    """Compare the header's entries with those `save_model` writes; tell the tensors' bytes."""
    known = {place.name for place in layout}
    strange = next((name for name in header if name not in known), None)
    if strange is not None:
        raise _damaged(
            path, _brief(Message("its network does not have a tensor {name}", name=strange))
        )
    for place in layout:
        if header.get(place.name) != place.entry:
            raise _damaged(
                path, Message("the tensor {name} is missing or not as it must be", name=place.name)
            )
    return int(layout[-1].entry["data_offsets"][1])


def _check_values(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    broken = first_non_finite(arrays) or next(
        (n for n, a in arrays.items() if n.endswith(".running_var") and (a < 0).any()), None
    )
    if broken is not None:
        raise ModelFileError(
            Message(
                "The model {file} is of no use: its tensor {name} holds values that are not "
                "possible. Train it again with a lower learning rate.",
                file=path.name,
                name=broken,
            )
        )


def _brief(message: Message) -> Message:
    """The same sentence with every foreign value cut to a readable length."""
    return Message(
        message.template,
        **{name: str(value)[:MAX_QUOTED] for name, value in message.values.items()},
    )


def _damaged(path: Path, reason: Message) -> ModelFileError:
    return ModelFileError(
        Message(
            "The model file {file} is damaged or was altered ({reason}). Get a fresh copy of it.",
            file=path.name,
            reason=reason,
        )
    )


def _foreign(path: Path) -> ModelFileError:
    return ModelFileError(
        Message(
            "{file} was not made by PneumoScope. Choose a .safetensors file that it wrote.",
            file=path.name,
        )
    )


def _unreadable(path: Path, error: OSError | ValueError) -> ModelFileError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ModelFileError(
        Message(
            "The model file {file} cannot be read: {reason}. Check that it is still there.",
            file=path.name,
            reason=reason,
        )
    )

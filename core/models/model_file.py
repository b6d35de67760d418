"""The one file a model travels in: tensors in safetensors, the card in its metadata.

Layout (safetensors): 8 bytes little-endian header length, the header in JSON, the tensors'
bytes. We write the tensors in the order of their names, so the architecture and the number
of classes decide every entry of the header but the card, and a reader compares instead of
interpreting. Pickle is never read: it can run code. Imports no Paddle.
"""

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from core import atomic_file
from core.errors import ConfigError, Message, ModelFileError
from core.models.model_card import FORMAT_VERSION, ModelCard
from core.models.weights import Weights, check_shapes, expected_shapes, first_non_finite

METADATA_KEY = "pneumoscope"
MAX_FILE_BYTES = 1 << 30  # ResNet-152 with 1000 classes takes 242 MB
MAX_HEADER_BYTES = 100_000_000  # that of safetensors itself; 1.4 million digests of films fit
MAX_JSON_ITEMS = 2_000_000  # a list of 100 MB of empty lists would unpack to several GB
MAX_JSON_DEPTH = 32
MAX_JSON_INTEGER = 2**63 - 1
MAX_QUOTED = 100  # characters of a foreign text that a sentence may quote

_RUNNABLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


def save_model(path: Path, card: ModelCard, arrays: Mapping[str, NDArray[np.float32]]) -> ModelCard:
    """Write a model file: all of it, or nothing. The same input gives the same bytes.

    Args:
        path: Replaced if it exists.
        card: Its `tensors_sha256` is filled in.
        arrays: In torchvision's layout, see `core.models.weights.to_arrays`.

    Returns:
        The card as it was written.

    Raises:
        ModelFileError: The arrays are not those of the card's architecture or hold values
            that no network can use, or the disk refused.
    """
    check_shapes(arrays, expected_shapes(card.architecture, len(card.classes)))
    _check_values(path, arrays)
    tensors = {name: np.ascontiguousarray(arrays[name], dtype="<f4") for name in sorted(arrays)}
    digest = hashlib.sha256()
    for array in tensors.values():
        digest.update(array.reshape(-1).data)  # shape -> (count,)
    card = dataclasses.replace(card, tensors_sha256=digest.hexdigest())
    text = json.dumps(card.to_json(), ensure_ascii=False, allow_nan=False, sort_keys=True)
    try:
        atomic_file.write_bytes(path, safetensors.numpy.save(tensors, {METADATA_KEY: text}))
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


def open_model(path: Path) -> tuple[ModelCard, Weights]:
    """Read a model file and check all of it.

    Returns:
        The card, and the arrays in torchvision's layout (float32, read-only).

    Raises:
        ModelFileError: The file cannot be read, is not a model of ours, is newer than this
            program, or is damaged.
    """
    with _open(path) as file:
        card, n_bytes = _read_header(path, file)
        body = _read(path, file, n_bytes)
    if hashlib.sha256(body).hexdigest() != card.tensors_sha256:
        raise _damaged(path, Message("the checksum of its weights is wrong"))
    arrays, start = {}, 0
    for name, shape in sorted(expected_shapes(card.architecture, len(card.classes)).items()):
        count = math.prod(shape)
        flat = np.frombuffer(body, "<f4", count, start).astype(np.float32, copy=False)
        arrays[name] = flat.reshape(shape)  # (count,) -> shape
        start += 4 * count
    _check_values(path, arrays)
    return card, arrays


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
    n_bytes = _check_entries(path, header, expected_shapes(card.architecture, len(card.classes)))
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
    """A JSON object without repeated names, infinities or excess."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        if text.count(",") > MAX_JSON_ITEMS:
            raise ValueError("too many items")
        values = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_small,
        )
        _check_tree(values, MAX_JSON_DEPTH)
        if not isinstance(values, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise _damaged(path, Message("its description cannot be read")) from error
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
    if abs(value) > MAX_JSON_INTEGER:
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


def _check_entries(
    path: Path, header: dict[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> int:
    """Compare the header's entries with those `save_model` writes; tell the tensors' bytes."""
    strange = next((name for name in header if name not in shapes), None)
    if strange is not None:
        raise _damaged(
            path, _brief(Message("its network does not have a tensor {name}", name=strange))
        )
    start = 0
    for name, shape in sorted(shapes.items()):
        end = start + 4 * math.prod(shape)
        entry = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
        if header.get(name) != entry:
            raise _damaged(
                path, Message("the tensor {name} is missing or not as it must be", name=name)
            )
        start = end
    return start


def _check_values(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
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

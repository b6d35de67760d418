"""The one file a model travels in: tensors in safetensors, the card in its metadata.

Tensors stand in the order of their types and names, so the architecture, the number of classes
and the card's list of extra tensors decide every entry of the header. Pickle is never read: it
can run code. Imports no Paddle.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import ConfigError, Message, ModelFileError
from core.models.model_card import (
    FIRST_WITH_CHECKSUM,
    FORMAT_VERSION,
    Extras,
    ModelCard,
    card_checksum,
    describe_extras,
)
from core.models.weights import Weights, check_shapes, expected_shapes, first_impossible
from core.tensor_file import (
    DTYPES,
    MAX_HEADER_BYTES,
    Entries,
    TensorFileError,
    lay_out,
    parse_object,
    read_header,
    to_bytes,
    to_tensors,
)

METADATA_KEY = "pneumoscope"
MAX_FILE_BYTES = 1 << 30  # ResNet-152 with 1000 classes takes 242 MB
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
        card: Its `extras` and both checksums are filled in.
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
    card = card.changed(extras=describe_extras(extras or {}), tensors_sha256="")
    given: dict[str, NDArray[Any]] = {**arrays, **(extras or {})}
    _check_values(path, given)
    tensors = {
        name: np.ascontiguousarray(given[name], DTYPES[entry["dtype"]])
        for name, entry in _entries(card).items()
    }
    digest = hashlib.sha256()
    for array in tensors.values():
        digest.update(array.reshape(-1).data)  # shape -> (count,)
    card = card.changed(tensors_sha256=digest.hexdigest())
    card = card.changed(card_sha256=card_checksum(card.to_json()))
    text = json.dumps(card.to_json(), ensure_ascii=False, allow_nan=False, sort_keys=True)
    try:
        files.write_bytes(path, to_bytes(tensors, {METADATA_KEY: text}))
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
    with _opened(path) as file:
        return _read_header(path, file)[0]


def open_model(path: Path) -> OpenedModel:
    """Read a model file and check all of it.

    Raises:
        ModelFileError: The file cannot be read, is not a model of ours, is newer than this
            program, or is damaged.
    """
    with _opened(path) as file:
        card, entries, n_bytes = _read_header(path, file)
        body = file.read(n_bytes)
    if hashlib.sha256(body).hexdigest() != card.tensors_sha256:
        raise _damaged(path, Message("the checksum of its weights is wrong"))
    arrays = to_tensors(entries, body)
    _check_values(path, arrays)
    extras = {name: arrays.pop(name) for name in card.extras}
    return OpenedModel(card, arrays, extras)


def _entries(card: ModelCard) -> Entries:
    """Return the header's entries: the tensors by type and name, as safetensors orders them."""
    shapes = expected_shapes(card.architecture, len(card.classes))
    types: dict[str, tuple[str, Any]] = {name: ("F32", shape) for name, shape in shapes.items()}
    types |= {name: (one.dtype, one.shape) for name, one in card.extras.items()}
    order = list(DTYPES)
    return lay_out(dict(sorted(types.items(), key=lambda one: (order.index(one[1][0]), one[0]))))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a model file; what is wrong with it or with the disk is told in a sentence."""
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(
                Message(
                    "{file} is not a file. Choose a .safetensors file made by PneumoScope.",
                    file=path.name,
                )
            )
        with path.open("rb") as file:
            yield file
    except TensorFileError as error:
        raise _damaged(path, error.message) from error
    # ValueError: a name with a NUL character.
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read_header(path: Path, file: BinaryIO) -> tuple[ModelCard, Entries, int]:
    """Check all that stands before the tensors; return the card, their entries and bytes."""
    _check_start(path, file)
    header = read_header(file)
    card = _card(path, header.metadata.get(METADATA_KEY))
    expected = _entries(card)
    strange = next((name for name in header.entries if name not in expected), None)
    if strange is not None:
        raise _damaged(
            path, _brief(Message("its network does not have a tensor {name}", name=strange))
        )
    return card, expected, header.check(expected)


def _check_start(path: Path, file: BinaryIO) -> None:
    """Refuse what is no safetensors file, from its first nine bytes and its size."""
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or not 2 <= length <= MAX_HEADER_BYTES:
        if not start.startswith(_RUNNABLE_STARTS):
            raise _foreign(path)
        raise ModelFileError(
            Message(
                "{file} is a pickle or zip file, like .pdparams, .pth and .pt. Such files can run "
                "code when they are read, so choose a .safetensors file made by PneumoScope.",
                file=path.name,
            )
        )
    if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
        raise ModelFileError(
            Message(
                "{file} is larger than any model of PneumoScope's. "
                "Choose a .safetensors file made by PneumoScope.",
                file=path.name,
            )
        )


def _card(path: Path, text: object) -> ModelCard:
    if not isinstance(text, str):
        raise _foreign(path)
    try:
        values = parse_object(text)
    except ValueError as error:
        raise _damaged(path, Message("its description cannot be read")) from error
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelFileError(
            Message(
                "{file} was made by a newer PneumoScope. Update PneumoScope to open it.",
                file=path.name,
            )
        )
    try:
        card = ModelCard.from_json(values)
    except ConfigError as error:
        raise _damaged(path, _brief(error.message)) from error
    # Earlier files have none.
    has_checksum = card.card_sha256 or card.format_version >= FIRST_WITH_CHECKSUM
    if has_checksum and card.card_sha256 != card_checksum(values):
        raise _damaged(path, Message("the checksum of its description is wrong"))
    return card


def _check_values(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    broken = first_impossible(arrays)
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


def keep_operating_point(path: Path, values: Mapping[str, Any]) -> None:
    """Write the operating point of a model into its file; everything else stays.

    Args:
        path: A model file.
        values: From `OperatingPoint.to_json`.

    Raises:
        ModelFileError: The file is refused, or the disk refused.
    """
    opened = open_model(path)
    save_model(
        path, opened.card.changed(operating_points=dict(values)), opened.weights, opened.extras
    )

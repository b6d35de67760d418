"""Foreign safetensors files: a format that holds arrays and nothing that could be run."""

import json
from pathlib import Path
from typing import Any

import safetensors

from core.models.initial_weights.refusals import damaged, unreadable
from core.models.initial_weights.tensors import ForeignTensors, as_float32

_MAX_HEADER_BYTES = 10_000_000  # that of a ResNet-152 has 100,000
_METADATA = "__metadata__"


def read_metadata(path: Path) -> dict[str, Any]:
    """What the file says about itself beside its tensors; empty where it says nothing.

    Raises:
        ModelFileError: The file cannot be read, or its beginning makes no sense.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MAX_HEADER_BYTES:
                raise damaged(path)
            metadata = json.loads(file.read(length)).get(_METADATA)
    except OSError as error:
        raise unreadable(path, error) from error
    except (AttributeError, RecursionError, ValueError) as error:
        raise damaged(path) from error
    return metadata if isinstance(metadata, dict) else {}


def read_safetensors(path: Path) -> ForeignTensors:
    """Read all tensors as float32; bfloat16, float16 and float64 too.

    Raises:
        ModelFileError: The file cannot be read or is damaged.
    """
    try:
        entries = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        return {
            name: as_float32(entry["data"], entry["dtype"], entry["shape"])
            for name, entry in entries
        }
    except OSError as error:
        raise unreadable(path, error) from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise damaged(path) from error

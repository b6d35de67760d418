"""Any file that a run can start from: whose it is shows in its first bytes, not in its name."""

from collections.abc import Sequence
from pathlib import Path

from core.config import Architecture
from core.models.initial_weights import refusals
from core.models.initial_weights.fitting import InitialWeights, fit
from core.models.initial_weights.foreign_safetensors import read_metadata, read_safetensors
from core.models.initial_weights.state_dict_process import read_state_dict
from core.models.model_file import MAX_FILE_BYTES, METADATA_KEY, open_model

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP = b"PK\x03\x04"
_TORCH_ENTRY = b"data.pkl"  # the first in PyTorch's zip, named within its first bytes
_START_BYTES = 256
# PyTorch before 1.6 began with this number.
_OLD_TORCH = b"\x80\x02\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")


def open_initial_weights(
    path: Path, architecture: Architecture, n_classes: int, classes: Sequence[str] = ()
) -> InitialWeights:
    """Read what a network can start from, from our models, safetensors or Paddle's `.pdparams`.

    Args:
        path: Of the file.
        architecture: The network's.
        n_classes: That it shall tell apart.
        classes: Their names, in the order of the logits. The last layer of a model of ours is
            kept where they equal the model's, and only then.

    Raises:
        ModelFileError: The file cannot be read, is damaged or hostile, or belongs to another
            network.
    """
    start = _start(path)
    if start.startswith(_OLD_TORCH):
        raise refusals.torch_file(path)
    if start.startswith(_PICKLES):
        return fit(read_state_dict(path), architecture, n_classes, path=path, kind="paddle")
    if start.startswith(_ZIP) and _TORCH_ENTRY in start:
        raise refusals.torch_file(path)
    if start[8:9] != b"{":
        raise refusals.unknown_kind(path)
    if METADATA_KEY not in read_metadata(path):
        tensors = read_safetensors(path)
        return fit(tensors, architecture, n_classes, path=path, kind="safetensors")
    card, arrays, _ = open_model(path)
    if card.architecture != architecture:
        raise refusals.other_architecture(path, card.architecture, architecture)
    return fit(
        arrays,
        architecture,
        n_classes,
        path=path,
        kind="pneumoscope",
        is_last_layer_wanted=card.classes == tuple(classes),
    )


def _start(path: Path) -> bytes:
    """The first bytes of a file that is not too large."""
    try:
        if path.exists() and not path.is_file():
            raise refusals.unknown_kind(path)
        with path.open("rb") as file:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise refusals.too_large(path)
            return file.read(_START_BYTES)
    # ValueError: a name with a NUL character.
    except (OSError, ValueError) as error:
        raise refusals.unreadable(path, error) from error

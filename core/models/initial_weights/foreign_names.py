"""The names that others gave to the tensors of a ResNet, turned into torchvision's."""

import re
from collections.abc import Iterable

from core.models.weights import Plan

# Wrappers put these before every name: data parallel, compiled, or parts of a larger network.
_PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
_ENDINGS = {"_mean": "running_mean", "_variance": "running_var"}  # Paddle's batch norm
_STEM = re.compile(r"stem\.0\.(conv|bn)\.(\w+)")  # PaddleClas counts blocks through all stages
_IN_BLOCK = re.compile(r"blocks\.(\d{1,3})\.(?:conv(\d)|short)\.(conv|bn)\.(\w+)")


def torchvision_name(name: str, plan: Plan) -> str:
    """What torchvision calls the tensor that the file calls `name`.

    Known are torchvision's and timm's names (the same), those of `paddle.vision`, and
    PaddleClas's. A strange name comes back as it is.

    Args:
        name: In the file.
        plan: Of the network that the file is taken for; says where a counted block stands.
    """
    while prefix := next((start for start in _PREFIXES if name.startswith(start)), None):
        name = name.removeprefix(prefix)
    path, _, ending = name.rpartition(".")
    if ending in _ENDINGS and path:
        name = f"{path}.{_ENDINGS[ending]}"
    if stem := _STEM.fullmatch(name):
        part, ending = stem.groups()
        return f"{part}1.{ending}"
    if inner := _IN_BLOCK.fullmatch(name):
        number, place, part, ending = inner.groups()
        block = _block(int(number), plan)
        if block is None:
            return name
        if place is None:
            return f"{block}.downsample.{'0' if part == 'conv' else '1'}.{ending}"
        return f"{block}.{part}{int(place) + 1}.{ending}"
    return name


def is_layout_of_paddle(names: Iterable[str]) -> bool:
    """Whether the file holds the last layer as (features, classes), the other way round."""
    return any(name.endswith("._mean") for name in names)


def _block(number: int, plan: Plan) -> str | None:
    for stage, n_blocks in enumerate(plan.n_blocks, start=1):
        if number < n_blocks:
            return f"layer{stage}.{number}"
        number -= n_blocks
    return None

"""How much of a file's weights a network of ours can start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.config import ARCHITECTURES, Architecture
from core.models.initial_weights.foreign_names import is_layout_of_paddle, torchvision_name
from core.models.initial_weights.refusals import (
    impossible_values,
    other_architecture,
    other_network,
    repeated,
)
from core.models.initial_weights.tensors import ForeignTensors
from core.models.weights import PLANS, expected_shapes, first_non_finite

WeightsKind = Literal["safetensors", "paddle", "pneumoscope"]
Shape = tuple[int, ...]

LAST_LAYER = ("fc.weight", "fc.bias")
_LEAST_SHARE = 0.5  # of the backbone's tensors; less is another network that shares some names
_COUNTER = ".num_batches_tracked"  # PyTorch's; training here has no use for it


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """What a run starts from, and what was left as it was."""

    name: str  # of the file
    kind: WeightsKind
    arrays: Mapping[str, NDArray[np.float32]]  # under torchvision's names, in its layout
    matched: tuple[str, ...]  # the names of `arrays`
    missing: tuple[str, ...]  # what keeps its random start, for whatever reason
    unused: tuple[str, ...]  # in the file, for nothing here
    mismatched: tuple[tuple[str, Shape, Shape], ...]  # name, the file's shape, ours


def fit(
    tensors: ForeignTensors,
    architecture: Architecture,
    n_classes: int,
    *,
    path: Path,
    kind: WeightsKind,
    is_last_layer_wanted: bool = True,
) -> InitialWeights:
    """Pick the tensors that fit a network; the backbone, where the classes are others.

    Raises:
        ModelFileError: They belong to another network, to two, or hold impossible values.
    """
    if is_layout_of_paddle(tensors):
        tensors = {name: _turned(array) for name, array in tensors.items()}
    found = _recognised(tensors)
    if found is not None and found != architecture:
        raise other_architecture(path, found, architecture)
    wanted = expected_shapes(architecture, n_classes)
    offered, unused = _offered(tensors, architecture, wanted, path)
    fitting = {
        name: offered[name]
        for name, shape in wanted.items()
        if name in offered and offered[name].shape == shape
    }
    mismatched = tuple(
        (name, offered[name].shape, shape)
        for name, shape in wanted.items()
        if name in offered and name not in fitting
    )
    if not is_last_layer_wanted or any(name not in fitting for name in LAST_LAYER):
        # Half a layer would be of no use.
        unused += [name for name in LAST_LAYER if fitting.pop(name, None) is not None]
    n_backbone = len(wanted) - len(LAST_LAYER)
    n_fitting = sum(name not in LAST_LAYER for name in fitting)
    if n_fitting < _LEAST_SHARE * n_backbone:
        raise other_network(path, architecture, n_fitting, n_backbone)
    _check_values(path, fitting)
    return InitialWeights(
        name=path.name,
        kind=kind,
        arrays=fitting,
        matched=tuple(fitting),
        missing=tuple(name for name in wanted if name not in fitting),
        unused=tuple(unused),
        mismatched=mismatched,
    )


def _offered(
    tensors: ForeignTensors,
    architecture: Architecture,
    wanted: Mapping[str, Shape],
    path: Path,
) -> tuple[dict[str, NDArray[np.float32]], list[str]]:
    """The tensors that have a name of ours, under it, and the names of all others."""
    offered: dict[str, NDArray[np.float32]] = {}
    unused = []
    for theirs, array in tensors.items():
        ours = torchvision_name(theirs, PLANS[architecture])
        if ours in offered:
            raise repeated(path, ours)
        if ours in wanted and array is not None:
            offered[ours] = array
        elif not ours.endswith(_COUNTER):
            unused.append(theirs)
    return offered, unused


def _recognised(tensors: ForeignTensors) -> Architecture | None:
    """The largest network of ours whose whole backbone is in the file.

    The smaller ones' tensors are among those of the larger: a ResNet-34 holds a ResNet-18.
    """
    for architecture in reversed(ARCHITECTURES):
        shapes = {
            torchvision_name(name, PLANS[architecture]): None if array is None else array.shape
            for name, array in tensors.items()
        }
        wanted = expected_shapes(architecture, n_classes=2)
        if all(shapes.get(name) == wanted[name] for name in wanted if name not in LAST_LAYER):
            return architecture
    return None


def _turned(array: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    # No tensor of a ResNet but the last layer's has two dimensions.
    return array if array is None or array.ndim != 2 else np.ascontiguousarray(array.T)


def _check_values(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    broken = first_non_finite(arrays) or next(
        (n for n, a in arrays.items() if n.endswith(".running_var") and (a < 0).any()), None
    )
    if broken is not None:
        raise impossible_values(path, broken)

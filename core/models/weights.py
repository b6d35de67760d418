"""The tensors of a network as numpy arrays, named and laid out as torchvision has them.

Imports no Paddle: which tensors an architecture has can be told before a network is built.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture, OutputStride
from core.errors import Message, ModelFileError

Weights = dict[str, NDArray[np.float32]]

NORM_EPSILON = 1e-5  # added to a batch norm's variance, as Paddle and torchvision do
STEM_WIDTH = 64  # channels after the first convolution
STAGE_WIDTHS = (64, 128, 256, 512)  # channels inside the blocks of each stage

_TORCHVISION_ENDINGS = {"_mean": "running_mean", "_variance": "running_var"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Number and kind of the blocks of a ResNet."""

    n_blocks: tuple[int, int, int, int]  # in each stage
    is_bottleneck: bool

    @property
    def expansion(self) -> int:
        """Channels that leave a block, in units of its stage's width."""
        return 4 if self.is_bottleneck else 1


# Table 1 of He et al. (2015), see core.models.resnet.
PLANS: dict[Architecture, Plan] = {
    "resnet18": Plan((2, 2, 2, 2), is_bottleneck=False),
    "resnet34": Plan((3, 4, 6, 3), is_bottleneck=False),
    "resnet50": Plan((3, 4, 6, 3), is_bottleneck=True),
    "resnet101": Plan((3, 4, 23, 3), is_bottleneck=True),
    "resnet152": Plan((3, 8, 36, 3), is_bottleneck=True),
}


def block_steps(stage: int, index: int, output_stride: OutputStride) -> tuple[int, tuple[int, int]]:
    """Return a block's stride, and the dilations of its strided convolution and of its later ones.

    Args:
        stage: 1 to 4.
        index: Of the block in its stage, from 0 on.
        output_stride: Of the network.
    """
    is_dilated = stage == len(STAGE_WIDTHS) and output_stride == 16
    if index > 0:
        return 1, (2, 2) if is_dilated else (1, 1)
    # The filters before the stride that is left out saw every place, those behind it every other.
    return 1 if stage == 1 or is_dilated else 2, (1, 2) if is_dilated else (1, 1)


def expected_shapes(architecture: Architecture, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor, statistics of the batch norms included."""
    plan = PLANS[architecture]
    shapes = {"conv1.weight": (STEM_WIDTH, 3, 7, 7), **_norm_shapes("bn1", STEM_WIDTH)}
    n_in = STEM_WIDTH
    for stage, (width, n_blocks) in enumerate(
        zip(STAGE_WIDTHS, plan.n_blocks, strict=True), start=1
    ):
        n_out = width * plan.expansion
        for index in range(n_blocks):
            block = f"layer{stage}.{index}"
            if plan.is_bottleneck:
                chain = [(n_in, width, 1), (width, width, 3), (width, n_out, 1)]
            else:
                chain = [(n_in, width, 3), (width, n_out, 3)]
            for number, (before, after, size) in enumerate(chain, start=1):
                shapes[f"{block}.conv{number}.weight"] = (after, before, size, size)
                shapes |= _norm_shapes(f"{block}.bn{number}", after)
            if index == 0 and (stage > 1 or n_in != n_out):
                shapes[f"{block}.downsample.0.weight"] = (n_out, n_in, 1, 1)
                shapes |= _norm_shapes(f"{block}.downsample.1", n_out)
            n_in = n_out
    return {**shapes, "fc.weight": (n_classes, n_in), "fc.bias": (n_classes,)}


def _norm_shapes(name: str, n_channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (n_channels,) for part in parts}


def random_weights(architecture: Architecture, n_classes: int, seed: int) -> Weights:
    """Draw weights as networks begin with; Paddle's generator, which trainings share, stays.

    Convolutions by He et al. (2015), eq. 14; the last layer uniform as torchvision's; norms
    that change nothing.
    """
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in expected_shapes(architecture, n_classes).items():
        if len(shape) == 4:
            spread = np.sqrt(2 / (shape[0] * shape[2] * shape[3]))
            weights[name] = random.standard_normal(shape, np.float32) * np.float32(spread)
        elif name.startswith("fc."):
            bound = shape[-1] ** -0.5
            weights[name] = random.uniform(-bound, bound, shape).astype(np.float32)
        else:
            is_one = name.endswith(("weight", "running_var"))
            weights[name] = np.full(shape, float(is_one), np.float32)
    return weights


def to_arrays(network: Any) -> Weights:
    """Copy a network's tensors; later training steps do not change the copy.

    Args:
        network: A `core.models.resnet.ResNet`, or another Paddle network of float32 tensors.
    """
    arrays = {}
    for name, tensor, is_transposed in _named_tensors(network):
        array = tensor.numpy()
        arrays[name] = np.array(array.T if is_transposed else array, dtype=np.float32, order="C")
    return arrays


def load_arrays(network: Any, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Set all tensors of a network, or none.

    Paddle's own `set_state_dict` only warns about tensors that are missing or do not fit,
    and leaves them random.

    Raises:
        ModelFileError: A name is missing or unknown, or a shape or dtype differs.
    """
    tensors = list(_named_tensors(network))
    shapes = {
        name: tuple(tensor.shape[::-1] if is_transposed else tensor.shape)
        for name, tensor, is_transposed in tensors
    }
    check_shapes(arrays, shapes)
    for name, tensor, is_transposed in tensors:
        array = arrays[name]
        tensor.set_value(np.ascontiguousarray(array.T if is_transposed else array))


def check_shapes(
    arrays: Mapping[str, NDArray[np.float32]], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Compare names, shapes and dtypes with those of a network.

    Raises:
        ModelFileError: Something differs; the first difference is named.
    """
    for name in shapes:
        if name not in arrays:
            raise ModelFileError(
                Message(
                    "The weights lack the tensor {name}, which this network needs. "
                    "They belong to another network.",
                    name=name,
                )
            )
    for name, array in arrays.items():
        if name not in shapes:
            raise ModelFileError(
                Message(
                    "The weights have a tensor {name}, which this network does not know. "
                    "They belong to another network.",
                    name=name,
                )
            )
        if array.shape != shapes[name] or array.dtype != np.float32:
            raise ModelFileError(
                Message(
                    "The tensor {name} is {dtype} {shape}, but this network needs float32 "
                    "{wanted}. The weights belong to another network or number of classes.",
                    name=name,
                    dtype=str(array.dtype),
                    shape=str(array.shape),
                    wanted=str(shapes[name]),
                )
            )


def first_impossible(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the name of the first array with a NaN, an infinity or a negative variance."""
    for name, array in arrays.items():
        if not np.isfinite(array).all() or (name.endswith(".running_var") and (array < 0).any()):
            return name
    return None


def _named_tensors(network: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield each tensor under torchvision's name, and whether torchvision transposes it."""
    for paddle_name, tensor in network.state_dict().items():
        path, _, ending = paddle_name.rpartition(".")
        name = f"{path}.{_TORCHVISION_ENDINGS.get(ending, ending)}"
        # Paddle's linear layers are (F, C); no other weight of a ResNet has two dimensions.
        yield name, tensor, len(tensor.shape) == 2

"""A network as an ONNX file, written node by node; imports neither Paddle nor ONNX.

The tensors keep torchvision's names and the batch norms stay, so that the file can be read,
compared and trained on elsewhere. Written here, for Paddle's converter brings 90 MB of other
packages that do not install on every Python this program runs on. The field numbers are
those of onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture
from core.models.paddle_inference import Pieces, content, number, real, text
from core.models.weights import PLANS, Plan

OPSET: Final = 17
_IR_VERSION: Final = 8  # the first that knows operator set 17
_FLOAT: Final = 1  # TensorProto.DataType
_NORM_EPSILON: Final = 1e-5

Side = int | str  # a name where it is free, such as the number of films


def onnx_file(
    architecture: Architecture,
    weights: Mapping[str, NDArray[np.float32]],
    image_size: int,
    *,
    producer: tuple[str, str],
    doc: str,
    metadata: Mapping[str, str],
) -> bytes:
    """The content of an .onnx file: `images` (N, 3, S, S) in, `logits` and `feature_map` out.

    Args:
        architecture: Which residual network the weights belong to.
        weights: In torchvision's layout, see `core.models.weights.to_arrays`.
        image_size: Side S of the input in pixels.
        producer: Name and version of the program.
        doc: What the model is, for people.
        metadata: For programs; readers give it back as a dictionary of texts.
    """
    n_classes, n_features = weights["fc.weight"].shape
    side = -(-image_size // 32)  # rounded up
    graph = _Graph(weights)
    graph.residual_network(PLANS[architecture])
    pieces = [
        *graph.nodes,
        *text(2, architecture),
        *(piece for name, array in weights.items() for piece in content(5, _tensor(name, array))),
        *content(11, _value("images", ("N", 3, image_size, image_size))),
        *content(12, _value("logits", ("N", n_classes))),
        *content(12, _value("feature_map", ("N", n_features, side, side))),
    ]
    model = [
        *number(1, _IR_VERSION),
        *text(2, producer[0]),
        *text(3, producer[1]),
        *text(6, doc),
        *content(7, pieces),
        *content(8, [*text(1, ""), *number(2, OPSET)]),
    ]
    for key, value in metadata.items():
        model += content(14, [*text(1, key), *text(2, value)])
    return b"".join(model)


class _Graph:
    """The nodes of a network, one after the other, each named after what it gives."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: Pieces = []

    def residual_network(self, plan: Plan) -> None:
        """The network of `core.models.resnet`."""
        x = self._relu("relu", self._convolve("conv1", "bn1", "images", 2))
        x = self._node(
            "MaxPool", "maxpool", [x], kernel_shape=(3, 3), strides=(2, 2), pads=(1,) * 4
        )
        last = f"layer4.{plan.n_blocks[-1] - 1}"
        for stage, n_blocks in enumerate(plan.n_blocks, start=1):
            for index in range(n_blocks):
                block = f"layer{stage}.{index}"
                stride = 2 if stage > 1 and index == 0 else 1
                result = "feature_map" if block == last else block
                x = self._block(block, result, x, stride, plan.is_bottleneck)
        x = self._node("GlobalAveragePool", "avgpool", [x])
        x = self._node("Flatten", "features", [x], axis=1)
        self._node("Gemm", "logits", [x, "fc.weight", "fc.bias"], transB=1)

    def _block(self, name: str, result: str, x: str, stride: int, is_bottleneck: bool) -> str:
        shortcut = x
        if f"{name}.downsample.0.weight" in self._weights:
            shortcut = self._convolve(f"{name}.downsample.0", f"{name}.downsample.1", x, stride)
        n_convolutions = 3 if is_bottleneck else 2
        strided = 2 if is_bottleneck else 1  # torchvision's place for the stride
        for index in range(1, n_convolutions + 1):
            step = stride if index == strided else 1
            x = self._convolve(f"{name}.conv{index}", f"{name}.bn{index}", x, step)
            if index < n_convolutions:
                x = self._relu(f"{name}.relu{index}", x)
        return self._relu(result, self._node("Add", f"{name}.add", [x, shortcut]))

    def _convolve(self, name: str, norm: str, x: str, stride: int) -> str:
        size = self._weights[f"{name}.weight"].shape[-1]
        x = self._node(
            "Conv",
            name,
            [x, f"{name}.weight"],
            kernel_shape=(size, size),
            strides=(stride, stride),
            pads=(size // 2,) * 4,
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(f"{norm}.{part}" for part in parts)]
        return self._node("BatchNormalization", norm, inputs, epsilon=_NORM_EPSILON)

    def _relu(self, name: str, x: str) -> str:
        return self._node("Relu", name, [x])

    def _node(
        self, kind: str, name: str, inputs: Sequence[str], **attributes: int | float | Sequence[int]
    ) -> str:
        """Add a node; the name of its one output is its own."""
        message: Pieces = [piece for one in inputs for piece in text(1, one)]
        message += [*text(2, name), *text(3, name), *text(4, kind)]
        for key, value in attributes.items():
            message += content(5, _attribute(key, value))
        self.nodes += content(1, message)
        return name


def _attribute(name: str, value: int | float | Sequence[int]) -> Pieces:
    if isinstance(value, int):
        return [*text(1, name), *number(3, value), *number(20, 2)]
    if isinstance(value, float):
        return [*text(1, name), *real(2, value), *number(20, 1)]
    numbers = [piece for one in value for piece in number(8, one)]
    return [*text(1, name), *numbers, *number(20, 7)]


def _tensor(name: str, array: NDArray[np.float32]) -> Pieces:
    sides = [piece for side in array.shape for piece in number(1, side)]
    values = np.ascontiguousarray(array, "<f4").reshape(-1).data.cast("B")  # shape -> (bytes,)
    return [*sides, *number(2, _FLOAT), *text(8, name), *content(9, [values])]


def _value(name: str, shape: Sequence[Side]) -> Pieces:
    sides: Pieces = []
    for side in shape:
        sides += content(1, text(2, side) if isinstance(side, str) else number(1, side))
    tensor = [*number(1, _FLOAT), *content(2, sides)]
    return [*text(1, name), *content(2, content(1, tensor))]

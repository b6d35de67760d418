"""A network as an ONNX graph: writing one node by node, and running it on ONNX Runtime.

Imports no Paddle, and ONNX Runtime only where a network is run. The tensors keep torchvision's
names and the batch norms stay, so that an exported file can be read, compared and trained on
elsewhere; ONNX Runtime folds them when it opens the graph. Written here, for the `onnx` package
would bring protobuf and ml_dtypes for what is one message type; the field numbers are those of
onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture, OutputStride, Preprocessing
from core.models.weights import NORM_EPSILON, PLANS, Plan, block_steps
from core.runtime.memory import memory_for
from core.runtime.threads import computing_threads

OPSET: Final = 17
_IR_VERSION: Final = 8  # the first that knows operator set 17
_FLOAT: Final = 1  # TensorProto.DataType
_FREE: Final = "N"  # the number of films, in a shape
_ERRORS_ONLY: Final = 3  # ONNX Runtime's log severity

Pieces = list[bytes | memoryview]


class OnnxNetwork:
    """A network on ONNX Runtime, on the processor; any thread may ask.

    Its session and the session's threads go with the object.

    Args:
        content: From `onnx_file`.
        preprocessing: How films become its input.

    Raises:
        RuntimeError: ONNX Runtime does not take the graph.
    """

    def __init__(self, content: bytes, preprocessing: Preprocessing) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # nothing leaves the machine
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = computing_threads()
        options.log_severity_level = _ERRORS_ONLY
        # A thread that waits would take its core from a training beside it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._preprocessing = preprocessing
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # it has a dozen kinds of its own, all derived from Exception
            raise RuntimeError(str(error)) from error

    def __call__(self, films: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits (N, C) and last feature maps (N, F, h, w).

        Args:
            films: (N, S, S) or (N, S, S, 3).

        Raises:
            OutOfMemoryError: The memory does not hold the films.
            RuntimeError: ONNX Runtime failed.
        """
        with memory_for(len(films)):
            images = network_input(films, self._preprocessing)
            try:
                logits, maps = self._session.run(["logits", "feature_map"], {"images": images})
            except MemoryError:
                raise
            except Exception as error:
                raise RuntimeError(str(error)) from error
        return logits, maps


def network_input(films: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Scale films to the network's input: `(x / 255 - mean) / std`, grey repeated thrice.

    Args:
        films: (N, S, S) or (N, S, S, 3), 0..255.
        preprocessing: Mean and standard deviation of all channels.

    Returns:
        Shape (N, 3, S, S).
    """
    slope = np.float32(1.0 / (255.0 * preprocessing.std))
    values = films.astype(np.float32) * slope
    values -= np.float32(preprocessing.mean / preprocessing.std)
    if values.ndim == 3:
        n, height, width = values.shape
        values = np.broadcast_to(values[:, None], (n, 3, height, width))  # (N, 1, S, S)
    else:
        values = values.transpose(0, 3, 1, 2)  # (N, S, S, 3) -> (N, 3, S, S)
    return np.ascontiguousarray(values)


def onnx_file(
    architecture: Architecture,
    weights: Mapping[str, NDArray[np.float32]],
    image_size: int,
    output_stride: OutputStride,
    *,
    producer: tuple[str, str] = ("", ""),
    doc: str = "",
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return the content of an .onnx file: `images` (N, 3, S, S), `logits` and `feature_map`.

    Args:
        architecture: Which residual network the weights belong to.
        weights: In torchvision's layout, see `core.models.weights.to_arrays`.
        image_size: Side S of the input in pixels.
        output_stride: Of the network, see `core.models.resnet`.
        producer: Name and version of the program.
        doc: What the model is, for people.
        metadata: For programs; readers give it back as a dictionary of texts.
    """
    n_classes, n_features = weights["fc.weight"].shape
    side = -(-image_size // output_stride)  # rounded up
    graph = _Graph(weights)
    graph.residual_network(PLANS[architecture], output_stride)
    pieces = [
        *graph.nodes,
        *_text(2, architecture),
        *(piece for name, array in weights.items() for piece in _content(5, _tensor(name, array))),
        *_content(11, _value("images", (_FREE, 3, image_size, image_size))),
        *_content(12, _value("logits", (_FREE, n_classes))),
        *_content(12, _value("feature_map", (_FREE, n_features, side, side))),
    ]
    model = [
        *_number(1, _IR_VERSION),
        *_text(2, producer[0]),
        *_text(3, producer[1]),
        *_text(6, doc),
        *_content(7, pieces),
        *_content(8, [*_text(1, ""), *_number(2, OPSET)]),
    ]
    for key, value in (metadata or {}).items():
        model += _content(14, [*_text(1, key), *_text(2, value)])
    return b"".join(model)


class _Graph:
    """The nodes of a network, one after the other, each named after what it gives."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: Pieces = []

    def residual_network(self, plan: Plan, output_stride: OutputStride) -> None:
        """Add the network of `core.models.resnet`."""
        x = self._relu("relu", self._convolve("conv1", "bn1", "images", 2))
        x = self._node(
            "MaxPool", "maxpool", [x], kernel_shape=(3, 3), strides=(2, 2), pads=(1,) * 4
        )
        last = f"layer4.{plan.n_blocks[-1] - 1}"
        for stage, n_blocks in enumerate(plan.n_blocks, start=1):
            for index in range(n_blocks):
                block = f"layer{stage}.{index}"
                result = "feature_map" if block == last else block
                steps = block_steps(stage, index, output_stride)
                x = self._block(block, result, x, *steps, plan.is_bottleneck)
        x = self._node("GlobalAveragePool", "avgpool", [x])
        x = self._node("Flatten", "features", [x], axis=1)
        self._node("Gemm", "logits", [x, "fc.weight", "fc.bias"], transB=1)

    def _block(
        self,
        name: str,
        result: str,
        x: str,
        stride: int,
        dilations: tuple[int, int],
        is_bottleneck: bool,
    ) -> str:
        shortcut = x
        if f"{name}.downsample.0.weight" in self._weights:
            shortcut = self._convolve(f"{name}.downsample.0", f"{name}.downsample.1", x, stride)
        n_convolutions = 3 if is_bottleneck else 2
        strided = 2 if is_bottleneck else 1  # torchvision's place for the stride
        for index in range(1, n_convolutions + 1):
            step = stride if index == strided else 1
            dilation = dilations[0] if index <= strided else dilations[1]
            x = self._convolve(f"{name}.conv{index}", f"{name}.bn{index}", x, step, dilation)
            if index < n_convolutions:
                x = self._relu(f"{name}.relu{index}", x)
        return self._relu(result, self._node("Add", f"{name}.add", [x, shortcut]))

    def _convolve(self, name: str, norm: str, x: str, stride: int, dilation: int = 1) -> str:
        size = self._weights[f"{name}.weight"].shape[-1]
        spread = dilation if size > 1 else 1
        x = self._node(
            "Conv",
            name,
            [x, f"{name}.weight"],
            kernel_shape=(size, size),
            strides=(stride, stride),
            pads=(size // 2 * spread,) * 4,
            dilations=(spread, spread),
        )
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(f"{norm}.{part}" for part in parts)]
        return self._node("BatchNormalization", norm, inputs, epsilon=NORM_EPSILON)

    def _relu(self, name: str, x: str) -> str:
        return self._node("Relu", name, [x])

    def _node(
        self, kind: str, name: str, inputs: Sequence[str], **attributes: int | float | Sequence[int]
    ) -> str:
        """Add a node; the name of its one output is its own."""
        message: Pieces = [piece for one in inputs for piece in _text(1, one)]
        message += [*_text(2, name), *_text(3, name), *_text(4, kind)]
        for key, value in attributes.items():
            message += _content(5, _attribute(key, value))
        self.nodes += _content(1, message)
        return name


def _attribute(name: str, value: int | float | Sequence[int]) -> Pieces:
    if isinstance(value, int):
        return [*_text(1, name), *_number(3, value), *_number(20, 2)]
    if isinstance(value, float):
        return [*_text(1, name), *_real(2, value), *_number(20, 1)]
    numbers = [piece for one in value for piece in _number(8, one)]
    return [*_text(1, name), *numbers, *_number(20, 7)]


def _tensor(name: str, array: NDArray[np.float32]) -> Pieces:
    sides = [piece for side in array.shape for piece in _number(1, side)]
    values = np.ascontiguousarray(array, "<f4").reshape(-1).data.cast("B")  # shape -> (bytes,)
    return [*sides, *_number(2, _FLOAT), *_text(8, name), *_content(9, [values])]


def _value(name: str, shape: Sequence[int | str]) -> Pieces:
    sides: Pieces = []
    for side in shape:
        sides += _content(1, _text(2, side) if isinstance(side, str) else _number(1, side))
    tensor = [*_number(1, _FLOAT), *_content(2, sides)]
    return [*_text(1, name), *_content(2, _content(1, tensor))]


# Protocol buffers' encoding: https://protobuf.dev/programming-guides/encoding/
_VARINT: Final = 0
_BYTES: Final = 2
_FIXED32: Final = 5


def _varint(value: int) -> bytes:
    """Encode a whole number from 0 on: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> Pieces:
    """Encode a whole number from 0 on as a field."""
    return [_key(field, _VARINT) + _varint(value)]


def _real(field: int, value: float) -> Pieces:
    """Encode a float32 as a field."""
    return [_key(field, _FIXED32) + struct.pack("<f", value)]


def _text(field: int, value: str) -> Pieces:
    """Encode a text as a field."""
    return _content(field, [value.encode()])


def _content(field: int, pieces: Sequence[bytes | memoryview]) -> Pieces:
    """Encode bytes, or another message, as a field."""
    n_bytes = sum(len(piece) for piece in pieces)
    return [_key(field, _BYTES) + _varint(n_bytes), *pieces]


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)

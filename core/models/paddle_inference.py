"""Paddle's inference engine on the processor, with oneDNN's kernels where they are built in."""

import json
import logging
import os
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture
from core.models.weights import PLANS, Plan, Weights, expected_shapes
from core.runtime.memory import memory_for
from core.runtime.paddle import F, nn, paddle
from core.runtime.threads import physical_core_count, thread_count

NAME = "network"  # of the files, before their endings


class FoldedNetwork(nn.Layer):
    """Logits and last feature map; all weights are zero.

    Args:
        plan: What tells one ResNet from another.
        shapes: From `core.models.paddle_inference.folded_shapes`.
    """

    def __init__(self, plan: Plan, shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        self._plan = plan
        self._tensors: dict[str, Any] = {}
        attributes = paddle.ParamAttr(initializer=nn.initializer.Constant(0.0))
        for name, shape in shapes.items():
            tensor = self.create_parameter(list(shape), attr=attributes, dtype="float32")
            tensor.name = name  # given with the attributes, it would do for one network only
            self.add_parameter(name.replace(".", "_"), tensor)
            self._tensors[name] = tensor

    # Traced as it is: Paddle would rewrite its source, which an installed program may lack.
    @paddle.jit.not_to_static  # type: ignore[untyped-decorator]
    def forward(self, images: Any) -> Any:
        """Logits (N, C) and last feature map (N, F, h, w) of images (N, 3, H, W)."""
        x = F.relu(self._convolve("conv1", images, 2))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage, n_blocks in enumerate(self._plan.n_blocks, start=1):
            for index in range(n_blocks):
                stride = 2 if stage > 1 and index == 0 else 1
                x = self._block(f"layer{stage}.{index}", x, stride)
        # The engine has no kernel of its own for a mean, but one for pooling.
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)  # (N, F, h, w) -> (N, F)
        return F.linear(pooled, self._tensors["fc.weight"], self._tensors["fc.bias"]), x

    def _block(self, name: str, x: Any, stride: int) -> Any:
        shortcut = x
        if f"{name}.downsample.0.weight" in self._tensors:
            shortcut = self._convolve(f"{name}.downsample.0", x, stride)
        if self._plan.is_bottleneck:
            x = F.relu(self._convolve(f"{name}.conv1", x))
            x = F.relu(self._convolve(f"{name}.conv2", x, stride))
            x = self._convolve(f"{name}.conv3", x)
        else:
            x = F.relu(self._convolve(f"{name}.conv1", x, stride))
            x = self._convolve(f"{name}.conv2", x)
        return F.relu(x + shortcut)

    def _convolve(self, name: str, x: Any, stride: int = 1) -> Any:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return F.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)


def save_traced(network: FoldedNetwork, folder: Path) -> None:
    """Write `network.json` and `network.pdiparams`; only in a process that does nothing else."""
    network.eval()
    spec = paddle.static.InputSpec([None, 3, None, None], "float32", "images")
    paddle.jit.save(network, str(folder / NAME), input_spec=[spec])


EPSILON = 1e-5  # of Paddle's and torchvision's batch norm, added to the variance


def fold(weights: Mapping[str, NDArray[np.float32]]) -> Weights:
    """A network's tensors without batch norms, in the order of their names.

    Args:
        weights: In torchvision's layout, see `core.models.weights.to_arrays`.

    Returns:
        `NAME.weight` (out, in, k, k) and `NAME.bias` (out,) of each convolution, `fc.weight`
        (F, C) as Paddle holds it, and `fc.bias` (C,).
    """
    folded: Weights = {"fc.weight": weights["fc.weight"].T, "fc.bias": weights["fc.bias"]}
    for name, array in weights.items():
        if array.ndim != 4:
            continue
        convolution = name.removesuffix(".weight")
        norm = _norm_after(convolution)
        variance = weights[f"{norm}.running_var"].astype(np.float64)
        scale = weights[f"{norm}.weight"] / np.sqrt(variance + EPSILON)
        shift = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        # (out,) -> (out, 1, 1, 1)
        folded[name] = array * scale[:, None, None, None].astype(np.float32)
        folded[f"{convolution}.bias"] = shift.astype(np.float32)
    return {name: np.ascontiguousarray(folded[name], "<f4") for name in sorted(folded)}


def folded_shapes(architecture: Architecture, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that `fold` makes, in the order of their names."""
    shapes = expected_shapes(architecture, n_classes)
    folded = {"fc.weight": shapes["fc.weight"][::-1], "fc.bias": shapes["fc.bias"]}
    for name, shape in shapes.items():
        if len(shape) == 4:
            folded |= {name: shape, f"{name.removesuffix('.weight')}.bias": shape[:1]}
    return dict(sorted(folded.items()))


def _norm_after(convolution: str) -> str:
    """`layer1.0.conv2` -> `layer1.0.bn2`; `layer2.0.downsample.0` -> `layer2.0.downsample.1`."""
    if convolution.endswith("downsample.0"):
        return f"{convolution[:-1]}1"
    block, _, last = convolution.rpartition("conv")
    return f"{block}bn{last}"


log = logging.getLogger(__name__)

_WORKER: Final = Path(__file__).with_name("paddle_program_worker.py")
_MOST_SECONDS: Final = 180.0  # most of it loads Paddle, which takes 2 on a quiet machine


def trace(architecture: Architecture, n_classes: int) -> bytes:
    """The program as Paddle's JSON: input `images`, outputs logits and last feature map.

    Takes a few seconds, in a process of its own: see `core.models.paddle_inference`.

    Raises:
        OSError: The temporary folder cannot be written, or no process be started.
        RuntimeError: The process failed.
    """
    plan = PLANS[architecture]
    with tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        wanted = {
            "n_blocks": plan.n_blocks,
            "is_bottleneck": plan.is_bottleneck,
            "shapes": folded_shapes(architecture, n_classes),
            "folder": folder,
        }
        try:
            done = subprocess.run(
                # Isolated: neither the working folder nor the environment lends it modules.
                [sys.executable, "-I", str(_WORKER)],
                input=json.dumps(wanted).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_MOST_SECONDS,
                check=False,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("tracing took too long") from error
        if done.returncode:
            log.debug("tracing failed: %s", done.stderr.decode(errors="replace"))
            raise RuntimeError(f"tracing ended with code {done.returncode}")
        return (Path(folder) / "network.json").read_bytes()


Pieces = list[bytes | memoryview]

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED32: Final = 5


def varint(value: int) -> bytes:
    """A whole number from 0 on: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> Pieces:
    """A whole number from 0 on in a field."""
    return [_key(field, _VARINT) + varint(value)]


def real(field: int, value: float) -> Pieces:
    """A number of 32 bits in a field."""
    return [_key(field, _FIXED32) + struct.pack("<f", value)]


def text(field: int, value: str) -> Pieces:
    """A text in a field."""
    return content(field, [value.encode()])


def content(field: int, pieces: Sequence[bytes | memoryview]) -> Pieces:
    """Bytes, or another message, in a field."""
    n_bytes = sum(len(piece) for piece in pieces)
    return [_key(field, _BYTES) + varint(n_bytes), *pieces]


def _key(field: int, kind: int) -> bytes:
    return varint(field << 3 | kind)


_FLOAT32 = 5  # framework.proto: VarType.FP32
_TYPE, _SIDE = 1, 2  # framework.proto: fields of TensorDesc


def parameter_parts(weights: Mapping[str, NDArray[np.float32]]) -> Iterator[bytes | memoryview]:
    """The pieces of the file, one after the other.

    Args:
        weights: Little-endian float32 in C order; at least one side each, none of them 0.
    """
    for name in sorted(weights):
        array = weights[name]
        sides = [piece for side in array.shape for piece in number(_SIDE, side)]
        message = b"".join(number(_TYPE, _FLOAT32) + sides)
        yield struct.pack("<IQIi", 0, 0, 0, len(message)) + message
        yield array.reshape(-1).data.cast("B")  # shape -> (bytes,)


SHAPES_KEPT = 4  # sizes of a batch for which the engine keeps its plans


class InferenceEngine:
    """Logits and last feature map of a batch in one pass; any thread may ask, one is served.

    Args:
        program: A file as `core.models.paddle_inference.trace` makes its content.
        parameters: A file of `core.models.paddle_inference`; neither is needed later.

    Raises:
        RuntimeError, ValueError, SystemError, MemoryError: The engine refuses.
    """

    def __init__(self, program: Path, parameters: Path) -> None:
        config = paddle.inference.Config(str(program), str(parameters))
        config.disable_gpu()
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(_thread_count())
        if paddle.base.core.is_compiled_with_onednn():
            config.enable_onednn()
            config.set_onednn_cache_capacity(SHAPES_KEPT)
        self._predictor = paddle.inference.create_predictor(config)
        self._images = self._predictor.get_input_handle("images")
        names = self._predictor.get_output_names()
        self._outputs = [self._predictor.get_output_handle(name) for name in names]
        self._in_use = threading.Lock()

    def __call__(
        self, images: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (N, C) and last feature maps (N, F, h, w).

        Args:
            images: (N, 3, H, W), as `core.models.resnet.to_input` makes them.

        Raises:
            OutOfMemoryError: The memory does not hold the images.
            RuntimeError: The engine fails; the eager network may still work.
        """
        with self._in_use, memory_for(len(images)):
            self._images.copy_from_cpu(np.ascontiguousarray(images, np.float32))
            self._predictor.run()
            logits, maps = (output.copy_to_cpu() for output in self._outputs)
        return logits, maps


def _thread_count() -> int:
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    return thread_count(physical_core_count())

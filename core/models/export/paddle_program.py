"""The network as a program for Paddle's inference engine: what to compute, without weights.

It depends on the architecture and the number of classes alone, so one serves every model
of its kind, and films of every size.
"""

import tempfile
from pathlib import Path
from typing import Any

from core.config import Architecture
from core.models.export.folding import folded_shapes
from core.models.weights import PLANS, Plan
from core.runtime.building import BUILDING
from core.runtime.paddle_library import F, nn, paddle


class _FoldedNetwork(nn.Layer):
    """The network of `core.models.resnet` with its batch norms folded away, its weights zero."""

    def __init__(self, plan: Plan, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self._plan = plan
        self._tensors: dict[str, Any] = {}
        # Not random: a training in another thread draws from the same generator.
        zero = nn.initializer.Constant(0.0)
        for name, shape in shapes.items():
            attributes = paddle.ParamAttr(initializer=zero)
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


def trace(architecture: Architecture, n_classes: int) -> bytes:
    """The program as Paddle's JSON: input `images`, outputs logits and last feature map.

    Takes about a second. A training in another thread goes on undisturbed: what a thread
    traces is its own business, but for the one builder that all traces share.

    Raises:
        OSError: The temporary folder cannot be written.
    """
    spec = paddle.static.InputSpec([None, 3, None, None], "float32", "images")
    with BUILDING, tempfile.TemporaryDirectory(prefix="pneumoscope-") as folder:
        network = _FoldedNetwork(PLANS[architecture], folded_shapes(architecture, n_classes))
        network.eval()
        paddle.jit.save(network, str(Path(folder) / "network"), input_spec=[spec])
        return (Path(folder) / "network.json").read_bytes()

"""The network of `core.models.resnet` with its batch norms folded away, to be traced.

Paddle traces with one builder for the whole process and mixes up what other threads compute
meanwhile: a training lost its learning rate. So the program itself never traces; see
`core.models.export.paddle_program`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.models.weights import Plan
from core.runtime.paddle_library import F, nn, paddle

NAME = "network"  # of the files, before their endings


class FoldedNetwork(nn.Layer):
    """Logits and last feature map; all weights are zero.

    Args:
        plan: What tells one ResNet from another.
        shapes: From `core.models.export.folding.folded_shapes`.
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

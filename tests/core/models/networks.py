"""Networks whose batch norms have something to say, and their eager answers."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture, OutputStride
from core.models.export_worker import PaddleAnswers, answer
from core.models.resnet import build_resnet
from core.runtime.paddle import paddle, seed_everything

SIZE = 64


def network_of(
    architecture: Architecture = "resnet18", seed: int = 0, output_stride: OutputStride = 32
) -> Any:
    """A network for three classes, in evaluation mode."""
    seed_everything(seed)
    network = build_resnet(architecture, 3, output_stride)
    rng = np.random.default_rng(seed)
    for name, tensor in network.state_dict().items():
        if len(tensor.shape) == 1 and not name.startswith("fc."):
            low, high = (0.5, 1.5) if name.endswith(("weight", "_variance")) else (-0.3, 0.3)
            tensor.set_value(rng.uniform(low, high, tensor.shape).astype(np.float32))
    network.eval()
    return network


def eager(network: Any, images: NDArray[np.float32]) -> tuple[Any, Any]:
    """Logits and maps as Paddle computes them one layer after the other."""
    with paddle.no_grad():
        maps = network.features(paddle.to_tensor(images))
        return network.classify(maps).numpy(), maps.numpy()


def films(n: int, size: int = SIZE, seed: int = 0) -> NDArray[np.float32]:
    """Noise as the network takes films, (n, 3, size, size)."""
    return np.random.default_rng(seed).normal(size=(n, 3, size, size)).astype(np.float32)


def ask_at_once(model: Path, _folder: Path, export_to: Path | None = None) -> PaddleAnswers:
    """Stand in for `export._ask_paddle` without a process: in a test nothing else runs."""
    return answer(model, export_to)

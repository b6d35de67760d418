"""Networks whose batch norms have something to say, and the cards that go with them."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import Architecture, Preprocessing
from core.models.model_card import ModelCard
from core.models.paddle_inference import FoldedNetwork, folded_shapes, save_traced
from core.models.resnet import build_resnet
from core.models.weights import PLANS
from core.runtime.paddle import paddle, seed_everything
from tests.core.models.model_bytes import card

SIZE = 64


def card_of(architecture: Architecture = "resnet18", seed: int = 0) -> ModelCard:
    preprocessing = Preprocessing(image_size=SIZE, mean=0.5, std=0.2)
    described = card(architecture=architecture, preprocessing=preprocessing)
    return dataclasses.replace(described, tensors_sha256=f"{seed:064x}")


def network_of(architecture: Architecture = "resnet18", seed: int = 0) -> Any:
    """A network for three classes, in evaluation mode."""
    seed_everything(seed)
    network = build_resnet(architecture, 3)
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


def traced(architecture: Architecture, n_classes: int) -> bytes:
    """What `paddle_program.trace` gives, but at once: in a test nothing else runs."""
    network = FoldedNetwork(PLANS[architecture], folded_shapes(architecture, n_classes))
    with tempfile.TemporaryDirectory() as folder:
        save_traced(network, Path(folder))
        return (Path(folder) / "network.json").read_bytes()

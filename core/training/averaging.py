"""A running average of the weights, often a little better than the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.runtime.paddle_library import paddle


class WeightAverage:
    """The exponential average of a network's weights and norm statistics.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992). The
    decay begins small, min(decay, (1 + step) / (10 + step)) as in TensorFlow's
    ExponentialMovingAverage, so that a short run forgets its random start as well.

    Args:
        network: Averaged from now on.
        decay: What one step keeps of the average, in (0, 1).
    """

    def __init__(self, network: Any, decay: float) -> None:
        self._decay = decay
        self._live: dict[str, Any] = dict(network.state_dict())
        with paddle.no_grad():
            self._average = {name: tensor.clone() for name, tensor in self._live.items()}
        self._is_applied = False

    @property
    def live_tensors(self) -> dict[str, Any]:
        """The tensors that hold the trained weights, also while the averages are applied."""
        return self._average if self._is_applied else self._live

    @property
    def average_tensors(self) -> dict[str, Any]:
        """The tensors that hold the averages, also while they are applied."""
        return self._live if self._is_applied else self._average

    def update(self, step: int) -> None:
        """Take in the weights after step number `step`, 1-based."""
        share = 1.0 - min(self._decay, (1 + step) / (10 + step))
        with paddle.no_grad():
            for name, tensor in self._live.items():
                self._average[name].lerp_(tensor, share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network hold the averages inside the block; the trained weights return."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        with paddle.no_grad():
            for name, tensor in self._live.items():
                kept = tensor.clone()
                tensor.copy_(self._average[name], True)
                self._average[name].copy_(kept, True)
        self._is_applied = not self._is_applied

"""Adam, AdamW and SGD with momentum, each with a state that can be saved."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.runtime.paddle import paddle

SCALER = "scaler/"  # begins the names of what the loss scaling remembers
SCALE, GOOD_STEPS, BAD_STEPS = f"{SCALER}scale", f"{SCALER}good_steps", f"{SCALER}bad_steps"


class LossScaler(paddle.amp.GradScaler):
    """Paddle's scaler: lifts small gradients of half precision, skips steps that overflow."""

    _scale: Any  # shape (1,), float32
    _incr_count: int
    _decr_count: int

    def _update(self) -> None:
        """Halve the scale after a step that overflowed, double it after many that did not.

        WORKAROUND (Paddle 3.3, numpy 2.4): the original prints the scale of each skipped step,
        into `--json` as well, and fails in `float(scale)`, whose shape is (1,).
        """
        if self._cache_found_inf:
            self._incr_count = 0
            self._decr_count += 1
            if self._decr_count == self._decr_every_n_nan_or_inf:
                self._scale = self._scale * self._decr_ratio
                self._decr_count = 0
        else:
            self._decr_count = 0
            self._incr_count += 1
            if self._incr_count == self._incr_every_n_steps:
                self._scale = self._scale * self._incr_ratio
                self._incr_count = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what the next step depends on; nothing in full precision."""
        if not self.is_enable():
            return {}
        return {
            SCALE: self._scale.numpy().reshape(1),
            GOOD_STEPS: np.array([self._incr_count], np.int64),
            BAD_STEPS: np.array([self._decr_count], np.int64),
        }

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set what `state` gave; where that is missing the scaling stays as it is."""
        if not self.is_enable() or not {SCALE, GOOD_STEPS, BAD_STEPS} <= arrays.keys():
            return
        self._scale = paddle.to_tensor(arrays[SCALE].reshape(1), place=self._scale.place)
        self._incr_count = int(arrays[GOOD_STEPS].item())
        self._decr_count = int(arrays[BAD_STEPS].item())


class NetworkOptimiser:
    """Optimiser of the weights that learn, with loss scaling.

    Args:
        config: Optimiser, weight decay and momentum.
        network: Parameters whose `stop_gradient` is set stay as they are.
        is_mixed: Gradients come from half precision, where small ones underflow: the loss is
            scaled up, and steps whose gradients overflow are skipped.
    """

    def __init__(self, config: TrainingConfig, network: Any, *, is_mixed: bool) -> None:
        named = {
            name: parameter
            for name, parameter in network.named_parameters()
            if not parameter.stop_gradient
        }
        self._optimiser = _build(config, list(named.values()))
        self.scaler = LossScaler(enable=is_mixed)
        # Paddle would make the moments in the first step; with them here from the start,
        # memory is known early and a saved state has somewhere to go.
        self._optimiser._create_accumulators(
            paddle.static.default_main_program().global_block(), list(named.values())
        )
        # Paddle's own keys count all networks of the process; ours are the layers' names.
        layer_names = {parameter.name: name for name, parameter in named.items()}
        self.tensors: dict[str, Any] = {
            f"optimiser/{kind}/{layer_names[key]}": tensor
            for kind, memory in self._optimiser._accumulators.items()
            for key, tensor in memory.items()
        }

    def step(self, objective: Any, learning_rate: float) -> None:
        """Move the weights down the gradient of `objective`, a scalar tensor."""
        self._optimiser.set_lr(learning_rate)
        try:
            self.scaler.scale(objective).backward()
            self.scaler.step(self._optimiser)
            self.scaler.update()
        finally:  # a step that found no memory leaves no half of a gradient
            self._optimiser.clear_grad()


def _build(config: TrainingConfig, parameters: list[Any]) -> Any:
    # Norm scales and biases are not decayed: shrinking them does not regularise.
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    match config.optimiser:
        case "adam":
            return paddle.optimizer.Adam(config.learning_rate, parameters=parameters)
        case "adamw":
            return paddle.optimizer.AdamW(
                config.learning_rate,
                parameters=parameters,
                weight_decay=config.weight_decay,
                apply_decay_param_fun={parameter.name for parameter in decayed}.__contains__,
            )
        case "sgd":
            for parameter in decayed:
                parameter.regularizer = paddle.regularizer.L2Decay(config.weight_decay)
            return paddle.optimizer.Momentum(
                config.learning_rate, config.momentum, parameters=parameters, use_nesterov=True
            )

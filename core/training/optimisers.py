"""The optimisers that people expect, each with a memory that can be saved."""

from typing import Any

from core.config import TrainingConfig
from core.runtime.paddle_library import paddle
from core.training.loss_scaling import LossScaler


class NetworkOptimiser:
    """Turns gradients into steps of the weights that learn.

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

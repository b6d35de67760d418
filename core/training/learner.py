"""One network, its optimiser and its arithmetic: what a single training step needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.data.batches import Batch
from core.evaluation.metrics import mean_cross_entropy
from core.models.network_input import place_of, to_input
from core.models.resnet import build_resnet
from core.runtime.devices import Device, Precision, precision_for, use_device
from core.runtime.memory import memory_for
from core.runtime.paddle_library import F, paddle


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one optimiser step saw, before it changed the weights."""

    loss: float  # mean cross-entropy without label smoothing, nats per image
    n_correct: int


class Learner:
    """A network being trained on one device.

    Args:
        config: Network, optimiser and regularisation.
        n_classes: Outputs of the last layer.
        device: Where to compute; mixed precision follows from it.
        class_weights: Shape (n_classes,); None: every image weighs the same.
    """

    def __init__(
        self,
        config: TrainingConfig,
        n_classes: int,
        device: Device,
        class_weights: NDArray[np.float32] | None = None,
    ) -> None:
        use_device(device.name)
        self.precision: Precision = precision_of_run(config, device)
        self.network = build_resnet(config.architecture, n_classes)
        self._place = place_of(self.network)
        self._config = config
        self._class_weights = class_weights
        self._optimiser = _build_optimiser(config, self.network)
        # Half-precision gradients underflow; the scaler lifts them and skips overflowing steps.
        self._scaler = paddle.amp.GradScaler(enable=self.precision == "mixed")

    @property
    def n_parameters(self) -> int:
        """Trainable numbers in the network."""
        # Paddle lists the running statistics of the batch norms among the parameters.
        return sum(
            int(np.prod(parameter.shape))
            for parameter in self.network.parameters()
            if not parameter.stop_gradient
        )

    def step(self, batch: Batch, learning_rate: float) -> StepResult:
        """Forward, backward, update.

        Raises:
            DeviceError: The device's memory does not hold the batch.
        """
        with memory_for(len(batch.labels)):
            return self._step(batch, learning_rate)

    def _step(self, batch: Batch, learning_rate: float) -> StepResult:
        self.network.train()
        self._optimiser.set_lr(learning_rate)
        labels = paddle.to_tensor(batch.labels, place=self._place)
        with paddle.amp.auto_cast(enable=self.precision == "mixed"):
            logits = self.network(to_input(batch.images, self._config.preprocessing, self._place))
        logits = logits.astype("float32")  # (N, C); the loss wants full precision
        objective = self._objective(logits, labels, batch)
        scaled = self._scaler.scale(objective)
        scaled.backward()
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._optimiser.clear_grad()
        answers = logits.numpy()
        n_correct = int((answers.argmax(axis=1) == batch.labels).sum())
        return StepResult(mean_cross_entropy(answers, batch.labels), n_correct)

    def _objective(self, logits: Any, labels: Any, batch: Batch) -> Any:
        """The mean loss of the batch, weighted by class where that is wanted."""
        smoothing = self._config.label_smoothing
        if self._class_weights is None:
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        weights = self._class_weights[batch.labels]  # (N,)
        losses = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        share = paddle.to_tensor(weights / weights.sum(), place=self._place)
        return (losses.flatten() * share).sum()

    def has_finite_weights(self) -> bool:
        """Whether every weight and statistic is a number.

        The loss does not tell: ReLU of NaN is 0 on the CPU, and the loss stays finite.
        """
        return all(
            bool(paddle.isfinite(tensor).all()) for tensor in self.network.state_dict().values()
        )


def precision_of_run(config: TrainingConfig, device: Device) -> Precision:
    """What the device does best, but full precision for the reference recipe.

    Its numbers are there to be compared with the notebook's.
    """
    return "float32" if config.preset == "reference" else precision_for(device)


def _build_optimiser(config: TrainingConfig, network: Any) -> Any:
    if config.optimiser == "adam":
        return paddle.optimizer.Adam(config.learning_rate, parameters=network.parameters())
    # Norm scales and biases are not decayed: shrinking them does not regularise.
    decayed = {parameter.name for parameter in network.parameters() if parameter.ndim > 1}
    return paddle.optimizer.AdamW(
        config.learning_rate,
        parameters=network.parameters(),
        weight_decay=config.weight_decay,
        apply_decay_param_fun=decayed.__contains__,
    )

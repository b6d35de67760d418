"""A network in training: one step of its optimiser, and the state that the next one needs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config import TrainingConfig
from core.data.batches import Batch
from core.errors import Message, TrainingError
from core.evaluation.metrics import mean_cross_entropy
from core.models.resnet import BatchNorm, build_resnet, place_of, to_input
from core.models.weights import load_arrays, to_arrays
from core.runtime.devices import Device, Precision, precision_for, use_device
from core.runtime.memory import memory_for
from core.runtime.paddle import F, paddle
from core.training.optimiser import SCALER, NetworkOptimiser

NORM_MOMENTUM = 0.9  # of Paddle and torchvision: the share of the statistics that a step keeps
N_STEPS = "n_steps"  # name of an array, shape (1,), int64

State = dict[str, NDArray[Any]]


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


class NormWarmup:
    """Running statistics of the batch norms that begin as a plain mean over the first steps.

    They start at mean 0 and variance 1. At momentum 0.9 the variance still holds 0.9^34 = 3 %
    of that 1 after 34 steps, and deep in a network true variances are far smaller. Measured
    on 526 films, ResNet-18 at 64 px, mean of three seeds: after a run of 34 steps the loss on
    132 other films is 0.61 instead of 0.69; after 102 steps there is no difference.

    Args:
        network: Its norms are set before each step.
    """

    def __init__(self, network: Any) -> None:
        self._norms = [layer for layer in network.sublayers() if isinstance(layer, BatchNorm)]

    def before_step(self, step: int) -> None:
        """Set what the norms keep in step number `step`, 1-based."""
        for norm in self._norms:
            norm.set_momentum(norm_momentum(step))


def norm_momentum(step: int) -> float:
    """Return the share of the old statistics: 0, 1/2, 2/3, ... (their mean), then 0.9."""
    return min(NORM_MOMENTUM, 1.0 - 1.0 / step)


@dataclass(frozen=True, slots=True)
class StepResult:
    """Loss and accuracy of one batch, before the step changed the weights."""

    loss: float  # mean cross-entropy without label smoothing, nats per image
    n_correct: int


class Learner:
    """A network being trained on one device.

    Args:
        config: Network, optimiser and regularisation.
        n_classes: Outputs of the last layer.
        device: Where to compute.
        class_weights: Shape (n_classes,); None: every image weighs the same.
        initial: Weights under torchvision's names and layout; what is not among them
            begins at random.

    Raises:
        ModelFileError: `initial` has a tensor that this network does not have.
    """

    def __init__(
        self,
        config: TrainingConfig,
        n_classes: int,
        device: Device,
        class_weights: NDArray[np.float32] | None = None,
        initial: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        use_device(device.name)
        self.precision: Precision = precision_of_run(config, device)
        self.network = build_resnet(config.architecture, n_classes, config.output_stride)
        if initial:
            load_arrays(self.network, {**to_arrays(self.network), **initial})
        if config.is_backbone_frozen:
            self.network.freeze_backbone()
        self.n_steps = 0
        self._place = place_of(self.network)
        self._config = config
        self._class_weights = class_weights
        is_mixed = self.precision == "mixed"
        self._optimiser = NetworkOptimiser(config, self.network, is_mixed=is_mixed)
        self._average = WeightAverage(self.network, config.averaging) if config.averaging else None
        self._norm_warmup = NormWarmup(self.network) if config.is_norm_warmed_up else None

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters."""
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
        step = self.n_steps + 1
        with memory_for(len(batch.labels)):
            if self._config.is_backbone_frozen:
                self.network.eval()
            else:
                self.network.train()
                if self._norm_warmup is not None:
                    self._norm_warmup.before_step(step)
            labels = paddle.to_tensor(batch.labels, place=self._place)
            with paddle.amp.auto_cast(enable=self.precision == "mixed"):
                images = to_input(batch.images, self._config.preprocessing, self._place)
                logits = self.network(images)
            logits = logits.astype("float32")  # (N, C); the loss wants full precision
            self._optimiser.step(self._objective(logits, labels, batch), learning_rate)
            if self._average is not None:
                self._average.update(step)
            answers = logits.numpy()
        self.n_steps = step
        n_correct = int((answers.argmax(axis=1) == batch.labels).sum())
        return StepResult(mean_cross_entropy(answers, batch.labels), n_correct)

    def _objective(self, logits: Any, labels: Any, batch: Batch) -> Any:
        """Return the mean loss of the batch, weighted by class where that is wanted."""
        smoothing = self._config.label_smoothing
        if self._class_weights is None:
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        weights = self._class_weights[batch.labels]  # (N,)
        losses = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        share = paddle.to_tensor(weights / weights.sum(), place=self._place)
        return (losses.flatten() * share).sum()

    def has_finite_weights(self) -> bool:
        """Return True where every weight and statistic is finite.

        The loss does not tell: ReLU of NaN is 0 on the CPU, and the loss stays finite.
        """
        return all(
            bool(paddle.isfinite(tensor).all()) for tensor in self.network.state_dict().values()
        )

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Let `network` hold the weights to validate and to save inside the block.

        They are the averages where averaging is on. `state` may be asked for inside as well.
        """
        if self._average is None:
            yield
            return
        with self._average.applied():
            yield

    def state(self) -> State:
        """Copy all that the next step depends on besides its batch and rate.

        The names are the layers', "network/bn1._mean" or "optimiser/moment1/fc.weight",
        and the layout is Paddle's: for `load_state` in any process, not for model files.
        """
        return {
            **{name: tensor.numpy() for name, tensor in self._tensors().items()},
            **self._optimiser.scaler.state(),
            N_STEPS: np.array([self.n_steps], np.int64),
        }

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on exactly where `state` was taken; sets everything or nothing.

        Between a device with mixed precision and one without, the loss scaling begins anew.

        Raises:
            TrainingError: The state is of a run with other settings.
        """
        tensors = self._tensors()
        _check_state(arrays, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        with paddle.no_grad():
            for name, tensor in tensors.items():
                # `set_value` would move it to Paddle's current device.
                tensor.copy_(paddle.to_tensor(arrays[name], place=tensor.place), True)
        self._optimiser.scaler.load_state(arrays)
        self.n_steps = int(arrays[N_STEPS][0])

    def _tensors(self) -> dict[str, Any]:
        """Return every tensor that steps change, by a name that all processes agree on."""
        if self._average is None:
            weights, averages = self.network.state_dict(), {}
        else:
            weights, averages = self._average.live_tensors, self._average.average_tensors
        return {
            **{f"network/{name}": tensor for name, tensor in weights.items()},
            **{f"average/{name}": tensor for name, tensor in averages.items()},
            **self._optimiser.tensors,
        }


def precision_of_run(config: TrainingConfig, device: Device) -> Precision:
    """Return mixed precision where it is wanted and the device has hardware for it.

    "auto" wants it for all but the reference recipe, whose numbers are there to be compared
    with the notebook's.
    """
    wants_full = config.precision == "float32" or (
        config.precision == "auto" and config.preset == "reference"
    )
    return "float32" if wants_full else precision_for(device)


def _check_state(arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names, shapes and dtypes with what a learner needs."""
    wanted: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {
        name: (shape, np.dtype(np.float32)) for name, shape in shapes.items()
    }
    wanted[N_STEPS] = ((1,), np.dtype(np.int64))
    found = {
        name: (array.shape, array.dtype)
        for name, array in arrays.items()
        if not name.startswith(SCALER)
    }
    for name in sorted({*wanted, *found}):
        if name not in wanted or name not in found or wanted[name] != found[name]:
            raise TrainingError(
                Message(
                    "The saved state of training does not fit this run: {name} differs. It was "
                    "saved with other settings. Start a new run.",
                    name=name,
                )
            )

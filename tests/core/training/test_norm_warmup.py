import numpy as np
import pytest

from core.config import Preprocessing, TrainingConfig
from core.data.batches import Batch
from core.models.resnet import BatchNorm
from core.models.weights import to_arrays
from core.runtime.devices import Device
from core.runtime.paddle import paddle, seed_everything
from core.training.learner import Learner, NormWarmup, norm_momentum


def test_the_first_steps_are_averaged_and_later_ones_fade_as_usual() -> None:
    momenta = [norm_momentum(step) for step in (1, 2, 4, 9, 10, 11, 1000)]
    assert momenta == pytest.approx([0, 1 / 2, 3 / 4, 8 / 9, 0.9, 0.9, 0.9])


def test_the_statistics_after_some_steps_are_the_mean_over_them() -> None:
    norm = BatchNorm(2)
    warmup = NormWarmup(paddle.nn.Sequential(norm))
    films = np.random.default_rng(0).normal(3.0, 5.0, (4, 8, 2, 6, 6)).astype(np.float32)
    norm.train()
    for step, batch in enumerate(films, start=1):
        warmup.before_step(step)
        norm(paddle.to_tensor(batch))
    means, variances = films.mean(axis=(1, 3, 4)), films.var(axis=(1, 3, 4))  # (steps, 2)
    np.testing.assert_allclose(norm._mean.numpy(), means.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(norm._variance.numpy(), variances.mean(axis=0), rtol=1e-5)


def test_after_a_step_the_network_is_the_same_in_training_and_evaluation() -> None:
    """At a learning rate of 0, so that only the statistics move."""
    config = TrainingConfig(is_norm_warmed_up=True, preprocessing=Preprocessing(image_size=32))
    films = Batch(
        np.random.default_rng(0).integers(0, 256, (8, 32, 32)).astype(np.uint8), np.arange(8) % 3
    )
    differences = {}
    for is_on in (True, False):
        seed_everything(0)
        ours = Learner(
            config.changed(is_norm_warmed_up=is_on),
            3,
            Device("cpu", "CPU", 1 << 30),
        )
        ours.step(films, 0.0)
        images = paddle.to_tensor(films.images[:, None].repeat(3, 1).astype(np.float32) / 255)
        with paddle.no_grad():
            training = ours.network(images).numpy()
            ours.step(films, 0.0)
            ours.network.eval()
            differences[is_on] = np.abs(ours.network(images).numpy() - training).max()
    assert differences[True] < 1e-3 < 0.1 < differences[False]


def test_the_weights_that_learn_do_not_depend_on_it() -> None:
    found = []
    for is_on in (True, False):
        seed_everything(0)
        config = TrainingConfig(is_norm_warmed_up=is_on, preprocessing=Preprocessing(image_size=32))
        ours = Learner(config, 3, Device("cpu", "CPU", 1 << 30))
        ours.step(Batch(np.zeros((3, 32, 32), np.uint8), np.arange(3)), 1e-2)
        found.append(to_arrays(ours.network))
    on, off = found
    assert all(np.array_equal(on[name], off[name]) for name in on if "running" not in name)

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.config import Preprocessing, TrainingConfig, preset
from core.data.batches import Batch
from core.errors import DeviceError, ModelFileError, TrainingError
from core.models.resnet import BatchNorm, build_resnet, to_input
from core.models.weights import to_arrays
from core.runtime.devices import Device
from core.runtime.paddle import F, nn, paddle, seed_everything
from core.training.learner import (
    Learner,
    NormWarmup,
    State,
    WeightAverage,
    norm_momentum,
    precision_of_run,
)

pytestmark = pytest.mark.usefixtures("narrow_network")
CPU = Device("cpu", "CPU", 1 << 30)
RATE = 1e-3
ADAMW = TrainingConfig(
    optimiser="adamw",
    weight_decay=0.5,
    label_smoothing=0.1,
    preprocessing=Preprocessing(image_size=32, mean=0.4, std=0.3),
)
ADAM = ADAMW.changed(optimiser="adam", weight_decay=0.0, label_smoothing=0.0)
SGD = ADAMW.changed(optimiser="sgd", weight_decay=0.01, momentum=0.8)
SMALL = Preprocessing(image_size=32, mean=0.5, std=0.25)
UNIT = Preprocessing(image_size=32)
EVERYTHING = ADAMW.changed(averaging=0.9, is_norm_warmed_up=True)
FROZEN = EVERYTHING.changed(is_backbone_frozen=True)


def batch(n: int = 4) -> Batch:
    random = np.random.default_rng(0)
    return Batch(
        random.integers(0, 256, (n, 32, 32)).astype(np.uint8), np.arange(n, dtype=np.int64) % 3
    )


def learner(config: TrainingConfig, seed: int = 0, **given: Any) -> Learner:
    seed_everything(seed)
    return Learner(config, 3, CPU, **given)


def written_by_hand(config: TrainingConfig, films: Batch, n_steps: int) -> dict[str, np.ndarray]:
    """The same steps in plain Paddle."""
    seed_everything(0)
    network = build_resnet("resnet18", 3, config.output_stride)
    network.train()
    if config.optimiser == "adam":
        optimiser = paddle.optimizer.Adam(RATE, parameters=network.parameters())
    elif config.optimiser == "sgd":
        trained = [p for p in network.parameters() if not p.stop_gradient]
        matrices = [p for p in trained if len(p.shape) > 1]
        optimiser = paddle.optimizer.Momentum(
            RATE,
            momentum=config.momentum,
            use_nesterov=True,
            parameters=[
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": [p for p in trained if len(p.shape) == 1]},
            ],
        )
    else:
        matrices = [p.name for p in network.parameters() if len(p.shape) > 1]
        optimiser = paddle.optimizer.AdamW(
            RATE,
            parameters=network.parameters(),
            weight_decay=config.weight_decay,
            apply_decay_param_fun=lambda name: name in matrices,
        )
    for _ in range(n_steps):
        logits = network(to_input(films.images, config.preprocessing))
        loss = F.cross_entropy(
            logits, paddle.to_tensor(films.labels), label_smoothing=config.label_smoothing
        )
        loss.backward()
        optimiser.step()
        optimiser.clear_grad()
    return to_arrays(network)


@pytest.mark.parametrize(
    "config",
    [
        # The presets have the same optimisers.
        pytest.param(ADAM, marks=pytest.mark.slow),
        pytest.param(ADAMW, marks=pytest.mark.slow),
        SGD,
        preset("reference").changed(architecture="resnet18", preprocessing=SMALL),
        # As the preset was before the norms were warmed up.
        preset("recommended").changed(preprocessing=SMALL, is_norm_warmed_up=False),
    ],
    ids=["adam", "adamw", "sgd", "reference", "recommended"],
)
def test_steps_equal_those_written_by_hand_to_the_bit(config: TrainingConfig) -> None:
    ours = learner(config)
    for _ in range(2):
        ours.step(batch(), RATE)
    expected = written_by_hand(config, batch(), 2)
    for name, array in to_arrays(ours.network).items():
        assert array.tobytes() == expected[name].tobytes(), name


def test_the_loss_reported_is_the_plain_cross_entropy_before_the_step() -> None:
    ours = learner(ADAMW)
    films = batch()
    network = build_resnet("resnet18", 3)
    network.set_state_dict(ours.network.state_dict())
    network.train()
    logits = network(to_input(films.images, ADAMW.preprocessing))
    labels = paddle.to_tensor(films.labels)
    plain = float(F.cross_entropy(logits, labels))
    smooth = float(F.cross_entropy(logits, labels, label_smoothing=0.1))
    result = ours.step(films, RATE)
    assert result.loss == pytest.approx(plain, abs=1e-5)
    assert abs(plain - smooth) > 1e-3
    assert result.n_correct == int((logits.numpy().argmax(axis=1) == films.labels).sum())


def test_scales_and_biases_do_not_decay() -> None:
    """Without a gradient decay alone moves a weight: towards zero by rate x decay."""
    ours = learner(ADAMW)
    before = to_arrays(ours.network)
    trained = [p for p in ours.network.parameters() if not p.stop_gradient]
    ours._optimiser.step(sum((p * 0).sum() for p in trained), RATE)
    after = to_arrays(ours.network)
    for name, array in before.items():
        factor = 1 - RATE * 0.5 if array.ndim > 1 else 1.0
        np.testing.assert_allclose(after[name], array * factor, rtol=1e-5, err_msg=name)


def test_the_rate_given_is_the_rate_used() -> None:
    ours = learner(ADAM)
    before = to_arrays(ours.network)
    ours.step(batch(), 0.0)
    after = to_arrays(ours.network)
    trained = [name for name in before if "running" not in name]
    assert all(np.array_equal(before[name], after[name]) for name in trained)
    ours.step(batch(), 1e-2)
    # Adam's steps are as long as the rate.
    moved = np.abs(to_arrays(ours.network)["fc.weight"] - after["fc.weight"]).max()
    assert moved == pytest.approx(1e-2, rel=0.3)


def test_some_steps_learn_a_batch_by_heart() -> None:
    ours = learner(ADAM)
    results = [ours.step(batch(8), RATE) for _ in range(12)]
    assert results[-1].loss < 0.2 * results[0].loss
    assert results[-1].n_correct == 8


def test_parameters_that_learn_are_counted() -> None:
    ours = learner(ADAM)
    arrays = to_arrays(ours.network)
    assert ours.n_parameters == sum(a.size for name, a in arrays.items() if "running" not in name)


def test_weights_and_statistics_that_are_no_numbers_are_noticed() -> None:
    ours = learner(ADAM)
    for name in ("conv1.weight", "bn1._mean", "fc.bias"):
        tensor = ours.network.state_dict()[name]
        whole = tensor.numpy()
        for broken in (np.nan, np.inf):
            values = whole.copy()
            values.flat[-1] = broken
            tensor.set_value(values)
            assert not ours.has_finite_weights(), name
        tensor.set_value(whole)
        assert ours.has_finite_weights()


@pytest.mark.parametrize(
    ("error", "raised", "told"),
    [
        (MemoryError("no block of 9 GB"), DeviceError, "does not hold 4 films at once. Choose a"),
        (RuntimeError("ResourceExhaustedError: fail to alloc"), DeviceError, "a smaller batch"),
        (RuntimeError("shapes differ"), RuntimeError, "shapes differ"),  # a mistake of ours
    ],
)
def test_a_full_memory_is_told_with_the_remedy(
    error: Exception, raised: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = learner(ADAM)

    def full(_: object) -> None:
        raise error

    monkeypatch.setattr(ours.network, "forward", full)
    with pytest.raises(raised, match=told):
        ours.step(batch(), RATE)
    monkeypatch.undo()
    assert ours.step(batch(), RATE).loss > 0


def test_films_and_labels_go_where_the_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    one = learner(ADAM)
    places = []
    real = paddle.to_tensor

    def noting(values: np.ndarray, *given, place: object = None, **named) -> object:
        if isinstance(values, np.ndarray):
            places.append(str(place))
        return real(values, *given, place=place, **named)

    monkeypatch.setattr(paddle, "to_tensor", noting)
    one.step(batch(), RATE)
    assert places == ["Place(cpu)"] * 2


def test_mixed_precision_is_taken_where_it_is_wanted_and_the_device_can() -> None:
    card = Device("gpu:0", "H100", 80 << 30, (9, 0))
    old_card = Device("gpu:0", "GTX 1080", 8 << 30, (6, 1))
    mixed = preset("reference").changed(precision="mixed")
    for config, device, precision in (
        (preset("recommended"), card, "mixed"),
        (preset("reference"), card, "float32"),  # its numbers are there to be compared
        (mixed, card, "mixed"),
        (preset("recommended").changed(precision="float32"), card, "float32"),
        (mixed, old_card, "float32"),
        (mixed, CPU, "float32"),
    ):
        assert precision_of_run(config, device) == precision
    assert learner(ADAM).precision == "float32"


def test_a_network_begins_with_the_weights_given_and_at_random_with_the_rest() -> None:
    at_random = to_arrays(learner(ADAM).network)
    given = {name: array + 1 for name, array in at_random.items() if not name.startswith("fc.")}
    began = to_arrays(learner(ADAM, initial=given).network)
    for name, array in {**at_random, **given}.items():
        assert np.array_equal(began[name], array), name


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"have a tensor fc2\.bias"):
        learner(ADAM, initial={"fc2.bias": np.zeros(3, np.float32)})


@pytest.mark.parametrize("config", [ADAM, ADAMW, SGD], ids=["adam", "adamw", "sgd"])
def test_with_a_frozen_backbone_only_the_last_layer_learns(config: TrainingConfig) -> None:
    ours = learner(config.changed(is_backbone_frozen=True, is_norm_warmed_up=True))
    before = to_arrays(ours.network)
    first, *_, last = [ours.step(batch(), 1e-2) for _ in range(5)]
    after = to_arrays(ours.network)
    moved = [name for name in before if not np.array_equal(before[name], after[name])]
    assert moved == ["fc.weight", "fc.bias"]
    assert last.loss < first.loss
    assert ours.n_parameters == 3 * 65


def test_a_step_that_found_no_memory_leaves_no_trace_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, undisturbed = learner(ADAM), learner(ADAM)
    optimiser = ours._optimiser._optimiser

    def full() -> None:
        raise MemoryError

    before = ours.state()
    monkeypatch.setattr(optimiser, "step", full)
    with pytest.raises(DeviceError):
        ours.step(batch(), RATE)
    monkeypatch.undo()
    assert ours.n_steps == 0
    ours.load_state(before)  # the forward pass has moved the norms' statistics
    assert ours.step(batch(), RATE) == undisturbed.step(batch(), RATE)
    after = ours.state()
    for name, array in undisturbed.state().items():
        assert np.array_equal(after[name], array), name


def network(value: float):
    layer = nn.Linear(1, 1)
    set_weight(layer, value)
    return layer


def set_weight(layer, value: float) -> None:
    layer.weight.set_value(np.full((1, 1), value, np.float32))


def weight(layer) -> float:
    return layer.weight.item()


def averaged(layer, average: WeightAverage) -> float:
    with average.applied():
        return weight(layer)


@pytest.mark.parametrize(
    ("decay", "step", "kept"),
    # Early steps count more than the random start: (1 + 1) / (10 + 1) of it is kept.
    [(0.999, 1, 2 / 11), (0.9, 1000, 0.9)],
)
def test_the_average_keeps_a_share_that_grows_to_the_decay(
    decay: float, step: int, kept: float
) -> None:
    layer = network(1.0)
    average = WeightAverage(layer, decay)
    set_weight(layer, 2.0)
    average.update(step)
    assert averaged(layer, average) == pytest.approx(kept * 1.0 + (1 - kept) * 2.0)


def test_weights_that_stand_still_are_their_own_average() -> None:
    layer = network(0.1)
    average = WeightAverage(layer, 0.99)
    for step in range(1, 40):
        average.update(step)
    assert averaged(layer, average) == weight(layer)


def test_an_error_inside_the_block_brings_the_trained_weights_back() -> None:
    layer = network(1.0)
    average = WeightAverage(layer, 0.9)
    set_weight(layer, 2.0)
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    assert weight(layer) == 2.0


def test_training_goes_on_with_the_trained_weights() -> None:
    layer = network(1.0)
    average = WeightAverage(layer, 0.9)
    optimiser = paddle.optimizer.SGD(0.5, parameters=layer.parameters())
    with average.applied():
        pass
    layer(paddle.ones([1, 1])).sum().backward()
    optimiser.step()
    assert weight(layer) == 0.5
    assert averaged(layer, average) == 1.0


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
    films = batch(8)
    differences, found = {}, []
    for is_on in (True, False):
        ours = learner(ADAM.changed(is_norm_warmed_up=is_on, preprocessing=UNIT))
        ours.step(films, 0.0)
        images = to_input(films.images, UNIT)
        with paddle.no_grad():
            training = ours.network(images).numpy()
            ours.step(films, 0.0)
            ours.network.eval()
            differences[is_on] = np.abs(ours.network(images).numpy() - training).max()
        found.append(learner(ADAM.changed(is_norm_warmed_up=is_on)))
        found[-1].step(films, 1e-2)
    assert differences[True] < 1e-3 < 0.1 < differences[False]
    on, off = (to_arrays(one.network) for one in found)
    # The weights that learn do not depend on it.
    assert all(np.array_equal(on[name], off[name]) for name in on if "running" not in name)


CHILD = """
import sys
from safetensors.numpy import load_file, save_file
from tests.core.training.narrow import make_narrow
from tests.core.training.test_learner import EVERYTHING, learner, take_steps
make_narrow(setattr)
there = learner(EVERYTHING, seed=1)
there.load_state(load_file(sys.argv[1]))
take_steps(there, 2, 4)
save_file(there.state(), sys.argv[2])
"""


def batches() -> Iterator[Batch]:
    random = np.random.default_rng(0)
    while True:
        films = random.integers(0, 256, (4, 32, 32)).astype(np.uint8)
        yield Batch(films, np.array([0, 1, 2, 0]))


def take_steps(ours: Learner, first: int, end: int) -> list[float]:
    """The losses of steps `first` to `end` - 1, 0-based."""
    every = [batch for batch, _ in zip(batches(), range(end), strict=False)]
    return [ours.step(batch, 1e-2).loss for batch in every[first:]]


def assert_equal_to_the_bit(found: State, expected: State) -> None:
    assert found.keys() == expected.keys()
    different = [name for name in found if found[name].tobytes() != expected[name].tobytes()]
    assert different == []


@pytest.mark.parametrize(
    "config", [EVERYTHING, ADAM, SGD, FROZEN], ids=["adamw", "adam", "sgd", "frozen"]
)
def test_a_learner_goes_on_where_another_was(config: TrainingConfig) -> None:
    first = learner(config)
    take_steps(first, 0, 2)
    saved = first.state()
    losses = take_steps(first, 2, 4)
    build_resnet("resnet18", 3)  # Paddle counts it
    second = learner(config, seed=1)
    take_steps(second, 0, 1)
    second.load_state(saved)
    assert take_steps(second, 2, 4) == losses
    assert_equal_to_the_bit(second.state(), first.state())


@pytest.mark.slow
def test_a_learner_goes_on_in_a_fresh_process(tmp_path: Path) -> None:
    here = learner(EVERYTHING)
    take_steps(here, 0, 2)
    save_file(here.state(), tmp_path / "saved")
    take_steps(here, 2, 4)
    subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path / "saved", tmp_path / "there"],
        check=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    assert_equal_to_the_bit(load_file(tmp_path / "there"), here.state())


def test_a_state_from_before_the_first_step_has_everything() -> None:
    fresh, trained = learner(EVERYTHING), learner(EVERYTHING)
    take_steps(trained, 0, 1)
    assert {name: array.shape for name, array in fresh.state().items()} == {
        name: array.shape for name, array in trained.state().items()
    }


def test_a_state_that_was_taken_or_loaded_is_not_changed_by_later_steps() -> None:
    ours = learner(EVERYTHING)
    taken = ours.state()
    kept = {name: array.copy() for name, array in taken.items()}
    take_steps(ours, 0, 1)
    assert_equal_to_the_bit(taken, kept)
    ours.load_state(taken)
    take_steps(ours, 0, 1)
    assert_equal_to_the_bit(taken, kept)


def test_names_are_those_of_the_layers() -> None:
    names = learner(EVERYTHING).state().keys()
    assert {
        "network/bn1._mean",
        "average/layer1.0.conv1.weight",
        "optimiser/moment1/fc.weight",
        "optimiser/beta2_pow_acc/layer4.1.bn2.bias",
        "n_steps",
    } <= names
    assert not [name for name in names if re.search(r"_\d+\.[wb]_\d", name)]  # Paddle's counters


def test_the_averages_are_in_the_network_only_inside_the_block() -> None:
    ours = learner(EVERYTHING)
    take_steps(ours, 0, 2)
    trained, state = to_arrays(ours.network), ours.state()
    with ours.evaluation_weights():
        inside = to_arrays(ours.network)
        assert_equal_to_the_bit(ours.state(), state)
    assert np.array_equal(inside["conv1.weight"], state["average/conv1.weight"])
    assert not np.array_equal(inside["conv1.weight"], trained["conv1.weight"])
    assert_equal_to_the_bit(dict(to_arrays(ours.network)), dict(trained))


def test_without_averaging_the_trained_weights_are_evaluated() -> None:
    ours = learner(ADAM)
    trained = to_arrays(ours.network)
    with ours.evaluation_weights():
        assert_equal_to_the_bit(dict(to_arrays(ours.network)), dict(trained))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda s: s | {"network/fc.bias": np.zeros(4, np.float32)}, "network/fc.bias"),
        (lambda s: s | {"network/fc.bias": np.zeros(3)}, "network/fc.bias"),
        (lambda s: s | {"optimiser/velocity/fc.bias": np.zeros(3)}, "velocity/fc.bias"),
        (lambda s: {k: v for k, v in s.items() if k != "n_steps"}, "n_steps"),
        (lambda s: {k: v for k, v in s.items() if "beta1" not in k}, "beta1_pow_acc/bn1.bias"),
    ],
    ids=["shape", "dtype", "unknown", "no steps", "no moments"],
)
def test_a_state_of_other_settings_is_refused_and_nothing_is_set(change, name: str) -> None:
    ours = learner(ADAM)
    before = ours.state()
    foreign = change({key: array + 1 for key, array in before.items()})
    with pytest.raises(TrainingError, match=f"does not fit this run: .*{name} differs"):
        ours.load_state(foreign)
    assert_equal_to_the_bit(ours.state(), before)


def test_loss_scaling_of_another_device_is_left_out() -> None:
    ours = learner(ADAM)
    ours.load_state({**ours.state(), "scaler/scale": np.ones(1, np.float32)})
    assert "scaler/scale" not in ours.state()

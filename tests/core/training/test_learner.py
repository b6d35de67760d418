import numpy as np
import pytest

from core.config import Preprocessing, TrainingConfig, preset
from core.data.batches import Batch
from core.errors import DeviceError, ModelFileError
from core.models.resnet import BatchNorm, build_resnet, to_input
from core.models.weights import to_arrays
from core.runtime.devices import Device
from core.runtime.paddle import F, nn, paddle, seed_everything
from core.training.learner import (
    Learner,
    NormWarmup,
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


def batch(n: int = 4) -> Batch:
    random = np.random.default_rng(0)
    return Batch(
        random.integers(0, 256, (n, 32, 32)).astype(np.uint8), np.arange(n, dtype=np.int64) % 3
    )


def learner(config: TrainingConfig) -> Learner:
    seed_everything(0)
    return Learner(config, 3, CPU)


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


def test_the_cpu_computes_in_full_precision() -> None:
    assert learner(ADAM).precision == "float32"


@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["conv1.weight", "bn1._mean", "fc.bias"])
def test_weights_and_statistics_that_are_no_numbers_are_noticed(name: str, broken: float) -> None:
    ours = learner(ADAM)
    assert ours.has_finite_weights()
    tensor = ours.network.state_dict()[name]
    values = tensor.numpy()
    values.flat[-1] = broken
    tensor.set_value(values)
    assert not ours.has_finite_weights()


@pytest.mark.parametrize(
    "error",
    [MemoryError("no block of 9 GB"), RuntimeError("ResourceExhaustedError: fail to alloc")],
)
def test_a_full_memory_is_told_with_the_remedy(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = learner(ADAM)

    def full(_: object) -> None:
        raise error

    monkeypatch.setattr(ours.network, "forward", full)
    with pytest.raises(DeviceError, match=r"does not hold 4 films at once. Choose a smaller batch"):
        ours.step(batch(), RATE)
    monkeypatch.undo()
    assert ours.step(batch(), RATE).loss > 0


def test_a_mistake_of_ours_is_not_called_a_full_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = learner(ADAM)

    def wrong(_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(ours.network, "forward", wrong)
    with pytest.raises(RuntimeError, match="shapes differ"):
        ours.step(batch(), RATE)


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


CARD = Device("gpu:0", "H100", 80 << 30, (9, 0))
OLD_CARD = Device("gpu:0", "GTX 1080", 8 << 30, (6, 1))


def test_the_reference_recipe_keeps_full_precision_on_any_card() -> None:
    assert precision_of_run(preset("recommended"), CARD) == "mixed"
    assert precision_of_run(preset("reference"), CARD) == "float32"


def test_a_precision_that_was_chosen_is_taken_where_the_device_can() -> None:
    mixed = preset("reference").changed(precision="mixed")
    full = preset("recommended").changed(precision="float32")
    assert precision_of_run(mixed, CARD) == "mixed"
    assert precision_of_run(full, CARD) == "float32"
    assert [precision_of_run(mixed, device) for device in (OLD_CARD, CPU)] == ["float32"] * 2


def test_a_network_begins_with_the_weights_given_and_at_random_with_the_rest() -> None:
    at_random = to_arrays(learner(ADAM).network)
    given = {name: array + 1 for name, array in at_random.items() if not name.startswith("fc.")}
    seed_everything(0)
    began = to_arrays(Learner(ADAM, 3, CPU, initial=given).network)
    for name, array in {**at_random, **given}.items():
        assert np.array_equal(began[name], array), name


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"have a tensor fc2\.bias"):
        Learner(ADAM, 3, CPU, initial={"fc2.bias": np.zeros(3, np.float32)})


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


def test_early_steps_count_more_than_the_random_start() -> None:
    layer = network(1.0)
    average = WeightAverage(layer, 0.999)
    set_weight(layer, 2.0)
    average.update(1)
    # (1 + 1) / (10 + 1) of the start is kept.
    assert averaged(layer, average) == pytest.approx(1.0 * 2 / 11 + 2.0 * 9 / 11)


def test_later_the_decay_given_counts() -> None:
    layer = network(1.0)
    average = WeightAverage(layer, 0.9)
    set_weight(layer, 2.0)
    average.update(1000)
    assert averaged(layer, average) == pytest.approx(0.9 * 1.0 + 0.1 * 2.0)


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

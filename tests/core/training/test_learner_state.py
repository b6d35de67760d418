"""The saved state is all that the next step depends on."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.config import Preprocessing, TrainingConfig
from core.data.batches import Batch
from core.errors import TrainingError
from core.models import resnet
from core.models.resnet import build_resnet
from core.models.weights import to_arrays
from core.runtime.devices import Device
from core.runtime.paddle import seed_everything
from core.training.learner import Learner, State

CPU = Device("cpu", "CPU", 1 << 30)
RATE = 1e-2
EVERYTHING = TrainingConfig(
    optimiser="adamw",
    averaging=0.9,
    is_norm_warmed_up=True,
    preprocessing=Preprocessing(image_size=32, mean=0.4, std=0.3),
)
ADAM = EVERYTHING.changed(optimiser="adam", averaging=0.0)
SGD = EVERYTHING.changed(optimiser="sgd", is_norm_warmed_up=False)
FROZEN = EVERYTHING.changed(is_backbone_frozen=True)
CHILD = """
import sys
from safetensors.numpy import load_file, save_file
from core.models import resnet
from tests.core.training.test_learner_state import EVERYTHING, THIN, learner, take_steps
for name, value in THIN.items():
    setattr(resnet, name, value)
there = learner(EVERYTHING, seed=1)
there.load_state(load_file(sys.argv[1]))
take_steps(there, 2, 4)
save_file(there.state(), sys.argv[2])
"""
THIN = {"STEM_WIDTH": 4, "STAGE_WIDTHS": (4, 6, 8, 10)}  # all the layers, few numbers


@pytest.fixture(autouse=True)
def _thin_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in THIN.items():
        monkeypatch.setattr(resnet, name, value)


def batches() -> Iterator[Batch]:
    random = np.random.default_rng(0)
    while True:
        films = random.integers(0, 256, (4, 32, 32)).astype(np.uint8)
        yield Batch(films, np.array([0, 1, 2, 0]))


def learner(config: TrainingConfig, seed: int = 0) -> Learner:
    seed_everything(seed)
    return Learner(config, 3, CPU)


def take_steps(ours: Learner, first: int, end: int) -> list[float]:
    """The losses of steps `first` to `end` - 1, 0-based."""
    every = [batch for batch, _ in zip(batches(), range(end), strict=False)]
    return [ours.step(batch, RATE).loss for batch in every[first:]]


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


def test_later_steps_leave_a_state_that_was_taken_alone() -> None:
    ours = learner(EVERYTHING)
    taken = ours.state()
    kept = {name: array.copy() for name, array in taken.items()}
    take_steps(ours, 0, 1)
    assert_equal_to_the_bit(taken, kept)


def test_a_state_that_was_loaded_is_not_changed_by_later_steps() -> None:
    ours = learner(EVERYTHING)
    given = ours.state()
    kept = {name: array.copy() for name, array in given.items()}
    ours.load_state(given)
    take_steps(ours, 0, 1)
    assert_equal_to_the_bit(given, kept)


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


def test_a_state_taken_while_the_averages_are_in_is_the_same() -> None:
    ours = learner(EVERYTHING)
    take_steps(ours, 0, 2)
    before = ours.state()
    with ours.evaluation_weights():
        assert_equal_to_the_bit(ours.state(), before)


def test_the_averages_are_in_the_network_only_inside_the_block() -> None:
    ours = learner(EVERYTHING)
    take_steps(ours, 0, 2)
    trained = to_arrays(ours.network)
    state = ours.state()
    with ours.evaluation_weights():
        inside = to_arrays(ours.network)
    after = to_arrays(ours.network)
    assert np.array_equal(inside["conv1.weight"], state["average/conv1.weight"])
    assert not np.array_equal(inside["conv1.weight"], trained["conv1.weight"])
    assert_equal_to_the_bit(dict(after), dict(trained))


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

"""Loss scaling, which Paddle has for graphics cards only, made to run on the CPU."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from paddle.amp import grad_scaler

from core.config import TrainingConfig
from core.runtime.paddle import nn
from core.training.optimiser import BAD_STEPS, GOOD_STEPS, SCALE, NetworkOptimiser

SGD = TrainingConfig(optimiser="sgd", weight_decay=0.0, momentum=0.0)


@pytest.fixture(autouse=True)
def _cpu_that_passes_for_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    place = SimpleNamespace(is_gpu_place=lambda: True)
    tracer = SimpleNamespace(_expected_place=place)
    monkeypatch.setattr(grad_scaler, "_dygraph_tracer", lambda: tracer)
    # As it stays once a step has cast to half precision.
    monkeypatch.setattr(grad_scaler.amp_global_state(), "amp_dtype", "float16")


def optimised(*, is_mixed: bool = True, config: TrainingConfig = SGD) -> tuple[Any, Any]:
    layer = nn.Linear(1, 1, bias_attr=False)
    layer.weight.set_value(np.ones((1, 1), np.float32))
    return layer, NetworkOptimiser(config, layer, is_mixed=is_mixed)


def step(layer: Any, optimiser: NetworkOptimiser, slope: float) -> float:
    """The weight after a step at rate 0.5 against the gradient `slope`."""
    optimiser.step((layer.weight * slope).sum(), 0.5)
    return layer.weight.item()


def test_scaling_the_loss_does_not_change_the_step() -> None:
    assert step(*optimised(), slope=0.25) == 1.0 - 0.5 * 0.25


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_a_step_whose_gradients_overflow_is_skipped_and_nothing_printed(
    name: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    layer, optimiser = optimised(config=SGD.changed(optimiser=name))
    before = {name: tensor.numpy() for name, tensor in optimiser.tensors.items()}
    scale = optimiser.scaler.state()[SCALE]
    assert step(layer, optimiser, slope=3e38) == 1.0
    assert optimiser.scaler.state()[SCALE] == scale / 2
    assert all(np.array_equal(optimiser.tensors[name].numpy(), before[name]) for name in before)
    assert capsys.readouterr().out == ""


def test_after_many_good_steps_the_scale_doubles() -> None:
    layer, optimiser = optimised()
    scale = optimiser.scaler.state()[SCALE]
    optimiser.scaler.load_state(
        {SCALE: scale, GOOD_STEPS: np.array([1999]), BAD_STEPS: np.array([0])}
    )
    step(layer, optimiser, slope=0.5)
    assert optimiser.scaler.state()[SCALE] == scale * 2


def test_the_scaling_goes_on_where_another_was() -> None:
    first, second = optimised(), optimised()
    for slope in (3e38, 0.5, 0.5):
        step(*first, slope=slope)
    saved = first[1].scaler.state()
    assert (saved[GOOD_STEPS], saved[BAD_STEPS]) == (2, 0)
    second[1].scaler.load_state(saved)
    assert second[1].scaler.state() == saved
    assert step(*second, slope=0.5) == 0.75


def test_a_state_without_scaling_leaves_it_as_it_begins() -> None:
    optimiser = optimised()[1]
    begins = optimiser.scaler.state()
    optimiser.scaler.load_state({})
    assert optimiser.scaler.state() == begins
    assert optimised(is_mixed=False)[1].scaler.state() == {}


def test_parameters_that_stay_have_no_memory() -> None:
    layer = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    layer[0].weight.stop_gradient = True
    optimiser = NetworkOptimiser(SGD, layer, is_mixed=False)
    assert set(optimiser.tensors) == {
        "optimiser/velocity/0.bias",
        "optimiser/velocity/1.weight",
        "optimiser/velocity/1.bias",
    }


def test_momentum_is_nesterovs() -> None:
    layer, optimiser = optimised(is_mixed=False, config=SGD.changed(momentum=0.5))
    # v = 0.5 v + g; w -= rate (g + 0.5 v): Sutskever et al. (2013) as torch has it.
    assert step(layer, optimiser, slope=1.0) == 1.0 - 0.5 * (1.0 + 0.5 * 1.0)
    assert step(layer, optimiser, slope=1.0) == 0.25 - 0.5 * (1.0 + 0.5 * 1.5)

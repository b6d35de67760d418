import numpy as np
import pytest

from core.runtime.paddle import nn, paddle
from core.training.learner import WeightAverage


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

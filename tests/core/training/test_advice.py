import random
from collections.abc import Sequence

import pytest

from core.config import preset
from core.events import EpochDone
from core.training.advice import advice, epochs_since_best

CONFIG = preset("recommended").changed(epochs=20, learning_rate=1e-3)


def curves(
    training: Sequence[float],
    validation: Sequence[float] | None = None,
    accuracies: Sequence[float] | None = None,
) -> list[EpochDone]:
    """Epochs with these losses; the best is the one with the lowest validation loss."""
    epochs, best = [], float("inf")
    for index, loss in enumerate(training):
        after = validation[index] if validation is not None else None
        accuracy = accuracies[index] if accuracies is not None else 0.8
        is_best = after is None or after < best
        best = min(best, after) if after is not None else best
        epochs.append(
            EpochDone(
                index + 1, loss, 0.8, after, accuracy if after is not None else None, is_best, 1.0
            )
        )
    return epochs


def said(*arguments: object, n_validation: int = 0) -> str:
    return " / ".join(str(one) for one in advice(curves(*arguments), CONFIG, n_validation))


def test_two_epochs_say_nothing() -> None:
    assert said([1.0, 0.5], [1.0, 0.5]) == ""


def test_falling_losses_are_good_news() -> None:
    losses = [1.0, 0.8, 0.6, 0.5, 0.4]
    assert said(losses, losses) == (
        "Both losses still fall: the network is learning. Let it go on."
    )


def test_losses_that_fall_at_the_end_ask_for_more_epochs() -> None:
    losses = [1.0 * 0.9**epoch for epoch in range(18)]
    assert said(losses, losses) == "Both losses still fall: more epochs would help."


def test_rising_validation_loss_beside_falling_training_loss_is_over_fitting() -> None:
    training = [1.0, 0.7, 0.5, 0.35, 0.25, 0.2]
    validation = [1.0, 0.8, 0.7, 0.75, 0.8, 0.85]
    assert said(training, validation).startswith(
        "Validation loss has not improved for 3 epochs while training loss still falls: the "
        "network learns the training films by heart (over-fitting)."
    )


def test_two_worse_epochs_are_not_over_fitting_yet() -> None:
    assert "by heart" not in said([1.0, 0.7, 0.5, 0.35, 0.25], [1.0, 0.8, 0.7, 0.75, 0.8])


def test_level_curves_are_told_from_over_fitting() -> None:
    training = [1.0, 0.6, 0.5, 0.49, 0.49, 0.485]
    validation = [1.0, 0.7, 0.6, 0.603, 0.601, 0.602]
    assert said(training, validation).startswith(
        "Validation loss has not improved for 3 epochs: the curves are level."
    )


@pytest.mark.parametrize("losses", [[1.1, 1.1, 1.1], [1.1, 1.05, 1.2], [1.1, 1.09, 1.0999]])
def test_a_training_loss_that_does_not_fall_asks_for_a_lower_rate(losses: list[float]) -> None:
    assert said(losses, losses) == (
        "Training loss does not fall: try a ten times lower learning rate, 0.0001."
    )


def test_a_network_that_knew_it_all_need_not_learn() -> None:
    assert "does not fall" not in said([0.01, 0.01, 0.011], [0.02, 0.02, 0.02])


def test_without_validation_films_nobody_can_tell() -> None:
    assert said([1.0, 0.8, 0.6]).startswith("There are no validation films")


def test_jumps_are_put_down_to_the_few_films() -> None:
    losses = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    accuracies = [0.5, 0.7, 0.6, 0.75, 0.6, 0.8]
    assert said(losses, losses, accuracies, n_validation=40).endswith(
        "Validation jumps up and down: with 40 validation films one film is 2.5 %. Look at the "
        "trend, not at single epochs."
    )


def test_jumps_of_many_films_are_put_down_to_the_rate() -> None:
    losses = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    accuracies = [0.5, 0.7, 0.6, 0.75, 0.6, 0.8]
    assert said(losses, losses, accuracies, n_validation=4000).endswith(
        "a lower learning rate would calm it."
    )


def test_a_steady_climb_is_no_jumping() -> None:
    losses = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    assert "jumps" not in said(losses, losses, [0.5, 0.6, 0.68, 0.75, 0.8, 0.84], n_validation=40)


def test_any_curves_give_at_most_two_sentences() -> None:
    for seed in range(300):
        dice = random.Random(seed)
        n = dice.randint(0, 12)
        values = [[dice.choice([0.0, 1e-9, dice.random(), 1e6]) for _ in range(n)] for _ in "123"]
        assert len(advice(curves(*values), CONFIG, dice.choice([0, 1, 50]))) <= 2


def test_epochs_since_the_best_are_counted_to_the_latest() -> None:
    assert epochs_since_best(curves([1.0] * 5, [1.0, 0.8, 0.9, 0.85, 0.9])) == 3
    assert epochs_since_best(curves([1.0] * 2, [1.0, 0.8])) == 0
    assert epochs_since_best([]) == 0

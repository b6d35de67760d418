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


LOW_RATE = "Training loss does not fall: try a ten times lower learning rate, 0.0001."
FALLING = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
JUMPING = [0.5, 0.7, 0.6, 0.75, 0.6, 0.8]


@pytest.mark.parametrize(
    ("training", "validation", "begins"),
    [
        ([1.0, 0.5], [1.0, 0.5], None),  # too early
        (
            [1.0, 0.8, 0.6, 0.5, 0.4],
            [1.0, 0.8, 0.6, 0.5, 0.4],
            "Both losses still fall: the network is learning. Let it go on.",
        ),
        (
            [0.9**epoch for epoch in range(18)],
            [0.9**epoch for epoch in range(18)],
            "Both losses still fall: more epochs would help.",
        ),
        (
            [1.0, 0.7, 0.5, 0.35, 0.25, 0.2],
            [1.0, 0.8, 0.7, 0.75, 0.8, 0.85],
            "Validation loss has not improved for 3 epochs while training loss still falls: the "
            "network learns the training films by heart (over-fitting).",
        ),
        (
            [1.0, 0.6, 0.5, 0.49, 0.49, 0.485],
            [1.0, 0.7, 0.6, 0.603, 0.601, 0.602],
            "Validation loss has not improved for 3 epochs: the curves are level.",
        ),
        ([1.1, 1.1, 1.1], [1.1, 1.1, 1.1], LOW_RATE),
        ([1.1, 1.05, 1.2], [1.1, 1.05, 1.2], LOW_RATE),
        ([1.1, 1.09, 1.0999], [1.1, 1.09, 1.0999], LOW_RATE),
        ([1.0, 0.8, 0.6], None, "There are no validation films"),
    ],
)
def test_curves_are_told_in_a_sentence(
    training: list[float], validation: list[float] | None, begins: str | None
) -> None:
    told = said(training, validation)
    assert told.startswith(begins) if begins else told == ""


def test_what_is_no_trouble_yet_is_not_told() -> None:
    assert "by heart" not in said([1.0, 0.7, 0.5, 0.35, 0.25], [1.0, 0.8, 0.7, 0.75, 0.8])
    # A network that knew it all need not learn.
    assert "does not fall" not in said([0.01, 0.01, 0.011], [0.02, 0.02, 0.02])
    steady = [0.5, 0.6, 0.68, 0.75, 0.8, 0.84]
    assert "jumps" not in said(FALLING, FALLING, steady, n_validation=40)


def test_jumps_are_put_down_to_few_films_or_else_to_the_rate() -> None:
    assert said(FALLING, FALLING, JUMPING, n_validation=40).endswith(
        "Validation jumps up and down: with 40 validation films one film is 2.5 %. Look at the "
        "trend, not at single epochs."
    )
    assert said(FALLING, FALLING, JUMPING, n_validation=4000).endswith(
        "a lower learning rate would calm it."
    )


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

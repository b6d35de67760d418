"""Advice on a run that is training, in plain sentences, from its curves.

Rules of thumb, from losses that were averaged over whole epochs; fewer than three epochs say
nothing.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

from core.config import TrainingConfig
from core.errors import Message
from core.events import EpochDone

MIN_EPOCHS = 3
PATIENCE = 3  # epochs without a better validation loss; fewer are chance
STANDSTILL = 0.01  # share of a loss; a smaller change is none
LEARNT_BY_HEART = 0.05  # share by which training loss fell while validation loss did not
WORSE = 1.03  # times the best validation loss; anything below is a level curve
LEARNT_ALREADY = 0.05  # nats; a training loss that begins below need not fall
LATE = 0.8  # share of the epochs after which one thinks about the end of the run
JUMPING_EPOCHS = 5
JUMP = 0.03  # mean change of validation accuracy from epoch to epoch
FEW_FILMS = 200  # one of them is half a percentage point


def epochs_since_best(epochs: Sequence[EpochDone]) -> int:
    """Count the epochs since the best weights were saved; 0: in the latest, or no epoch yet."""
    return next((ago for ago, epoch in enumerate(reversed(epochs)) if epoch.is_best), 0)


def advice(
    epochs: Sequence[EpochDone], config: TrainingConfig, n_validation: int = 0
) -> tuple[Message, ...]:
    """Tell in plain words how training goes and what to do about it.

    Args:
        epochs: Of one run, in order.
        config: Its settings.
        n_validation: Films of its validation part; 0: unknown.

    Returns:
        At most two sentences, the more important one first; none in the first epochs.
    """
    if len(epochs) < MIN_EPOCHS:
        return ()
    training = [epoch.train_loss for epoch in epochs]
    if training[0] > LEARNT_ALREADY and training[-1] > (1 - 2 * STANDSTILL) * training[0]:
        return (
            Message(
                "Training loss does not fall: try a ten times lower learning rate, {advised}.",
                advised=f"{config.learning_rate / 10:.2g}",
            ),
        )
    validation = [epoch.validation_loss for epoch in epochs if epoch.validation_loss is not None]
    if len(validation) < len(epochs):
        return (
            Message(
                "There are no validation films, so nothing tells whether the network learns the "
                "training films by heart. Choose another split to see it."
            ),
        )
    is_late = epochs[-1].epoch >= LATE * config.n_epochs
    said = (_on_losses(training, validation, is_late=is_late), _on_jumps(epochs, n_validation))
    return tuple(message for message in said if message is not None)


def _on_losses(
    training: Sequence[float], validation: Sequence[float], *, is_late: bool
) -> Message | None:
    best = min(range(len(validation)), key=validation.__getitem__)
    n = len(validation) - 1 - best
    if n >= PATIENCE:
        still_learns = training[-1] < (1 - LEARNT_BY_HEART) * training[best]
        if still_learns and mean(validation[-2:]) > WORSE * validation[best]:
            return Message(
                "Validation loss has not improved for {n} epochs while training loss still falls: "
                "the network learns the training films by heart (over-fitting). Stop and keep "
                "the best, or use more augmentation or weight decay.",
                n=n,
            )
        return Message(
            "Validation loss has not improved for {n} epochs: the curves are level. More epochs "
            "would hardly help.",
            n=n,
        )
    if not (_falls(training) and _falls(validation)):
        return None
    if is_late:
        return Message("Both losses still fall: more epochs would help.")
    return Message("Both losses still fall: the network is learning. Let it go on.")


def _falls(losses: Sequence[float]) -> bool:
    """Compare the latest two losses with the (up to) two before them."""
    return mean(losses[-2:]) < (1 - STANDSTILL) * mean(losses[-4:-2])


def _on_jumps(epochs: Sequence[EpochDone], n_validation: int) -> Message | None:
    accuracies = [epoch.validation_accuracy or 0.0 for epoch in epochs[-JUMPING_EPOCHS:]]
    if len(accuracies) < JUMPING_EPOCHS:
        return None
    steps = [after - before for before, after in pairwise(accuracies)]
    n_turns = sum(one * other < 0 for one, other in pairwise(steps))
    if n_turns < len(steps) - 2 or mean(abs(step) for step in steps) < JUMP:
        return None
    if 0 < n_validation < FEW_FILMS:
        return Message(
            "Validation jumps up and down: with {n} validation films one film is {share} %. "
            "Look at the trend, not at single epochs.",
            n=n_validation,
            share=f"{100 / n_validation:.1f}",
        )
    return Message("Validation jumps up and down: a lower learning rate would calm it.")

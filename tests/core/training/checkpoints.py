"""Small checkpoints."""

import numpy as np

from core.training.checkpoint import Best, Checkpoint, Spent, TrainingProgress


def checkpoint(number: int = 1, size: int = 50) -> Checkpoint:
    """One that tells its number in every part."""
    return Checkpoint(
        {
            "network/conv1.weight": np.full((size, 4), number, np.float32),
            "optimiser/moment1/fc.weight": np.arange(size, dtype=np.float32) + number,
            "optimiser/power": np.array(0.9**number, np.float32),
            "nothing": np.zeros((0, 3), np.float32),
            "n_steps": np.array([number], np.int64),
        },
        TrainingProgress(
            epoch=number, batch=3, images=24, batch_size=8, loss_sum=0.1 + 0.2, n_correct=5
        ),
        Best(epoch=number, accuracy=1 / 3, loss=0.7) if number > 1 else None,
        Spent(images=24 * number, training_seconds=1.1, seconds=2.2),
    )


def same(one: Checkpoint, other: Checkpoint) -> bool:
    """Return True if two checkpoints are equal to the bit."""
    return (
        (one.position, one.best, one.spent) == (other.position, other.best, other.spent)
        and one.arrays.keys() == other.arrays.keys()
        and all(
            one.arrays[name].dtype == array.dtype
            and one.arrays[name].shape == array.shape
            and one.arrays[name].tobytes() == array.tobytes()
            for name, array in other.arrays.items()
        )
    )

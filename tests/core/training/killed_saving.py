"""Kill a process that does nothing but save checkpoints, again and again; a script of its own.

Arguments: folder, number of kills, floats of a checkpoint. Prints what was found as JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import numpy as np

from core.training.checkpoint import (
    PREVIOUS_FILE,
    Checkpoint,
    Spent,
    TrainingProgress,
    load_checkpoint,
    make_newest,
)
from core.training.checkpoint import save_checkpoint as save


def numbered(number: int, n_floats: int) -> Checkpoint:
    """Each of its arrays and its position tell the number."""
    arrays = {name: np.full(n_floats // 2, number, np.float32) for name in ("a", "b")}
    return Checkpoint(arrays, TrainingProgress(epoch=number, batch_size=1), None, Spent())


def save_for_ever(folder: Path, number: int, n_floats: int, pipe: int) -> NoReturn:
    """One checkpoint after the other, each told of before it is begun."""
    while True:
        number += 1
        os.write(pipe, b".")
        save(folder, numbered(number, n_floats))


def main(folder: Path, n_kills: int, n_floats: int) -> None:
    """Kill at random moments and look what is there."""
    chance = random.Random(0)
    save(folder, numbered(1, n_floats))
    number, n_unreadable, n_previous, n_parts = 1, 0, 0, 0
    for _ in range(n_kills):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            save_for_ever(folder, number, n_floats, writer)
        os.close(writer)
        os.read(reader, 1)
        time.sleep(chance.uniform(0, 0.004 + n_floats * 2e-8))  # the moment is what is tested
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        found = load_checkpoint(folder)
        if found is None:
            n_unreadable += 1
            continue
        told = {float(array[0]) for array in found.checkpoint.arrays.values()}
        is_whole = told == {float(found.checkpoint.progress.epoch)}
        # What was whole before the kill is still there, or something newer is.
        n_unreadable += not (is_whole and found.checkpoint.progress.epoch >= number)
        number = found.checkpoint.progress.epoch
        n_previous += found.is_previous
        if found.is_previous and (folder / PREVIOUS_FILE).exists():
            make_newest(folder)
        parts = list(folder.glob(".*.part"))
        n_parts += len(parts)
        for part in parts:
            part.unlink()
    sys.stdout.write(json.dumps([n_unreadable, n_previous, n_parts, number]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Damage done to files at random, the same each time."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageReadError
from core.images.reading import load_xray


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Change, blank, cut out or repeat a few places."""
    changed = bytearray(data)
    for _ in range(random_.choice([1, 1, 3, 10])):
        # The header is where most decisions are taken.
        most = random_.choice([len(changed), min(len(changed), 200)])
        place = random_.randrange(most)
        match random_.randrange(5):
            case 0:
                changed[place] = random_.randrange(256)
            case 1:
                changed[place : place + 4] = random_.choice([b"\xff" * 4, bytes(4)])
            case 2:
                del changed[place : place + random_.randrange(1, 30)]
            case 3:
                changed[place:place] = changed[place : place + 20]
            case _:
                changed[place] ^= 1 << random_.randrange(8)
        if not changed:
            break
    if random_.random() < 0.1:
        del changed[random_.randrange(len(changed) + 1) :]
    return bytes(changed)


def outcomes(bases: Sequence[bytes], n_files: int, seed: int) -> Iterator[str]:
    """Read damaged copies; whatever is no refusal or no film fails the test."""
    random_ = random.Random(seed)
    for round_ in range(n_files):
        outcome = _outcome(mutated(bases[round_ % len(bases)], random_))
        if isinstance(outcome, ImageReadError):
            assert str(outcome).startswith("The image ")
            assert outcome.kind in ("unreadable", "truncated", "not_an_image", "tiny")
            yield outcome.kind
        else:
            assert outcome.dtype == np.uint8
            assert outcome.ndim == 2 or outcome.shape[2] == 3
            assert min(outcome.shape[:2]) >= 16
            yield "read"


def _outcome(data: bytes) -> NDArray[np.uint8] | ImageReadError:
    try:
        return load_xray(data)
    except ImageReadError as error:
        return error

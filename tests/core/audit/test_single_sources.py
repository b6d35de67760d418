"""Classes that share no source with another, by fingerprints."""

import numpy as np

from core.audit.sources import single_source_classes

N = 60
RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], N)
GROUPS = np.arange(3 * N) // 2


def prints(*shifts: float) -> np.ndarray:
    """Fingerprints of three classes, each shifted by so much."""
    made = [RANDOM.normal(shift, 1, (N, 35)) for shift in shifts]
    return np.concatenate(made).astype(np.float32)


def found(values: np.ndarray) -> tuple[int, ...]:
    return single_source_classes(values, LABELS, GROUPS, 3)


def test_a_class_from_another_hospital_stands_alone() -> None:
    assert found(prints(0, 0, 4)) == (2,)


def test_three_hospitals_make_three_such_classes() -> None:
    assert found(prints(0, 4, -4)) == (0, 1, 2)


def test_one_hospital_and_random_labels_make_none() -> None:
    assert found(prints(0, 0, 0)) == ()
    mixed = prints(0, 0, 4)[RANDOM.permutation(3 * N)]
    assert found(mixed) == ()


def test_a_class_of_two_hospitals_stands_alone_and_one_that_shares_does_not() -> None:
    values = prints(0, 0, 4)
    values[2 * N + N // 2 :] += 4  # half of the class comes from a third hospital
    assert found(values) == (2,)
    values[2 * N + N // 2 :] -= 8  # half of it from that of the others
    assert found(values) == ()


def test_too_few_films_tell_nothing() -> None:
    few = np.concatenate([np.arange(15), np.arange(60, 75)])
    assert single_source_classes(prints(0, 4, 0)[few], LABELS[few], GROUPS[few], 3) == ()

from dataclasses import replace

import numpy as np
import pytest

from core.evaluation.intervals import clustered_share
from core.evaluation.lung_tests import (
    Pictured,
    Retrained,
    Surroundings,
    class_area,
    lung_tests,
    probe_features,
    swapped,
    without_lungs,
)
from core.phantom import draw_film
from core.prediction.lungs import LungField

SIDE = 64


@pytest.fixture(scope="module")
def films() -> list[Pictured]:
    """Draw flat films: the level of the lungs tells class 0 or 1, that of the frame the patient's
    hospital, which is the class as well."""
    mask = np.zeros((128, 128), bool)
    mask[30:100, 20:56] = mask[30:100, 72:108] = True
    small = mask[::2, ::2]
    made = []
    for number in range(32):
        label = number % 2
        image = np.full((SIDE, SIDE), 60 + 60 * label, np.uint8)
        image[small] = 150 + 60 * label
        image += np.random.default_rng(number).integers(0, 8, image.shape, dtype=np.uint8)
        made.append(Pictured(image, LungField(mask, True, 1.2), label, number))
    return made


def network(part):
    def answer(images):
        level = images[:, :8] if part == "frame" else images[:, 25:40, 14:24]
        limit = 94 if part == "frame" else 184
        score = 1 / (1 + np.exp(-(level.mean(axis=(1, 2)) - limit) / 10))
        return np.stack([1 - score, score], axis=1)

    return answer


def run(films, part, probes=()):
    steps = lung_tests(films, network(part), probes)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_a_network_that_reads_the_frame_fails_and_one_that_reads_the_lungs_does_not(films):
    frame, lungs = run(films, "frame"), run(films, "lungs")
    assert set(frame.failed) == {"without_lungs", "swap"}
    assert frame.told_without_lungs == (0, 1)
    assert "2 of 2" in str(frame.summary)
    swap = next(one for one in frame.swaps if not one.is_control)
    assert (swap.followed_frame.value, swap.followed_lungs.value) == (1, 0)
    assert lungs.failed == ()
    assert "None of 2" in str(lungs.summary)
    swap = next(one for one in lungs.swaps if not one.is_control)
    assert (swap.followed_frame.value, swap.followed_lungs.value) == (0, 1)


def test_films_without_reliable_lungs_are_counted_and_left_out(films):
    some = [replace(film, lungs=None) if n < 8 else film for n, film in enumerate(films)]
    found = run(some, "lungs")
    assert (found.n_films, found.n_without_lungs) == (32, 8)
    few = run(some[:20], "lungs")
    assert few.removals == ()
    assert "Too few" in str(few.summary)


def test_painting_over_leaves_the_frame_and_swapping_takes_the_lungs(films):
    dark, bright = films[0], films[1]
    painted = without_lungs(dark, Surroundings.of(films))
    assert (painted[:8] == dark.image[:8]).all()
    assert painted[32, 19] < 110
    mixed = swapped(bright, dark)
    assert (mixed[:6] == dark.image[:6]).all()
    assert mixed[32, 19] > 190


def test_coloured_and_real_sizes_work():
    film = draw_film("NORMAL", seed=3)
    mask = np.zeros((128, 128), bool)
    mask[40:90, 30:60] = mask[40:90, 70:100] = True
    colour = np.stack([film] * 3, axis=2)
    one = Pictured(colour, LungField(mask, True, 1.1), 0, 0)
    assert without_lungs(one, Surroundings(100, 20), "noise").shape == colour.shape
    assert swapped(one, one).shape == colour.shape


def test_a_probe_finds_a_source_in_the_features_and_nothing_in_noise():
    random = np.random.default_rng(0)
    n = 160
    sources = ["A" if number % 2 else "B" for number in range(n)]
    features = random.normal(size=(n, 12))
    labels, patients = np.zeros(n, np.int64), np.arange(n)
    [blind] = probe_features(features, {"source": sources}, labels, patients)
    assert not blind.fails
    features[:, 3] += 3.0 * (np.arange(n) % 2)
    [seeing] = probe_features(features, {"source": sources}, labels, patients)
    assert seeing.fails
    assert seeing.area.value > 0.9
    assert not probe_features(features, {"format": ["png"] * n}, labels, patients)


def test_a_network_that_learns_without_the_lungs_speaks_against_the_model(films):
    found = run(films, "lungs")
    truth = np.array([film.truth for film in films])
    patients = np.arange(len(films))
    for knows in (True, False):
        random = np.random.default_rng(0)
        scores = random.random(len(films)) + knows * truth
        areas = tuple(
            class_area(side, truth == n, patients) for n, side in enumerate((-scores, scores))
        )
        right = clustered_share((scores > 0.5) == truth, patients)
        control = Retrained(100, 0, right, areas, 0.5)
        tested = replace(found, retrained=control)
        assert ("retrained" in tested.failed) is knows
        assert control.told == ((0, 1) if knows else ())
    assert "None of 3 tests" in str(tested.summary)


def test_swapped_lungs_land_on_those_of_the_frame_wherever_these_are():
    one, other = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    one[20:60, 10:50] = other[60:120, 70:110] = True
    bright, dark = np.full((SIDE, SIDE), 40, np.uint8), np.full((SIDE, SIDE), 90, np.uint8)
    bright[10:30, 5:25] = 200
    image = swapped(
        Pictured(bright, LungField(one, True, 1.2), 0, 0),
        Pictured(dark, LungField(other, True, 1.2), 1, 1),
    )
    assert image[33:57, 38:52].min() > 190  # the lungs of one in the place of the other's
    assert image[:26].min() == image[:26].max() == 90

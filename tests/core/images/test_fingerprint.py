"""Acquisition fingerprints: what changes them, what does not, and sources found by them."""

import io
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.data.acquisition import find_sources
from core.images.fingerprint import (
    ASPECT,
    BANDS,
    BORDERS,
    LENGTH,
    N_GREYS,
    SHARPNESS,
    differences,
    fingerprint,
)
from core.phantom import CLASSES, draw_film
from core.prediction.acquisition import AcquisitionReference

Film = NDArray[np.uint8]
FILMS = [draw_film(CLASSES[number % 3], number, 200) for number in range(90)]
PRINTS = np.stack([fingerprint(film) for film in FILMS])


def sharpened(film: Film) -> Film:
    return np.asarray(Image.fromarray(film).filter(ImageFilter.UnsharpMask(3, 200, 0)))


@pytest.mark.parametrize("shape", [(1, 1), (96, 96), (3, 700), (1400, 30), (64, 80, 3)])
def test_any_picture_has_finite_numbers(shape: tuple[int, ...]) -> None:
    for level in (0, 120, 255):
        found = fingerprint(np.full(shape, level, np.uint8))
        assert found.shape == (LENGTH,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_its_power_is_that_of_the_whole_spectrum() -> None:
    film = np.random.default_rng(0).normal(128, 30, (512, 512)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(film).save(buffer, "JPEG", quality=92)
    square = np.asarray(Image.open(buffer).resize((384, 384), Image.Resampling.BILINEAR)) * 1.0
    window = np.outer(np.hanning(384), np.hanning(384))
    values = (square - square.mean()) / (square.std() + 1e-6) * window
    power = np.abs(np.fft.fftshift(np.fft.fft2(values))) ** 2
    row, column = np.indices(power.shape)
    radius = np.hypot(row - 192, column - 192)
    edges = np.geomspace(2, 190, 17)
    wanted = [
        np.log(power[(radius >= low) & (radius < high)].mean() + 1e-9)
        for low, high in itertools.pairwise(edges)
    ]
    np.testing.assert_allclose(fingerprint(film)[BANDS], wanted, atol=1e-3)


def test_each_change_moves_its_own_numbers() -> None:
    film, base = FILMS[0], PRINTS[0]
    assert fingerprint(sharpened(film))[SHARPNESS] > base[SHARPNESS] + 0.1
    assert fingerprint(np.pad(film, 20, constant_values=255))[BORDERS].min() > 0.95
    assert fingerprint(film[:, 20:-20])[ASPECT] == pytest.approx(np.log(160 / 200), abs=0.01)
    assert fingerprint(film // 16 * 16)[N_GREYS] <= 17 / 256


def test_file_format_and_twice_the_size_change_little() -> None:
    spread = PRINTS.std(axis=0) + 0.05
    for film, base in zip(FILMS[:5], PRINTS[:5], strict=True):
        buffer = io.BytesIO()
        Image.fromarray(film).save(buffer, "JPEG", quality=95)
        again = fingerprint(np.asarray(Image.open(buffer)))
        assert np.abs((again - base) / spread)[:-1].max() < 1.5  # but for the number of greys


def test_traits_are_named_the_clearest_first() -> None:
    away = np.zeros(LENGTH)
    away[ASPECT], away[N_GREYS] = 3, -5
    assert [str(trait) for trait in differences(away)] == ["fewer grey levels", "wider"]
    assert differences(np.zeros(LENGTH)) == ()


def test_drawn_films_are_of_one_source_and_another_machine_makes_a_second() -> None:
    assert find_sources(PRINTS).max() == 0
    other = np.stack([fingerprint(sharpened(film)) for film in FILMS[:45]])
    sources = find_sources(np.concatenate([PRINTS[45:], other]))
    assert len(set(sources[:45])) == len(set(sources[45:])) == 1
    assert sources[0] != sources[-1]
    assert find_sources(PRINTS[:19]).tolist() == [0] * 19  # too few to tell


def test_films_of_other_machines_are_far_from_every_source() -> None:
    labels = np.arange(60) % 3
    reference = AcquisitionReference.fit(PRINTS[:60], labels, PRINTS[60:], 3)
    elsewhere = np.stack([fingerprint(sharpened(film)) for film in FILMS[60:75]])
    judged = reference.judge(elsewhere, CLASSES)
    assert np.mean([one.is_familiar for one in judged]) < 0.2
    assert "sharper" in str(judged[0].reason)
    assert len(judged[0].examples) == 3
    known = reference.judge(PRINTS[60:], CLASSES)
    assert np.mean([one.is_familiar for one in known]) > 0.85
    assert "acquired like" in str(next(one for one in known if one.is_familiar).reason)


def test_films_that_are_all_alike_or_few_can_be_fitted() -> None:
    assert find_sources(np.repeat(PRINTS[:2], 60, axis=0)).max() <= 1  # two films, often copied
    same = np.repeat(PRINTS[:1], 100, axis=0)
    reference = AcquisitionReference.fit(same, np.zeros(100, np.int64), same, 2)
    assert reference.judge(same[:1], ("A", "B"))[0].is_familiar
    assert not reference.judge(PRINTS[1:2], ("A", "B"))[0].is_familiar

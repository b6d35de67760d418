import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.images.film import square
from core.phantom import CLASSES, draw_film
from core.phantom.canvas import Canvas, Pose
from core.phantom.thorax import Build, draw_chest
from core.prediction.lungs import find_lungs

# Measured on thirty phantoms of each class: 0.90 on average and 0.85 at least for NORMAL, 0.88 and
# 0.67 for Viral_Pneumonia, 0.71 and 0.60 for COVID, whose lungs are white at the sides.
LEAST_DICE = {"NORMAL": 0.8, "Viral_Pneumonia": 0.65, "COVID": 0.6}


def true_lungs(seed: int) -> np.ndarray:
    """Return the true lungs of the phantom `draw_film(_, seed)`, (128, 128)."""
    build = Build.random(np.random.default_rng([seed, 0]))
    pose = Pose.random(np.random.default_rng([seed, 4]))
    air = draw_chest(build, Canvas.stretch(128, pose)).air
    return air > 0.3 * np.percentile(air, 99)  # less lies behind heart and diaphragm


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("seed", [3, 11])
def test_the_lungs_of_phantoms_are_found(label: str, seed: int) -> None:
    found = find_lungs(draw_film(label, seed, 192))
    assert found is not None
    assert found.is_reliable
    assert found.mask.shape == (128, 128)
    assert found.mask.dtype == np.bool_
    assert dice(found.mask, true_lungs(seed)) > LEAST_DICE[label]


def test_the_outlines_are_those_of_version_0_1() -> None:
    for label, seed, score, n_pixels in (
        ("NORMAL", 0, 1.3358, 4841),
        ("Viral_Pneumonia", 1, 1.1841, 4212),
        ("COVID", 2, 1.1343, 4310),
        ("NORMAL", 3, 1.3862, 3443),
    ):
        found = find_lungs(draw_film(label, seed))
        assert found is not None
        assert found.is_reliable
        assert found.score == pytest.approx(score, abs=1e-3)
        assert found.mask.sum() == pytest.approx(n_pixels, rel=0.01)


def test_the_mask_lies_over_the_film_stretched_to_a_square() -> None:
    film = draw_film("NORMAL", 3, 200)
    wide = np.asarray(Image.fromarray(film).resize((400, 150)))
    found = find_lungs(wide)
    assert found is not None
    assert dice(found.mask, true_lungs(3)) > 0.8


def test_black_borders_do_not_count_as_lungs() -> None:
    film = np.pad(draw_film("NORMAL", 3, 160), ((10, 40), (30, 10)))
    found = find_lungs(film)
    truth = square(np.pad(true_lungs(3), ((8, 32), (24, 8))).astype(np.uint8) * 255, 128) > 127
    assert found is not None
    assert dice(found.mask, truth) > 0.75


def test_a_coloured_film_has_the_lungs_of_the_grey_one() -> None:
    film = draw_film("NORMAL", 5, 128)
    grey, coloured = find_lungs(film), find_lungs(film[:, :, None].repeat(3, axis=2))
    assert grey is not None
    assert coloured is not None
    assert np.array_equal(grey.mask, coloured.mask)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((100, 90), np.uint8),
        np.full((40, 90), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (200, 150)).astype(np.uint8),
        np.arange(256, dtype=np.uint8)[None].repeat(200, axis=0),
        np.zeros((1, 1), np.uint8),
    ],
    ids=["black", "white", "noise", "ramp", "one pixel"],
)
def test_what_is_no_film_has_no_lungs(picture: np.ndarray) -> None:
    assert find_lungs(picture) is None


def test_a_page_of_text_has_no_lungs() -> None:
    page = Image.new("L", (300, 400), 255)
    pen = ImageDraw.Draw(page)
    for y in range(10, 390, 13):
        pen.text((10, y), "findings: no consolidation, no effusion, heart normal", fill=0)
    assert find_lungs(np.asarray(page)) is None


@pytest.mark.parametrize("turns", [1, 3])
def test_a_film_on_its_side_is_not_relied_on(turns: int) -> None:
    found = find_lungs(np.rot90(draw_film("NORMAL", 3, 128), turns).copy())
    assert found is None or not found.is_reliable

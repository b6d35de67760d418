"""Traces of processing in the frame of an X-ray."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from core.images.traces import BLOCKS, EDGES, LENGTH, TEXTURE, traces
from core.phantom.film import draw_exposure

Pixels = NDArray[np.uint8]
PLAIN = draw_exposure("NORMAL", (0, 1), (0, 1, 0), 256)
MEAN, MEDIAN = TEXTURE.start, TEXTURE.start + 1


def noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def blurred(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.5)))


def saved_as_jpeg(pixels: Pixels) -> Pixels:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=40)
    return np.asarray(Image.open(content))


def lettered(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(pixels)
    ImageDraw.Draw(picture).text((8, 8), "R", fill=255)
    return np.asarray(picture)


def painted_in_the_middle(pixels: Pixels) -> Pixels:
    middle = np.array(pixels)
    middle[80:-80, 80:-80] = noisy(middle)[80:-80, 80:-80] // 2
    return middle


@pytest.mark.parametrize(
    ("change", "number", "sign"),
    [
        (noisy, MEAN, 1),
        (noisy, MEDIAN, 1),
        (blurred, MEAN, -1),
        (saved_as_jpeg, BLOCKS, 1),
        (lettered, EDGES.start, 1),
    ],
)
def test_each_kind_of_processing_leaves_its_trace(
    change: Callable[[Pixels], Pixels], number: int, sign: int
) -> None:
    assert sign * (traces(change(PLAIN))[number] - traces(PLAIN)[number]) > 0.05


def test_blocks_are_found_wherever_they_begin() -> None:
    saved = saved_as_jpeg(PLAIN)
    for cut in (saved[3:, 5:], np.rot90(saved)):
        assert traces(cut)[BLOCKS] == pytest.approx(traces(saved)[BLOCKS], abs=0.4)
        assert traces(cut)[BLOCKS] > traces(PLAIN)[BLOCKS] + 0.4


def test_the_lungs_do_not_count() -> None:
    assert np.array_equal(traces(painted_in_the_middle(PLAIN)), traces(PLAIN))


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (16, 16), (17, 300), (64, 64, 3)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_any_size_and_grey_gives_finite_numbers(shape: tuple[int, ...], grey: int) -> None:
    found = traces(np.full(shape, grey, np.uint8))
    assert found.shape == (LENGTH,)
    assert np.isfinite(found).all()

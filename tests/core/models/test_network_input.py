import numpy as np
import pytest

from core.config import Preprocessing
from core.models.resnet import place_of, to_input
from core.runtime.paddle import paddle

UNIT = Preprocessing(image_size=32)


def film(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_the_reference_input_is_the_grey_level_over_255_in_three_channels() -> None:
    images = film((2, 4, 5))
    values = to_input(images, UNIT).numpy()
    assert values.dtype == np.float32
    assert values.shape == (2, 3, 4, 5)
    for channel in range(3):
        np.testing.assert_allclose(values[:, channel], images / 255, atol=1e-6)


def test_mean_and_deviation_shift_and_scale() -> None:
    images = np.array([[[0, 51, 255]]], np.uint8)
    values = to_input(images, Preprocessing(image_size=32, mean=0.5, std=0.25)).numpy()
    np.testing.assert_allclose(values[0, 0, 0], [-2.0, -1.2, 2.0], atol=1e-5)


def test_colour_channels_keep_their_order() -> None:
    images = film((2, 4, 5, 3))
    values = to_input(images, UNIT).numpy()
    np.testing.assert_allclose(values, images.transpose(0, 3, 1, 2) / 255, atol=1e-6)


def test_a_grey_film_and_its_rgb_copy_are_the_same_to_the_network() -> None:
    images = film((2, 6, 6))
    preprocessing = Preprocessing(image_size=32, mean=0.48, std=0.23)
    grey = to_input(images, preprocessing).numpy()
    colour = to_input(np.repeat(images[..., None], 3, axis=3), preprocessing).numpy()
    assert np.array_equal(grey, colour)


def test_a_view_with_holes_is_read_as_it_looks() -> None:
    images = film((2, 8, 8))[:, ::2, ::-1]
    np.testing.assert_allclose(to_input(images, UNIT).numpy()[:, 0], images / 255, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 4, 4, 3)])
def test_the_films_stay_as_they_are(shape: tuple[int, ...]) -> None:
    images = film(shape)
    before = images.copy()
    to_input(images, Preprocessing(image_size=32, mean=0.5, std=0.5))
    assert np.array_equal(images, before)


def test_a_batch_goes_where_the_network_is_whatever_device_is_current(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = paddle.nn.Linear(2, 2)
    places = []
    real = paddle.to_tensor

    def noting(values: np.ndarray, place: object = None) -> object:
        places.append(place)
        return real(values, place=place)

    monkeypatch.setattr(paddle, "to_tensor", noting)
    values = to_input(film((1, 4, 4)), UNIT, place_of(network))
    [place] = places
    assert str(place) == str(network.weight.place) == str(values.place) == "Place(cpu)"

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from core.data.cache import thumbnail
from core.data.survey import measure


def one(film):
    return measure(np.asarray(film, np.uint8)[None])


def test_mean_and_spread_equal_those_of_numpy(thumbs):
    measured = measure(thumbs)

    assert measured.mean == pytest.approx(thumbs.mean(axis=(1, 2)))
    assert measured.spread == pytest.approx(thumbs.std(axis=(1, 2)))


def test_a_black_frame_is_measured_as_a_fraction():
    film = np.full((128, 128), 128)
    film[:, :8] = film[:, -8:] = 0  # two of four sides

    measured = one(film)

    frame = 128 * 128 - 112 * 112
    assert measured.border_black[0] == pytest.approx(2 * 8 * 128 / frame)
    assert measured.border_white[0] == 0


def test_a_white_frame_is_not_a_black_one():
    film = np.full((128, 128), 255)
    film[8:-8, 8:-8] = 100

    measured = one(film)

    assert measured.border_white[0] == 1
    assert measured.border_black[0] == 0


def test_letters_in_a_corner_are_detail_and_those_in_the_middle_are_not():
    plain = np.full((128, 128), 60)
    in_corner, in_middle = plain.copy(), plain.copy()
    in_corner[4:20:2, 100:124] = 255
    in_middle[56:72:2, 50:74] = 255

    assert one(in_corner).corner_detail[0] > 10
    assert one(in_middle).corner_detail[0] == 0


@pytest.mark.parametrize("level", [0, 200, 255])
def test_a_film_of_one_level_is_blank(level):
    assert one(np.full((128, 128), level)).is_blank[0]


def test_a_side_marker_does_not_make_a_blank_film_a_picture():
    film = np.full((128, 128), 250)
    film[5:13, 5:13] = 0  # 0.4 % of the film

    assert one(film).is_blank[0]


def test_faint_noise_is_blank():
    noise = np.random.default_rng(0).normal(100, 1.5, (128, 128))

    assert one(noise).is_blank[0]


def test_no_phantom_is_blank(thumbs):
    assert not measure(thumbs).is_blank.any()


def test_a_pale_film_is_not_blank(thumbs):
    assert not measure(thumbs // 10 + 100).is_blank.any()


def test_no_films_give_empty_rows():
    assert measure(np.empty((0, 128, 128), np.uint8)).mean.shape == (0,)


def test_black_with_text_is_blank():
    image = Image.new("L", (512, 512))
    font = ImageFont.load_default(28)
    for line in range(4):
        ImageDraw.Draw(image).text((20, 20 + 60 * line), "NO IMAGE AVAILABLE 2020", 255, font)

    assert measure(thumbnail(np.asarray(image))[None]).is_blank.all()


def test_a_small_picture_on_black_is_not_blank(thumbs):
    film = np.zeros_like(thumbs[0])
    film[40:88, 40:88] = thumbs[0][40:88, 40:88]

    assert not measure(film[None]).is_blank.any()

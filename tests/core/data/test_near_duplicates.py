import io

import numpy as np
import pytest
from PIL import Image

from core.data.cache import thumbnail
from core.data.near_duplicates import NearDuplicates, clusters, near_duplicates


def found_in(thumbs):
    *_, found = near_duplicates(thumbs)
    assert isinstance(found, NearDuplicates)
    return found


def as_jpeg(film):
    content = io.BytesIO()
    Image.fromarray(film).save(content, "JPEG", quality=30)
    return np.asarray(Image.open(content))


def resized(film, factor):
    height, width = (round(side * factor) for side in film.shape)
    return np.asarray(Image.fromarray(film).resize((width, height), Image.Resampling.LANCZOS))


def with_levels(film, rule):
    table = (np.clip(rule(np.arange(256) / 255), 0, 1) * 255).round().astype(np.uint8)
    return table[film]


COPIES = {
    "saved as JPEG": as_jpeg,
    "half the size": lambda film: resized(film, 0.5),
    "twice the size": lambda film: resized(film, 2.0),
    "brighter": lambda film: with_levels(film, lambda level: level + 0.12),
    "less contrast": lambda film: with_levels(film, lambda level: 0.7 * level + 0.15),
    "another gamma": lambda film: with_levels(film, lambda level: level**0.6),
    "another window": lambda film: with_levels(film, lambda level: (level - 0.2) / 0.6),
    "a little cropped": lambda film: film[2:-2, 2:-2],
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_changed_copy_is_found_and_nothing_else(thumbs, phantoms, change):
    copy = thumbnail(change(phantoms[7]))

    found = found_in(np.concatenate([thumbs, copy[None]]))

    assert found.pairs.tolist() == [[7, len(thumbs)]]
    assert 0.8 < found.correlations[0] <= 1


def test_films_of_different_patients_are_not_the_same(thumbs):
    assert len(found_in(thumbs).pairs) == 0


def test_films_that_differ_in_detail_only_are_not_the_same(thumbs):
    random = np.random.default_rng(0)
    blurred = np.asarray(
        Image.fromarray(thumbs[0]).resize((8, 8), Image.Resampling.BOX).resize((128, 128)),
        np.float64,
    )
    # Two children in the same position, so to speak: correlation 0.99 at 32 pixels.
    films = [blurred + np.kron(random.normal(0, 8, (32, 32)), np.ones((4, 4))) for _ in range(2)]

    assert len(found_in(np.clip(films, 0, 255).astype(np.uint8)).pairs) == 0


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_films_match_nothing(level):
    assert len(found_in(np.full((5, 128, 128), level, np.uint8)).pairs) == 0


def test_noise_on_blank_films_matches_nothing():
    noise = np.random.default_rng(0).integers(0, 4, (5, 128, 128))

    assert len(found_in(noise.astype(np.uint8)).pairs) == 0


def test_each_pair_is_named_once_and_in_order(thumbs):
    films = thumbs[[3, 1, 3, 2, 1, 3]]

    assert found_in(films).pairs.tolist() == [[0, 2], [0, 5], [1, 4], [2, 5]]


def test_copies_far_apart_are_found(thumbs):
    # more films than one block of the search has
    films = np.random.default_rng(0).integers(0, 256, (600, 128, 128), dtype=np.uint8)
    films[5] = films[590] = thumbs[0]

    assert found_in(films).pairs.tolist() == [[5, 590]]


def test_a_film_stored_many_times_is_one_cluster_with_few_pairs(thumbs):
    films = np.repeat(thumbs[:1], 50, axis=0)

    found = found_in(films)

    assert len(found.pairs) <= 8 * 50
    assert clusters(50, found.pairs) == [list(range(50))]


def test_progress_ends_at_the_total(thumbs):
    *progress, _ = near_duplicates(thumbs)

    assert progress[-1][0] == progress[-1][1]
    assert progress == sorted(progress)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_films_have_no_pairs(thumbs, n):
    assert found_in(thumbs[:n]).pairs.shape == (0, 2)


def test_a_memory_map_is_read_too(thumbs, tmp_path):
    np.save(tmp_path / "thumbs.npy", np.concatenate([thumbs, thumbs[:1]]))

    found = found_in(np.load(tmp_path / "thumbs.npy", mmap_mode="r"))

    assert found.pairs.tolist() == [[0, len(thumbs)]]


def test_pairs_that_share_a_film_are_one_cluster():
    pairs = np.array([[4, 6], [1, 2], [2, 5]])

    assert clusters(7, pairs) == [[1, 2, 5], [4, 6]]


def test_without_pairs_there_is_no_cluster():
    assert clusters(4, np.empty((0, 2), np.int64)) == []


def cropped(film, left=0.0, top=0.0, right=0.0, bottom=0.0):
    height, width = film.shape
    rows = slice(round(top * height), height - round(bottom * height))
    return film[rows, round(left * width) : width - round(right * width)]


def bordered(film, share, level):
    return np.pad(film, round(share * max(film.shape)), constant_values=level)


def turned(film, degrees):
    return np.asarray(Image.fromarray(film).rotate(degrees, Image.Resampling.BILINEAR))


def round_mask(film):
    height, width = film.shape
    down, across = np.mgrid[:height, :width]
    radius = np.hypot(2 * across / width - 1, 2 * down / height - 1)
    return np.where(radius <= 1, film, 0).astype(np.uint8)


def in_viewer(film):
    """A window of a viewer: tool bar, list of series, the X-ray in a dark pane."""
    window = np.full((256, 320), 45, np.uint8)
    window[:16] = 90
    window[4:12, 8:300:24] = 200
    window[20::12, 6:40:3] = 220
    pane = np.zeros((230, 260), np.uint8)
    fitted = np.asarray(Image.fromarray(film).resize((220, 220)))
    pane[5:225, 20:240] = fitted
    window[20:250, 52:312] = pane
    return window


MOVED = {
    "cropped by 5 %": lambda film: cropped(film, 0.05, 0.05, 0.05, 0.05),
    "cropped at the left": lambda film: cropped(film, left=0.05),
    "cropped at the bottom": lambda film: cropped(film, bottom=0.05),
    "in a black border": lambda film: bordered(film, 0.1, 0),
    "in a white border": lambda film: bordered(film, 0.05, 255),
    "letterboxed": lambda film: np.pad(film, ((0, 0), (30, 30))),
    "mirrored": lambda film: film[:, ::-1],
    "inverted": lambda film: 255 - film,
    "mirrored negative": lambda film: 255 - film[:, ::-1],
    "turned by 3 degrees": lambda film: turned(film, 3),
    "turned the other way": lambda film: turned(film, -2),
    "behind a round mask": round_mask,
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED.keys())
def test_a_moved_copy_is_found_and_nothing_else(thumbs, phantoms, move):
    copy = thumbnail(np.ascontiguousarray(move(phantoms[7])))

    found = found_in(np.concatenate([thumbs, copy[None]]))

    assert found.pairs.tolist() == [[7, len(thumbs)]]


FRAMES = {
    "black": lambda film: bordered(film, 0.1, 0),
    "white": lambda film: bordered(film, 0.05, 255),
    "round mask": round_mask,
    "viewer": in_viewer,
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_that_all_share_makes_no_copies(phantoms, frame):
    framed = [thumbnail(np.ascontiguousarray(frame(film))) for film in phantoms]

    found = found_in(np.stack([*framed, thumbnail(np.ascontiguousarray(frame(phantoms[3])))]))

    assert found.pairs.tolist() == [[3, len(framed)]]

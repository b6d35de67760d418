"""JPEG: the first picture of an MPO, foreign bytes behind the end, scans counted in the picture."""

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageReadError
from core.images import jpeg
from core.images.reading import load_xray

ROWS, COLUMNS = np.mgrid[0:40, 0:50]
FILM = Image.fromarray((ROWS * 4 + COLUMNS).astype(np.uint8))


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(ImageReadError) as caught:
        load_xray(data)
    return str(caught.value)


def test_the_first_picture_of_an_mpo_is_read() -> None:
    for other in (Image.new("L", (20, 16)), Image.new("L", FILM.size)):
        both = saved(FILM, "MPO", save_all=True, append_images=[other])
        assert np.array_equal(load_xray(both), load_xray(saved(FILM)))


def test_an_mpo_whose_list_of_pictures_is_broken_is_read() -> None:
    both = bytearray(saved(FILM, "MPO", save_all=True, append_images=[FILM]))
    place = both.index(b"MPF\0")
    both[place + 12 : place + 60] = b"\xff" * 48
    assert np.array_equal(load_xray(bytes(both)), load_xray(saved(FILM)))


def test_bytes_behind_the_end_change_nothing() -> None:
    for progressive in (False, True):
        data = saved(FILM, progressive=progressive)
        for more in (bytes(300), b"\xff\xda\0\x08" * 500, b"\xff\xd9" * 9, data * 20, b"ftypmp42"):
            assert np.array_equal(load_xray(data + more), load_xray(data))


def test_only_the_scans_of_the_picture_are_counted() -> None:
    data = saved(FILM, progressive=True)
    # The same scans in a thumbnail inside the header, and behind the end.
    thumbnail = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    assert jpeg.n_scans(data[:2] + thumbnail * 9 + data[2:] + data * 9) == jpeg.n_scans(data)
    assert 1 < jpeg.n_scans(data) < jpeg.MAX_SCANS


def test_a_picture_of_very_many_scans_is_refused() -> None:
    data = saved(FILM, progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last : data.index(b"\xff\xd9", last)]
    assert "cannot be read" in refusal(data[:-2] + scan * jpeg.MAX_SCANS + b"\xff\xd9")


def test_twelve_bits_are_not_called_damaged() -> None:
    data = bytearray(saved(FILM))
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = 0xC1, 12
    assert "not supported" in refusal(bytes(data))

"""Pictures without a file get one that is read like any film."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QColor, QImage, QImageWriter

from app.drops import PastedPictures
from core.images.reading import load_xray
from core.prediction.film_search import RefusedFilm


@pytest.fixture
def pasted(tmp_path: Path) -> Iterator[PastedPictures]:
    pictures = PastedPictures(tmp_path / "home" / "pasted")
    yield pictures
    pictures.remove()


def film() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (40, 30), dtype=np.uint8)


def image_of(pixels: np.ndarray) -> QImage:
    height, width = pixels.shape
    return QImage(pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()


def test_pictures_are_read_back_without_loss_and_called_by_number(pasted: PastedPictures) -> None:
    paths = [*pasted.save([image_of(film())] * 2), *pasted.save([image_of(film())])]
    assert [Path(str(path)).name for path in paths] == [
        f"Pasted picture {n}.png" for n in (1, 2, 3)
    ]
    assert all(np.array_equal(load_xray(Path(str(path))), film()) for path in paths)


def test_sixteen_bits_stay_sixteen(pasted: PastedPictures) -> None:
    deep = np.arange(400, dtype=np.uint16).reshape(20, 20) * 160
    image = QImage(deep.tobytes(), 20, 20, 40, QImage.Format.Format_Grayscale16).copy()
    (path,) = pasted.save([image])
    with Image.open(path) as again:
        assert again.mode.startswith("I;16")
        assert np.array_equal(np.asarray(again), deep)


def test_a_whole_file_stays_as_it_is(pasted: PastedPictures) -> None:
    target = io.BytesIO()
    Image.fromarray(film()).save(target, "JPEG")
    (path,) = pasted.save([target.getvalue()])
    assert isinstance(path, Path)
    assert path.suffix == ".jpg"
    assert path.read_bytes() == target.getvalue()


def test_what_is_transparent_all_over_by_mistake_is_seen(pasted: PastedPictures) -> None:
    image = QImage(20, 20, QImage.Format.Format_ARGB32)
    image.fill(QColor(200, 200, 200, 0))
    (path,) = pasted.save([image])
    assert isinstance(path, Path)
    assert load_xray(path)[5, 5] == 200
    # What is meant to be transparent stays so.
    image.setPixelColor(4, 4, QColor(10, 20, 30, 255))
    (path,) = pasted.save([image])
    with Image.open(path) as again:
        assert again.mode == "RGBA"


def test_nothing_is_left_in_the_end(pasted: PastedPictures, tmp_path: Path) -> None:
    list(pasted.save([image_of(film())]))
    pasted.remove()
    assert list((tmp_path / "home" / "pasted").iterdir()) == []
    (again,) = pasted.save([image_of(film())])
    assert isinstance(again, Path)
    assert again.is_file()


def test_what_a_killed_process_left_is_removed(pasted: PastedPictures, tmp_path: Path) -> None:
    left = tmp_path / "home" / "pasted" / ".pictures.999999999.abcdefgh.part"
    left.mkdir(parents=True)
    list(pasted.save([image_of(film())]))
    assert not left.exists()


def test_a_disk_that_is_full_is_told(
    pasted: PastedPictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(QImageWriter, "write", lambda *_arguments: False)
    monkeypatch.setattr(QImageWriter, "errorString", lambda _writer: "Device full")
    bytes_refused, image_refused = pasted.save([b"\x89PNG\r\n\x1a\n", image_of(film())])
    assert isinstance(bytes_refused, RefusedFilm)
    assert isinstance(image_refused, RefusedFilm)
    assert "No space left on device. Free some space" in str(bytes_refused.refusal.reason)
    assert "Device full. Free some space" in str(image_refused.refusal.reason)
    assert image_refused.name == "Pasted picture 2"

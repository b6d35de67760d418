import io
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import DatasetError
from core.phantom import CLASSES, draw_film, write_dataset
from core.phantom.canvas import Canvas, Pose
from core.phantom.film import draw_exposure

UPRIGHT = Pose(rotation=0, scale_x=1, scale_y=1, shift_x=0, shift_y=0)
N_FILMS = 36  # of each class, for the classifiers


@pytest.fixture(scope="module")
def films() -> NDArray[np.float64]:
    """Shape (3, N_FILMS, 64, 64), every film another patient."""
    return np.array(
        [
            [draw_film(label, 1000 * row + i, 64) for i in range(N_FILMS)]
            for row, label in enumerate(CLASSES)
        ],
        dtype=np.float64,
    )


def opacity(label: str, patient: int, visit: int, size: int = 64) -> NDArray[np.float64]:
    """What the disease added to the film, grey levels, shape (size, size)."""
    sick = draw_exposure(label, (patient,), (visit,), size).astype(np.float64)
    return sick - draw_exposure("NORMAL", (patient,), (visit,), size)


def share_on_the_left(added: NDArray[np.float64]) -> float:
    half = added.shape[1] // 2
    return float(added[:, :half].clip(0).sum() / added.clip(0).sum())


def nearest_mean_accuracy(features: NDArray[np.float64]) -> float:
    """Learn class means from half of the films, features (3, N, F), and classify the others."""
    learn, test = features[:, ::2], features[:, 1::2]
    gaps = test[:, :, None, :] - learn.mean(axis=1)[None, None]
    chosen = (gaps**2).sum(axis=-1).argmin(axis=-1)
    return float((chosen == np.arange(3)[:, None]).mean())


@pytest.mark.parametrize("label", CLASSES)
def test_the_same_seed_draws_the_same_film(label: str) -> None:
    first = draw_film(label, 7, 96)
    assert first.shape == (96, 96)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw_film(label, 7, 96))


def test_another_seed_draws_another_patient() -> None:
    gap = np.abs(draw_film("NORMAL", 1, 64).astype(int) - draw_film("NORMAL", 2, 64))
    assert gap.mean() > 5


@pytest.mark.parametrize("size", [32, 97, 300])
def test_any_size_shows_the_same_patient(size: int) -> None:
    film = Image.fromarray(draw_film("COVID", 3, size))
    small = np.asarray(film.resize((32, 32), Image.Resampling.BOX), dtype=np.float64)
    full = Image.fromarray(draw_film("COVID", 3, 256)).resize((32, 32), Image.Resampling.BOX)
    likeness = np.corrcoef(small.ravel(), np.asarray(full, dtype=np.float64).ravel())[0, 1]
    assert likeness > 0.98


def test_lungs_are_dark_and_heart_and_liver_are_bright(films: NDArray[np.float64]) -> None:
    typical = films[0].mean(axis=0)
    lung, other_lung = typical[24:32, 16:22], typical[24:32, 42:48]
    middle, liver = typical[24:40, 29:35], typical[54:60, 18:26]
    assert max(lung.mean(), other_lung.mean()) + 60 < min(middle.mean(), liver.mean())


def test_the_heart_lies_at_the_right_of_the_film(films: NDArray[np.float64]) -> None:
    typical = films[0].mean(axis=0)
    lower_half = typical[34:42]
    assert lower_half[:, 37:44].mean() > lower_half[:, 20:27].mean() + 20


def test_exposure_uses_the_range_of_grey_levels(films: NDArray[np.float64]) -> None:
    low, high = np.percentile(films, [2, 98], axis=(2, 3))
    assert low.max() < 60
    assert high.min() > 150


@pytest.mark.parametrize("label", CLASSES[1:])
def test_only_the_lungs_tell_the_class(label: str) -> None:
    added = np.mean([np.abs(opacity(label, seed, seed)) for seed in range(12)], axis=0)
    lungs = added[16:44, 12:52]
    outside = np.concatenate([added[:6].ravel(), added[-4:].ravel()])
    assert lungs.mean() > 4
    assert outside.max() < 2  # scatter reaches everywhere


def test_viral_pneumonia_lies_in_one_lung() -> None:
    shares = [share_on_the_left(opacity("Viral_Pneumonia", seed, seed)) for seed in range(16)]
    assert all(share < 0.25 or share > 0.75 for share in shares)
    assert min(shares) < 0.25 < 0.75 < max(shares)


def test_covid_lies_in_both_lungs_towards_the_flanks() -> None:
    shares = [share_on_the_left(opacity("COVID", seed, seed)) for seed in range(16)]
    assert all(0.2 < share < 0.8 for share in shares)
    column = np.abs(np.arange(64) - 31.5)
    distances = {
        label: np.mean(
            [
                (opacity(label, seed, seed).clip(0) * column).sum()
                / opacity(label, seed, seed).clip(0).sum()
                for seed in range(8)
            ]
        )
        for label in ("COVID", "Viral_Pneumonia")
    }
    assert distances["COVID"] > distances["Viral_Pneumonia"] + 2


def test_a_patient_keeps_the_sick_lung_from_film_to_film() -> None:
    for patient in range(6):
        sides = {
            share_on_the_left(opacity("Viral_Pneumonia", patient, visit)) > 0.5
            for visit in range(3)
        }
        assert len(sides) == 1


def test_mean_grey_does_not_tell_the_class(films: NDArray[np.float64]) -> None:
    assert nearest_mean_accuracy(films.mean(axis=(2, 3))[:, :, None]) < 0.6


def test_tiny_thumbnails_do_not_tell_the_class(films: NDArray[np.float64]) -> None:
    thumbnails = films.reshape(3, N_FILMS, 8, 8, 8, 8).mean(axis=(3, 5)).reshape(3, N_FILMS, 64)
    assert nearest_mean_accuracy(thumbnails) < 0.75


def test_the_class_can_be_told_by_comparing_with_the_healthy_patient() -> None:
    healthy = np.array([draw_film("NORMAL", seed, 64) for seed in range(10)], dtype=np.float64)
    for label in CLASSES[1:]:
        sick = np.array([draw_film(label, seed, 64) for seed in range(10)], dtype=np.float64)
        brightest = np.percentile(sick - healthy, 98, axis=(1, 2))
        assert brightest.min() > 20


def test_spots_add_up_at_the_place_asked_for() -> None:
    canvas = Canvas.stretch(65, UPRIGHT)
    spots = canvas.stamp(
        np.array([0.0, 0.5]), np.array([0.0, 0.5]), np.array([0.08, 0.08]), np.array([1.0, 2.0])
    )
    assert spots[32, 32] == pytest.approx(1.0)
    assert spots.max() == pytest.approx(2.0, rel=0.02)
    assert spots.argmax() == 48 * 65 + 48


def test_spots_over_the_edge_are_cut_off() -> None:
    canvas = Canvas.stretch(64, UPRIGHT)
    ring = np.linspace(0, 2 * np.pi, 500)
    one = np.ones_like(ring)
    for radius in (1.0, 1.02, 1.1, 3.0):
        spots = canvas.stamp(radius * np.cos(ring), radius * np.sin(ring), 0.05 * one, one)
        assert spots.shape == (64, 64)
        assert (spots.max() > 0) == (radius < 3)


@pytest.mark.parametrize(
    ("label", "seed", "size", "text"),
    [
        ("Influenza", 0, 64, "There is no synthetic film called Influenza"),
        ("NORMAL", 0, 31, "cannot be 31 pixels wide"),
        ("NORMAL", 0, 4096, "cannot be 4096 pixels wide"),
        ("NORMAL", -1, 64, "The seed is -1; it must not be negative."),
    ],
)
def test_a_film_that_does_not_exist_is_refused(label: str, seed: int, size: int, text: str) -> None:
    with pytest.raises(DatasetError, match=text):
        draw_film(label, seed, size)


def test_the_zip_has_the_layout_of_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "demo.zip"
    events = list(write_dataset(path, n_per_class=5, size=32, images_per_patient=2))
    assert [event.done for event in events] == list(range(1, 16))
    assert {event.total for event in events} == {15}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        parts = [name.split("/") for name in archive.namelist()]
        for name in archive.namelist():
            image = Image.open(io.BytesIO(archive.read(name)))
            assert (image.format, image.mode, image.size) == ("PNG", "L", (32, 32))
    assert {folder for folder, _, _ in parts} == {"input_data"}
    for label in CLASSES:
        names = [name for _, folder, name in parts if folder == label]
        assert [name.partition("_")[2] for name in names] == [
            "000.png",
            "001.png",
            "000.png",
            "001.png",
            "000.png",
        ]
        assert len({name.partition("_")[0] for name in names}) == 3
    assert len({name.partition("_")[0] for _, _, name in parts}) == 9


def test_no_two_films_of_a_zip_are_equal(tmp_path: Path) -> None:
    path = tmp_path / "demo.zip"
    list(write_dataset(path, n_per_class=6, size=32, images_per_patient=3))
    with zipfile.ZipFile(path) as archive:
        assert len({archive.read(name) for name in archive.namelist()}) == 18


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a.zip", 4), ("b.zip", 4), ("c.zip", 5)):
        list(write_dataset(tmp_path / name, n_per_class=2, size=32, seed=seed))
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_closing_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "demo.zip"
    path.write_bytes(b"old")
    with closing(write_dataset(path, n_per_class=4, size=32)) as events:  # type: ignore[type-var]
        assert next(events).done == 1
        assert len(list(tmp_path.iterdir())) == 2  # the temporary stands beside it
    assert [item.name for item in tmp_path.iterdir()] == ["demo.zip"]
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot be written to .*demo\.zip"):
        list(write_dataset(tmp_path / "nowhere" / "demo.zip", n_per_class=1, size=32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["n_per_class", "images_per_patient"])
def test_a_zip_without_films_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=f"{name} is 0; it must be at least 1"):
        list(write_dataset(tmp_path / "demo.zip", size=32, **{name: 0}))
    assert list(tmp_path.iterdir()) == []

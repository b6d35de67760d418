import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.data.augmentation_viewmodel import N_DRAWS, AugmentationViewModel
from core.config import AugmentationConfig, preset
from core.data.augmentation import draws
from core.errors import ConfigError

FILMS = np.random.default_rng(0).integers(0, 256, (3, 16, 16)).astype(np.uint8)
NAMES = ("a.png", "b.png", "c.png")


@pytest.fixture
def model(qapp: QApplication) -> AugmentationViewModel:
    model = AugmentationViewModel()
    model.set_films(NAMES, lambda index: FILMS[index])
    return model


def shown(model: AugmentationViewModel) -> bytes:
    """The pictures that are shown, to compare."""
    film = model.original()
    assert film is not None
    return b"".join(picture.tobytes() for picture in model.draws(film))


def test_it_begins_with_the_recommended_settings_and_a_change_is_told_once(
    qtbot: QtBot, model: AugmentationViewModel
) -> None:
    assert model.config == preset("recommended").augmentation
    assert not model.is_changed
    with qtbot.waitSignal(model.changed):
        model.change(is_flip_on=False)
    assert not model.config.is_flip_on
    assert model.is_changed
    with qtbot.assertNotEmitted(model.changed):
        model.change(is_flip_on=False)


def test_a_value_out_of_its_range_changes_nothing(
    qtbot: QtBot, model: AugmentationViewModel
) -> None:
    with (
        qtbot.assertNotEmitted(model.changed),
        pytest.raises(ConfigError, match="Least contrast is 2;"),
    ):
        model.change(contrast_low=2)
    assert model.config == AugmentationConfig()


def test_reset_goes_back_to_the_preset_that_was_chosen(model: AugmentationViewModel) -> None:
    model.follow(preset("reference"))
    model.change(rotation_degrees=3, is_noise_on=False)
    model.reset()
    assert model.config == preset("reference").augmentation
    assert not model.is_changed


def test_it_follows_the_run_that_is_set_up(qtbot: QtBot, model: AugmentationViewModel) -> None:
    run = preset("reference").changed(seed=5, augmentation=AugmentationConfig(rotation_degrees=7))
    with qtbot.waitSignals([model.changed, model.film_changed]):
        model.follow(run)
    assert (model.config, model.seed) == (run.augmentation, 5)
    assert model.is_changed
    with qtbot.assertNotEmitted(model.changed), qtbot.assertNotEmitted(model.film_changed):
        model.follow(run)


def test_the_draws_are_the_first_epochs_of_the_run(model: AugmentationViewModel) -> None:
    model.follow(preset("reference").changed(seed=5))
    model.show_film(2)
    expected = draws(FILMS[2], preset("reference").augmentation, 5, index=2)
    assert shown(model) == b"".join(picture.tobytes() for picture in expected)
    assert model.epochs == range(1, N_DRAWS + 1)


def test_drawing_again_shows_the_next_epochs(qtbot: QtBot, model: AugmentationViewModel) -> None:
    before = shown(model)
    with qtbot.waitSignal(model.film_changed):
        model.draw_again()
    assert model.epochs == range(N_DRAWS + 1, 2 * N_DRAWS + 1)
    assert shown(model) != before


def test_the_films_go_round(qtbot: QtBot, model: AugmentationViewModel) -> None:
    names = []
    model.film_changed.connect(lambda: names.append(model.name))
    for _ in NAMES:
        model.show_next()
    model.show_previous()
    assert names == ["b.png", "c.png", "a.png", "c.png"]


def test_other_films_begin_anew(model: AugmentationViewModel) -> None:
    model.show_next()
    model.draw_again()
    model.set_films(("only.png",), lambda index: FILMS[index])
    assert (model.name, model.n_films, model.index, model.epochs[0]) == ("only.png", 1, 0, 1)


def test_without_films_there_is_nothing_to_show(qapp: QApplication) -> None:
    model = AugmentationViewModel()
    model.show_next()
    assert (model.name, model.n_films, model.original()) == ("", 0, None)

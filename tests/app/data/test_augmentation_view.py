import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.data.augmentation import AugmentationView, FilmGrid
from app.data.augmentation_viewmodel import AugmentationViewModel
from app.widgets.setting_fields import NumberBox
from core.config import AugmentationConfig, preset
from tests.app.hands import button, field, label_texts, press, wait_until

FILMS = np.random.default_rng(0).integers(0, 256, (3, 16, 16)).astype(np.uint8)


@pytest.fixture
def model(qapp: QApplication) -> AugmentationViewModel:
    return AugmentationViewModel()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """What the grid was given to draw: the original, then its pictures."""
    drawn: list[list[np.ndarray]] = []
    monkeypatch.setattr(
        FilmGrid,
        "show_films",
        lambda _, original, pictures: drawn.append([original, *pictures]),
    )
    return drawn


@pytest.fixture
def view(
    qtbot: QtBot, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> AugmentationView:
    """The view with three films, drawn for the first time."""
    view = AugmentationView(model)
    qtbot.addWidget(view)
    model.set_films(("a.png", "b.png", "c.png"), lambda index: FILMS[index])
    view.resize(840, 520)
    view.show()
    wait_until(lambda: len(drawn) == 1)
    return view


def same(shown: list[np.ndarray], model: AugmentationViewModel, film: np.ndarray) -> bool:
    expected = [film, *model.draws(film)]
    return len(shown) == 13 and all(map(np.array_equal, shown, expected))


def test_without_films_it_says_what_to_do(qtbot: QtBot, model: AugmentationViewModel) -> None:
    view = AugmentationView(model)
    qtbot.addWidget(view)
    view.show()
    assert "Open a dataset to see here what training makes of its films." in label_texts(view)


def test_the_film_and_twelve_draws_are_shown(
    view: AugmentationView, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> None:
    assert same(drawn[-1], model, FILMS[0])
    assert "a.png" in label_texts(view)
    assert any(
        text.startswith("What epochs 1 to 12 of a run with seed 0") for text in label_texts(view)
    )


def test_an_edit_reaches_the_settings_and_the_pictures(
    view: AugmentationView, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> None:
    field(view, NumberBox, "Chance of each change").setValue(0)
    wait_until(lambda: len(drawn) == 2)
    assert model.config == AugmentationConfig(probability=0.0)
    assert all(np.array_equal(picture, FILMS[0]) for picture in drawn[-1])


def test_reset_brings_the_preset_back(view: AugmentationView, model: AugmentationViewModel) -> None:
    button(view, "Rotation").click()
    press(view, "Reset to preset")
    assert model.config == preset("recommended").augmentation
    assert not button(view, "Reset to preset").isEnabled()


def test_another_film_is_drawn(
    view: AugmentationView, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> None:
    press(view, "Next film")
    wait_until(lambda: len(drawn) == 2)
    assert same(drawn[-1], model, FILMS[1])
    assert "b.png" in label_texts(view)


def test_drawing_again_shows_later_epochs(
    view: AugmentationView, drawn: list[list[np.ndarray]]
) -> None:
    press(view, "Draw again")
    wait_until(lambda: len(drawn) == 2)
    assert any("epochs 13 to 24" in text for text in label_texts(view))
    assert not np.array_equal(drawn[0][1:], drawn[1][1:])


def test_several_edits_at_once_are_drawn_once(
    view: AugmentationView, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> None:
    for degrees in range(10):
        model.change(rotation_degrees=degrees)
    wait_until(lambda: not view._redraw.isActive())
    assert len(drawn) == 2


def test_nothing_is_drawn_while_nobody_looks(
    view: AugmentationView, model: AugmentationViewModel, drawn: list[list[np.ndarray]]
) -> None:
    view.hide()
    model.change(is_flip_on=False)
    assert not view._redraw.isActive()
    assert len(drawn) == 1
    view.show()
    wait_until(lambda: len(drawn) == 2)
    assert same(drawn[-1], model, FILMS[0])


def test_it_fits_the_smallest_window(view: AugmentationView) -> None:
    hint = view.minimumSizeHint()
    assert hint.width() <= 836  # 960 without the rail and the margins
    assert hint.height() <= 440
    view.resize(836, 520)
    assert not view.grab().isNull()

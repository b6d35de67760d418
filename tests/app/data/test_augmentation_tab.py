import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel
from pytestqt.qtbot import QtBot

from app.data.augmentation import (
    AugmentationForm,
    AugmentationView,
    FilmChooser,
    FilmGrid,
    squares,
)
from app.data.augmentation_viewmodel import AugmentationViewModel
from app.widgets.setting_fields import NumberBox
from core.config import CHANGES, AugmentationConfig, preset
from tests.app.hands import button, field, label_texts, press, wait_until


@pytest.fixture
def form(qtbot: QtBot) -> AugmentationForm:
    form = AugmentationForm()
    qtbot.addWidget(form)
    form.resize(340, 500)
    form.show()
    return form


@pytest.fixture
def edits(form: AugmentationForm) -> list[AugmentationConfig]:
    """The settings that the form has reported."""
    edits: list[AugmentationConfig] = []
    form.edited.connect(edits.append)
    return edits


def test_a_number_is_told_once_it_is_typed_to_its_end(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    angle = field(form, NumberBox, "Rotation in degrees")
    angle.setFocus()
    angle.selectAll()
    QTest.keyClicks(angle, "15")
    assert edits == []
    QTest.keyClick(angle, Qt.Key.Key_Return)
    assert edits == [AugmentationConfig(rotation_degrees=15)]


def test_settings_are_shown_and_nothing_is_told_of_it(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    form.show_config(
        AugmentationConfig(is_flip_on=False, probability=0.3, rotation_degrees=5, contrast_low=0.8)
    )
    assert edits == []
    assert not field(form, NumberBox, "Chance of a flip").isEnabled()
    assert field(form, NumberBox, "Chance of each change").value() == 30
    assert field(form, NumberBox, "Rotation in degrees").value() == 5
    assert field(form, NumberBox, "Least contrast").value() == 0.8


def test_an_edit_keeps_what_the_form_rounds(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    exact = AugmentationConfig(probability=0.333, brightness_low=0.1234)
    form.show_config(exact)
    button(form, "Noise").click()
    assert edits == [exact.changed(is_noise_on=False)]


def test_what_is_off_cannot_be_set(form: AugmentationForm) -> None:
    form.show_config(AugmentationConfig(**{f"is_{change}_on": False for change in CHANGES}))
    numbers = form.findChildren(NumberBox)
    assert [one.accessibleName() for one in numbers if one.isEnabled()] == ["Chance of each change"]
    assert not button(form, "Noise in each channel").isEnabled()
    assert len([one for one in form.findChildren(QCheckBox) if one.isEnabled()]) == len(CHANGES)


def test_it_says_how_many_films_are_mirrored(form: AugmentationForm) -> None:
    def said() -> str:
        return next(text for text in label_texts(form) if "mirrored" in text)

    assert "25% of the films" in said()
    form.show_config(AugmentationConfig(probability=1.0, flip_probability=0.4))
    assert "40% of the films" in said()
    form.show_config(AugmentationConfig(is_flip_on=False))
    assert " 0% of the films" in said()


def test_the_wheel_scrolls_past_the_numbers(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    number = field(form, NumberBox, "Least brightness")
    number.clearFocus()
    place = QPointF(10, 10)
    event = QWheelEvent(
        place,
        number.mapToGlobal(place),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(number, event)
    assert edits == []
    assert not event.isAccepted()


@pytest.fixture
def chooser(qtbot: QtBot) -> FilmChooser:
    chooser = FilmChooser()
    qtbot.addWidget(chooser)
    chooser.resize(500, 40)
    chooser.show()
    return chooser


def test_a_name_is_shown_as_it_is_with_its_place(chooser: FilmChooser) -> None:
    for n_films in (1200, 1):
        chooser.show_film("<b>x</b>.png", 0, n_films)
        assert label_texts(chooser) == ["<b>x</b>.png", f"1 of {n_films:,}"]
        assert "<b>" not in "".join(one.toolTip() for one in chooser.findChildren(QLabel))
        for text in ("Next film", "Previous film"):
            assert button(chooser, text).isEnabled() == (n_films > 1)


def test_a_long_name_loses_its_middle_and_comes_back_with_room(chooser: FilmChooser) -> None:
    name = "folder/" * 20 + "film.png"
    chooser.show_film(name, 0, 2)
    (short, _) = label_texts(chooser)
    assert short.startswith("folder/")
    assert short.endswith(".png")
    assert len(short) < len(name)
    chooser.resize(3000, 40)
    assert label_texts(chooser)[0] == name


CAPTION_PX = 18
SIZES = ((320, 400), (490, 430), (820, 580), (1460, 880), (2500, 500), (300, 2000))


def test_thirteen_squares_lie_inside_and_apart() -> None:
    for width, height in SIZES:
        places = squares(width, height, 12, CAPTION_PX)
        assert len(places) == 13
        with_captions = [place.adjusted(0, 0, 0, CAPTION_PX) for place in places]
        assert all(QRect(0, 0, width, height).contains(place) for place in with_captions)
        pairs = itertools.combinations(with_captions, 2)
        assert not any(one.intersects(other) for one, other in pairs)
        assert all(place.width() == place.height() for place in places)
        original, *pictures = places  # no picture is larger than the original
        assert {picture.width() for picture in pictures} == {pictures[0].width()}
        assert original.width() >= pictures[0].width()


def test_more_room_makes_larger_pictures_and_none_is_no_error() -> None:
    sides = [squares(n, n, 12, CAPTION_PX)[1].width() for n in (0, 400, 700, 1100)]
    assert sides == sorted(set(sides))


@pytest.fixture
def grid(qtbot: QtBot) -> FilmGrid:
    grid = FilmGrid()
    qtbot.addWidget(grid)
    grid.resize(800, 500)
    return grid


def middle_levels(grid: FilmGrid, n_pictures: int) -> list[int]:
    """The grey level in the middle of each picture, the original first."""
    picture = grid.grab().toImage()
    places = squares(grid.width(), grid.height(), n_pictures, grid._caption_px())
    return [QColor(picture.pixel(place.center())).red() for place in places]


def test_each_picture_is_drawn_in_its_place(grid: FilmGrid) -> None:
    for shape, levels in (((64, 64), [250, *range(10, 130, 10)]), ((900, 900, 3), [90, 180, 30])):
        films = [np.full(shape, level, np.uint8) for level in levels]
        grid.show_films(films[0], films[1:])
        assert middle_levels(grid, len(levels) - 1) == levels


def test_a_film_that_is_not_square_keeps_its_sides(grid: FilmGrid) -> None:
    grid.show_films(np.full((50, 100), 200, np.uint8), [np.full((64, 64), 9, np.uint8)] * 12)
    picture = grid.grab().toImage()
    place = squares(800, 500, 12, grid._caption_px())[0]
    above = place.center().y() - round(0.4 * place.height())
    assert QColor(picture.pixel(place.center())).red() == 200
    assert QColor(picture.pixel(place.center().x(), above)).red() == 0


def test_captions_are_drawn_and_a_cleared_grid_is_empty(grid: FilmGrid) -> None:
    empty = grid.grab().toImage()
    grid.show_films(np.full((64, 64), 200, np.uint8), [np.full((64, 64), 9, np.uint8)] * 12)
    without = grid.grab().toImage()
    grid.show_captions(["Original"])
    assert grid.grab().toImage() != without != empty
    grid.clear()
    assert grid.grab().toImage() == empty


FILMS = np.random.default_rng(0).integers(0, 256, (3, 16, 16)).astype(np.uint8)


@pytest.fixture
def model(qapp: QApplication) -> AugmentationViewModel:
    return AugmentationViewModel()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """The films that the grid was given to draw: the original, then its pictures."""
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
    for text, name, place in (("Next film", "b.png", 1), ("Previous film", "a.png", 0)):
        n_drawn = len(drawn)
        press(view, text)
        wait_until(lambda n=n_drawn: len(drawn) == n + 1)
        assert same(drawn[-1], model, FILMS[place])
        assert name in label_texts(view)


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

"""The parts of the viewer that need no window."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QColor, QKeySequence

from app.theme import ROOT
from app.widgets.viewer.commands import Command, more_keys
from app.widgets.viewer.layers import heat_table, outline
from app.widgets.viewer.painting import round_length
from app.widgets.viewer.picture import Orientation, Pyramid, to_image
from app.widgets.viewer.state import (
    FilmState,
    Ruler,
    distance_to,
    grip_at,
    length_text,
    part_within,
    presets_of,
)
from core.images.film import Spacing, Window, film_of_pixels
from core.prediction.saliency_checks import heat_colours
from tests.app.widgets.film_hands import deep

EVERY_WAY = [Orientation(turns, is_mirrored) for turns in range(4) for is_mirrored in (False, True)]


class TestImage:
    def levels(self, film: np.ndarray) -> list[list[int]]:
        image = to_image(film)
        return [
            [image.pixelColor(x, y).red() for x in range(image.width())]
            for y in range(image.height())
        ]

    def test_odd_widths_and_parts_of_arrays_are_drawn_as_they_are(self) -> None:
        whole = np.arange(7 * 5, dtype=np.uint8).reshape(5, 7)
        for film in (whole, whole[::2, ::2]):
            assert self.levels(film) == film.tolist()

    def test_it_owns_its_memory_and_keeps_colours(self) -> None:
        film = np.zeros((3, 5, 3), np.uint8)
        film[:] = (200, 100, 50)
        image = to_image(film)
        film[:] = 0
        assert image.pixelColor(4, 2) == QColor(200, 100, 50)


class TestOrientation:
    @pytest.mark.parametrize("way", EVERY_WAY)
    def test_points_go_where_pixels_go_and_what_is_seen_is_turned(self, way: Orientation) -> None:
        picture, size = np.arange(12).reshape(3, 4), QSizeF(4, 3)
        seen = way.applied(picture)
        for row, column in np.ndindex(3, 4):
            place = way.shown_point(QPointF(column + 0.5, row + 0.5), size)
            assert seen[int(place.y()), int(place.x())] == picture[row, column]
            back = way.film_point(place, size)
            assert (back.x(), back.y()) == (column + 0.5, row + 0.5)
        assert (way.turned(1).applied(picture) == np.rot90(seen, -1)).all()
        assert (way.flipped_across().applied(picture) == seen[:, ::-1]).all()
        assert (way.flipped_down().applied(picture) == seen[::-1]).all()

    def test_only_an_upright_film_says_nothing(self) -> None:
        assert [way.words() for way in EVERY_WAY if not way.words()] == [""]
        assert len({way.words() for way in EVERY_WAY}) == 8


class TestResampling:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_a_part_is_the_part_of_the_whole_at_any_scale(self, dtype: type) -> None:
        pyramid = Pyramid(np.random.default_rng(2).integers(0, 250, (160, 240)).astype(dtype))
        for scale in (0.11, 0.3, 0.6, 1.0, 1.7, 3.0, 8.0):
            width, height = round(240 * scale), round(160 * scale)
            whole = pyramid.part(QRectF(0, 0, 240, 160), QSize(width, height))
            part = QRect(width // 4, height // 3, width // 4, height // 3)
            across, down = 240 / width, 160 / height
            box = QRectF(
                part.x() * across, part.y() * down, part.width() * across, part.height() * down
            )
            drawn = pyramid.part(box, part.size()).astype(int)
            rows = slice(part.y(), part.y() + part.height())
            columns = slice(part.x(), part.x() + part.width())
            assert np.abs(drawn - whole[rows, columns]).max() <= 1, scale

    def test_the_average_of_a_film_stays(self) -> None:
        values = np.random.default_rng(2).integers(0, 65_000, (700, 900)).astype(np.uint16)
        small = Pyramid(values).part(QRectF(0, 0, 900, 700), QSize(45, 35))
        assert small.mean() == pytest.approx(values.mean(), rel=0.005)


def test_heat_becomes_lighter_and_less_transparent() -> None:
    table, alpha = heat_table(0.6), heat_table(0.6) >> 24
    assert heat_table(1.0)[0] == 0  # no heat is not drawn
    assert (np.diff(alpha.astype(int)) >= 0).all()
    assert alpha[-1] == 153
    for shift in (16, 8, 0):
        assert ((table >> shift & 255) <= alpha).all()  # premultiplied
    red, green, blue = heat_colours()[::4, :3].astype(float).T
    assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) > 0).all()


class TestOutline:
    def test_it_closes_around_the_mask(self) -> None:
        mask = np.zeros((40, 60), bool)
        mask[10:30, 20:50] = True
        lines = outline(mask)
        ends: dict[tuple[float, float], int] = {}
        for line in lines:
            for end in (line.p1(), line.p2()):
                key = (round(end.x(), 6), round(end.y(), 6))
                ends[key] = ends.get(key, 0) + 1
        assert set(ends.values()) == {2}
        xs, ys = [x for x, _ in ends], [y for _, y in ends]
        assert (min(xs), max(xs)) == pytest.approx((20 / 60, 50 / 60), abs=0.01)
        assert (min(ys), max(ys)) == pytest.approx((10 / 40, 30 / 40), abs=0.01)

    def test_any_mask_has_one(self) -> None:
        assert outline(np.ones((5, 5), bool))
        assert outline(np.zeros((5, 5), bool)) == []
        noise = np.random.default_rng(4).random((64, 64)) > 0.5
        assert len(outline(noise)) > 50


def test_lungs_are_darker_than_bones_and_the_networks_window_comes_first() -> None:
    values = np.random.default_rng(5).integers(0, 4_000, (300, 300)).astype(np.uint8)
    for film, is_negative in ((film_of_pixels(values), False), (deep(is_negative=True), True)):
        network, _full, lungs, bones = presets_of(film)[:4]
        assert network.window == film.default
        assert (lungs.window.low > bones.window.low) == is_negative
    for preset in presets_of(film_of_pixels(np.full((20, 20), 7, np.uint8))):
        assert preset.window.width >= 1


class TestRulers:
    def test_lengths_are_in_mm_where_the_file_knows(self) -> None:
        line = QLineF(0, 0, 30, 40)
        assert length_text(line, None) == "50 px"
        for across_mm, down_mm, is_at_detector, text in (
            (0.2, 0.2, False, "10.0 mm"),
            (1.0, 0.5, False, "36.1 mm"),
            (0.2, 0.2, True, "10.0 mm at the detector"),
        ):
            spacing = Spacing(across_mm, down_mm, is_at_detector=is_at_detector)
            assert length_text(line, spacing) == text

    def test_the_nearest_end_within_reach_is_taken_hold_of(self) -> None:
        first = Ruler(QPointF(0, 0), QPointF(100, 0))
        second = Ruler(QPointF(100, 6), QPointF(200, 6))
        grip = grip_at([first, second], QPointF(101, 5), 9)
        assert (grip.ruler, grip.is_start, grip.is_end) == (second, True, False)
        assert grip_at([first, second], QPointF(50, 30), 9) is None

    def test_the_distance_to_a_line_is_that_to_its_nearest_point(self) -> None:
        line = QLineF(0, 0, 10, 0)
        assert distance_to(line, QPointF(5, 3)) == 3
        assert distance_to(line, QPointF(14, 3)) == 5
        assert distance_to(QLineF(1, 1, 1, 1), QPointF(4, 5)) == 5

    def test_the_part_of_a_line_that_is_in_sight(self) -> None:
        room = QRectF(0, 0, 100, 100)
        for line, seen in (
            (QLineF(10, 10, 60, 20), QLineF(10, 10, 60, 20)),
            (QLineF(-50, 50, 150, 50), QLineF(0, 50, 100, 50)),
            (QLineF(50, 150, 50, -150), QLineF(50, 100, 50, 0)),
            (QLineF(-10, 10, -10, 90), None),
            (QLineF(-60, 40, 40, -60), None),
        ):
            assert part_within(line, room) == seen

    def test_a_scale_bar_is_a_round_number(self) -> None:
        for most, length in ((130, 100), (9.9, 5), (0.034, 0.02), (5, 5)):
            assert round_length(most) == pytest.approx(length)


def test_another_films_window_is_followed_in_proportion() -> None:
    first, second = FilmState(deep()), FilmState(film_of_pixels(np.zeros((20, 20), np.uint8)))
    first.use(Window(1_500.0, 4_000.0), is_inverted=True)
    second.follow(first)
    assert second.is_inverted
    assert (second.window.low, second.window.high) == pytest.approx((63.75, 382.5))


def test_every_command_has_a_name_an_icon_and_keys_of_its_own() -> None:
    assert len({command.text for command in Command}) == len(Command)
    keys = [key for command in Command for key in command.value.keys] + list(more_keys())
    sequences = [QKeySequence(key).toString() for key in keys]
    assert all(command.key_text for command in Command)
    assert all(sequences)
    assert len(set(sequences)) == len(sequences)
    for icon in {command.value.icon for command in Command} - {""} | {"presets", "more"}:
        assert (Path(ROOT) / "icons" / "viewer" / f"{icon}.svg").is_file()

from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from app.widgets.tables import ConfusionMatrixView, PlainTable

GOOD, BAD, GROUND, TEXT = "#00ff00", "#ff0000", "#000000", "#ffffff"


@pytest.fixture
def view(qtbot: QtBot) -> ConfusionMatrixView:
    view = ConfusionMatrixView()
    view.show_colours(GOOD, BAD, GROUND, TEXT)
    qtbot.addWidget(view)
    return view


def cells(view: ConfusionMatrixView, counts: list[list[int]]) -> list[list[QColor]]:
    """The colour near the corner of each cell, where no number stands."""
    n = len(counts)
    view.show_matrix(np.array(counts), [f"class {index}" for index in range(n)])
    view.resize(view.sizeHint())
    picture = view.grab().toImage()
    left, top = view._left(), view._top()
    side = (view.width() - left - 2) / n
    return [
        [
            picture.pixelColor(round(left + column * side) + 4, round(top + row * side) + 4)
            for column in range(n)
        ]
        for row in range(n)
    ]


def test_a_cell_is_as_strong_as_its_share_of_the_row_and_mistakes_differ_in_colour(
    view: ConfusionMatrixView,
) -> None:
    drawn = cells(view, [[9, 1], [0, 1000]])
    assert drawn[0][0].green() < drawn[1][1].green()
    assert drawn[0][0].green() > 2 * drawn[0][1].red() > 0
    drawn = cells(view, [[1, 1], [500, 500]])
    assert drawn[0][0] == drawn[1][1]
    assert drawn[0][1] == drawn[1][0]
    right, wrong = drawn[0]
    assert (right.green() > 0, right.red(), wrong.red() > 0, wrong.green()) == (True, 0, True, 0)
    drawn = cells(view, [[5, 0], [0, 0]])
    assert drawn[0][1].name() == drawn[1][1].name() == GROUND


def test_the_numbers_are_written(
    view: ConfusionMatrixView, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    for count in (3, 8):
        view.show_matrix(np.array([[count, 0], [0, count]]), ["a", "b"])
        view.resize(view.sizeHint())
        pictures.append(view.grab().toImage())
    assert pictures[0] != pictures[1]  # their shares are the same


def test_of_a_thousand_classes_only_what_is_seen_is_drawn(
    qtbot: QtBot, view: ConfusionMatrixView, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: Counter[str] = Counter()

    def counting(name: str, draw: Any, *given: Any) -> None:
        drawn[name] += 1
        draw(view, *given)

    for name in ("_draw_cell", "_draw_name"):
        draw = getattr(ConfusionMatrixView, name)
        monkeypatch.setattr(view, name, partial(counting, name, draw))
    counts = np.random.default_rng(0).integers(0, 9, (1000, 1000))
    scroll = QScrollArea()
    qtbot.addWidget(scroll)
    scroll.setWidget(view)
    scroll.setWidgetResizable(True)
    scroll.resize(600, 600)
    view.show_matrix(counts, [f"class {index}" for index in range(1000)])
    scroll.show()
    scroll.grab()
    n_seen = (600 // 46 + 2) ** 2
    assert 0 < drawn["_draw_cell"] <= 3 * n_seen  # shown and grabbed
    assert 0 < drawn["_draw_name"] <= 3 * 2 * (600 // 46 + 2)
    scroll.takeWidget().setParent(None)  # else both would delete it


def test_a_part_is_drawn_as_in_the_whole(view: ConfusionMatrixView) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (30, 30))
    view.show_matrix(counts, [f"class {index}" for index in range(30)])
    view.resize(view.minimumSizeHint())
    part = QRect(400, 500, 320, 250)
    assert view.grab(part).toImage() == view.grab().toImage().copy(part)


class TestPlainTable:
    @pytest.fixture
    def table(self, qtbot: QtBot) -> PlainTable:
        table = PlainTable(stretched=0)
        table.show_header(["Class", "Films"])
        qtbot.addWidget(table)
        return table

    def test_new_rows_take_the_place_of_the_old_with_numbers_at_the_right(
        self, table: PlainTable
    ) -> None:
        table.show_rows([("a", "1"), ("b", "2")])
        table.show_rows([("c", "3")], numbers=(1,))
        assert table.rowCount() == 1
        assert [table.item(0, column).text() for column in range(2)] == ["c", "3"]
        right = Qt.AlignmentFlag.AlignRight
        assert table.item(0, 1).textAlignment() & right
        assert not table.item(0, 0).textAlignment() & right
        assert table.horizontalHeaderItem(1).textAlignment() & right

    def test_nothing_can_be_typed_into_it(self, table: PlainTable) -> None:
        table.show_rows([("a", "1")])
        table.show()
        QTest.mouseDClick(
            table.viewport(),
            Qt.MouseButton.LeftButton,
            pos=table.visualItemRect(table.item(0, 0)).center(),
        )
        QTest.keyClicks(table, "other")
        assert table.item(0, 0).text() == "a"

    def test_a_short_table_is_no_taller_than_its_rows(self, table: PlainTable) -> None:
        heights = []
        for n in (1, 3):
            table.show_rows([("a", "1")] * n)
            table.fit_height()
            heights.append(table.maximumHeight())
        assert heights[1] - heights[0] == 2 * table.rowHeight(0)

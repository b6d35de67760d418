import numpy as np
import pytest
from PySide6.QtWidgets import QScrollArea
from pytestqt.qtbot import QtBot

from app import theme
from app.quiz.score import MOST_PX, MatrixRow
from app.widgets.tables import ConfusionMatrixView

NAMES = ("COVID-19", "Normal", "Viral pneumonia")


@pytest.fixture
def row(qtbot: QtBot) -> MatrixRow:
    row = MatrixRow(3)
    qtbot.addWidget(row)
    row.show_colours(theme.colours("light"))
    row.show_words("true class", "answer")
    row.show_matrices(["one", "two", "three"], [np.eye(3, dtype=np.int64)] * 3, NAMES)
    return row


def test_matrices_stand_side_by_side_as_far_as_there_is_room(qtbot: QtBot, row: MatrixRow) -> None:
    names = [one.accessibleName() for one in row.findChildren(ConfusionMatrixView)]
    assert names == ["one", "two", "three"]
    with qtbot.waitExposed(row):
        row.show()
    for width, n_columns in ((1200, 3), (820, 2), (400, 1)):
        row.resize(width, 900)
        row.layout().activate()
        tops = [scroll.mapTo(row, scroll.rect().topLeft()).y() for scroll in scrolls(row)]
        assert tops.count(tops[0]) == n_columns
    row.close()


def scrolls(row: MatrixRow) -> list[QScrollArea]:
    return row.findChildren(QScrollArea)


def test_a_matrix_of_a_thousand_classes_scrolls(row: MatrixRow) -> None:
    counts = [np.zeros((1000, 1000), np.int64)] * 3
    row.show_matrices(["one", "two", "three"], counts, [f"class {n}" for n in range(1000)])
    row.resize(900, 600)
    assert all(scroll.maximumHeight() <= MOST_PX for scroll in scrolls(row))
    assert row.minimumSizeHint().width() < 900
    assert not row.grab().isNull()

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.drops import Dropped
from app.widgets.page import DropZone
from app.widgets.viewer.picture import to_image
from tests.app.hands import carrying, drag_over, drop, let_go

LINK = QUrl("http://example.org/film.png")


@pytest.fixture
def zone(qtbot: QtBot) -> DropZone:
    zone = DropZone([QPushButton("one")])
    qtbot.addWidget(zone)
    return zone


def test_dropped_files_are_told_in_their_order(
    qtbot: QtBot, zone: DropZone, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("b.png", "a 片.png", "folder")]
    with qtbot.waitSignal(zone.dropped) as dropped:
        drop(zone, *paths)
    assert dropped.args == [Dropped(paths=tuple(paths))]


def test_links_are_refused_in_words(qtbot: QtBot, zone: DropZone, tmp_path: Path) -> None:
    for files in ((tmp_path / "a.png",), ()):
        with qtbot.waitSignal(zone.dropped) as dropped:
            drop(zone, LINK, *files)
        assert dropped.args[0].paths == files
        [refusal] = dropped.args[0].refusals
        assert "example.org" in str(refusal)


def test_a_picture_without_a_file_is_taken_and_text_is_not(qtbot: QtBot, zone: DropZone) -> None:
    data, text = QMimeData(), QMimeData()
    data.setImageData(to_image(np.full((4, 4), 90, np.uint8)))
    assert drag_over(zone, data)
    with qtbot.waitSignal(zone.dropped) as dropped:
        let_go(zone, data)
    assert len(dropped.args[0].pictures) == 1
    text.setText("a.png")
    assert not drag_over(zone, text)


def test_the_zone_shows_that_it_wants_what_is_over_it(zone: DropZone, tmp_path: Path) -> None:
    files = carrying(tmp_path)
    drag_over(zone, files)
    assert zone.property("active") is True
    let_go(zone, files)
    assert zone.property("active") is False


def test_its_words_are_shown_as_they_are(zone: DropZone, qapp: QApplication) -> None:
    zone.show_words("<b>title</b>", "<i>hint</i>")
    texts = [label.text() for label in zone.findChildren(QLabel)]
    assert {"<b>title</b>", "<i>hint</i>"} <= set(texts)

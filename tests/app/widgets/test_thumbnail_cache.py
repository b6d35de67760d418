import numpy as np
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.widgets.thumbnails import SIDE_PX, ThumbnailCache, ThumbnailStrip, thumbnail


def flat(level: int, height: int = 40, width: int = 40) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


def test_a_thumbnail_has_the_proportion_of_its_film(qapp: QApplication) -> None:
    for shape, aspect, size in (
        ((40, 40), None, (96, 96)),
        ((80, 40), None, (48, 96)),
        ((40, 40), 2.0, (96, 48)),  # stretched to a square
        ((1, 9_000), None, (96, 16)),  # still to be seen
        ((40, 40), 0.0, (16, 96)),
        ((40, 40), float("inf"), (96, 16)),
    ):
        for scale in (1.0, 2.0):
            pixmap = thumbnail(flat(90, *shape), 96, scale, aspect)
            assert pixmap.deviceIndependentSize().toTuple() == size
            assert pixmap.width() == scale * size[0]


def test_the_thumbnail_unused_for_longest_makes_room(qapp: QApplication) -> None:
    cache, pixmaps = ThumbnailCache(2), [QPixmap(1, 1) for _ in range(3)]
    cache.put("a", pixmaps[0])
    cache.put("b", pixmaps[1])
    assert cache.get("a") is pixmaps[0]
    cache.put("c", pixmaps[2])
    assert ["a" in cache, "b" in cache, "c" in cache] == [True, False, True]
    cache.keep_at_least(3)
    cache.put("d", QPixmap(1, 1))
    assert len(cache) == 3
    cache.rename({"c": "e", "a": "c"})
    assert (cache.get("c"), cache.get("e"), len(cache)) == (pixmaps[0], pixmaps[2], 2)
    cache.clear()
    assert cache.get("c") is None


class TestThumbnailStrip:
    def test_only_films_that_fit_whole_are_drawn(self, qtbot: QtBot) -> None:
        strip = ThumbnailStrip([flat(level) for level in (100, 150, 200)])
        qtbot.addWidget(strip)
        strip.resize(2 * SIDE_PX + 50, SIDE_PX)
        picture = strip.grab().toImage()
        levels = {picture.pixelColor(x, SIDE_PX // 2).name() for x in range(picture.width())}
        assert {"#646464", "#969696"} <= levels
        assert "#c8c8c8" not in levels

    def test_it_asks_for_room_for_all(self, qtbot: QtBot) -> None:
        strip = ThumbnailStrip([flat(1)] * 4)
        qtbot.addWidget(strip)
        assert strip.sizeHint().width() >= 4 * SIDE_PX
        assert strip.minimumSizeHint().width() == SIDE_PX

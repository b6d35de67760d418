from itertools import combinations
from typing import get_args

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from app import theme as styling
from app.i18n import set_language
from app.widgets.signs import SMALL_PX, VerdictSign, draw_verdict
from core.prediction.verdict import Level

LEVELS: tuple[Level, ...] = get_args(Level)
GREY = {"good": "#808080", "warning": "#808080", "danger": "#808080", "muted": "#808080"}


def drawn(level: Level, colours: dict[str, str], rect: QRectF) -> QImage:
    picture = QImage(48, 48, QImage.Format.Format_RGB32)
    picture.fill(QColor("black"))
    painter = QPainter(picture)
    draw_verdict(painter, rect, level, colours)
    assert not painter.testRenderHint(QPainter.RenderHint.Antialiasing), "not left as it was"
    painter.end()
    return picture


def differing_px(first: QImage, second: QImage) -> int:
    return sum(first.pixel(x, y) != second.pixel(x, y) for x in range(48) for y in range(48))


class TestDrawing:
    @pytest.mark.parametrize("side", [SMALL_PX, 48])
    def test_shapes_tell_verdicts_apart_without_colour(self, side: int) -> None:
        pictures = [drawn(level, GREY, QRectF(0, 0, side, side)) for level in LEVELS]
        for first, second in combinations(pictures, 2):
            assert differing_px(first, second) > side * side * 0.1

    @pytest.mark.parametrize("theme", ["dark", "light"])
    def test_each_has_its_colour_of_the_theme(self, theme: styling.Theme) -> None:
        colours = styling.colours(theme)
        for level, name in zip(LEVELS, ("good", "muted", "warning", "danger"), strict=True):
            picture = drawn(level, colours, QRectF(0, 0, 48, 48))
            found = {picture.pixelColor(24, y).name() for y in range(48)}
            assert colours[name] in found

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize(
        "rect", [QRectF(), QRectF(5, 5, 0.5, 40), QRectF(-9, -9, 4, 4), QRectF(0, 0, -3, 8)]
    )
    def test_no_room_and_no_colours_are_no_trouble(self, level: Level, rect: QRectF) -> None:
        drawn(level, {}, rect)

    def test_it_stays_a_square_in_a_long_place(self) -> None:
        picture = drawn("cannot_be_checked", GREY, QRectF(0, 0, 48, 16))
        columns = [x for x in range(48) if picture.pixelColor(x, 3) != QColor("black")]
        assert min(columns) >= 16
        assert max(columns) <= 32


class TestVerdictSign:
    @pytest.fixture
    def sign(self, qtbot: QtBot) -> VerdictSign:
        sign = VerdictSign()
        sign.show_colours(styling.colours("dark"))
        qtbot.addWidget(sign)
        return sign

    def test_it_says_the_verdict_to_those_who_do_not_see_it(self, sign: VerdictSign) -> None:
        sign.show_verdict("not_reliable")
        assert sign.accessibleName() == "Not reliable"
        assert "learned from nothing like this X-ray" in sign.toolTip()

    def test_no_verdict_is_an_empty_place(self, sign: VerdictSign) -> None:
        sign.show_verdict("caution")
        sign.show_verdict(None)
        sign.grab()
        assert sign.accessibleName() == ""
        assert sign.toolTip() == ""

    def test_the_word_has_room_beside_it(self, qtbot: QtBot) -> None:
        bare = VerdictSign(has_words=False)
        qtbot.addWidget(bare)
        bare.show_verdict("caution")
        worded = VerdictSign()
        qtbot.addWidget(worded)
        worded.show_verdict("caution")
        assert worded.sizeHint().width() > bare.sizeHint().width() + 30

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("width", [1, 30, 400])
    def test_it_draws_at_any_width(self, sign: VerdictSign, level: Level, width: int) -> None:
        sign.show_verdict(level)
        sign.resize(width, 24)
        sign.grab()

    def test_it_speaks_the_new_language(self, sign: VerdictSign) -> None:
        sign.show_verdict("no_warnings")
        before = []
        sign.retranslate = lambda: before.append("asked")  # type: ignore[method-assign]
        set_language("zh_CN")
        try:
            QCoreApplication.sendEvent(sign, QEvent(QEvent.Type.LanguageChange))
        finally:
            set_language("en")
        assert before == ["asked"]

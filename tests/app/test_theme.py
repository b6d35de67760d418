"""Looks at the real files in resources/."""

import re
from pathlib import Path
from typing import get_args

from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication

from app import theme as styling
from app.settings import THEMES, Theme

ICONS = sorted(path.stem for path in (styling.ROOT / "icons").glob("*.svg"))
MARK = "#12ab56"


def test_an_icon_is_drawn(qapp: QApplication) -> None:
    for name in ICONS:
        picture = styling.pixmap(name, MARK, 24, scale=1.0).toImage()
        opaque = sum(
            picture.pixelColor(x, y).alpha() > 128
            for x in range(picture.width())
            for y in range(picture.height())
        )
        assert opaque > 12


def test_an_icon_takes_the_colour_and_fineness_that_were_asked_for(qapp: QApplication) -> None:
    picture = styling.pixmap("data", MARK, 32, scale=2.0)
    assert picture.deviceIndependentSize().width() == 32
    image = picture.toImage()
    assert MARK in {image.pixelColor(x, y).name() for x in range(64) for y in range(64)}


def test_every_colour_of_a_theme_is_one_and_every_slot_of_the_style_sheet_is_filled() -> None:
    assert len({tuple(sorted(styling.colours(theme))) for theme in THEMES}) == 1
    for theme in THEMES:
        for value in styling.colours(theme).values():
            assert re.fullmatch(r"#[0-9a-f]{6}", value)
        sheet = styling.style_sheet(theme)
        assert "{{" not in sheet
        assert "}}" not in sheet
        named = re.findall(r"url\(([^)]*)\)", sheet)
        assert named
        assert not [path for path in named if not Path(path).is_file()]


def test_text_can_be_told_from_its_ground() -> None:
    """WCAG 2.1's contrast ratio; it asks for 4.5, and 3 where letters are large."""
    for theme in THEMES:
        for ground in ("background", "panel", "field", "raised", "selected"):
            for ink, least in (("text", 4.5), ("muted", 4.0)):
                colours = styling.colours(theme)
                assert _contrast(colours[ink], colours[ground]) >= least


def _contrast(first: str, second: str) -> float:
    dark, light = sorted(_luminance(QColor(colour)) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_palettes_of_the_themes_differ(qapp: QApplication) -> None:
    first, second = (styling.palette(theme) for theme in get_args(Theme))
    assert first.color(QPalette.ColorRole.Window) != second.color(QPalette.ColorRole.Window)
    assert first.color(QPalette.ColorRole.Text) != second.color(QPalette.ColorRole.Text)


def test_the_bundled_font_is_found_by_its_family(qapp: QApplication) -> None:
    families = styling.load_fonts()
    assert families
    assert QFontMetrics(QFont(families[0])).inFontUcs4(ord("肺"))


def test_qt_speaks_chinese_where_we_do(qapp: QApplication) -> None:
    translator = styling.qt_translator("zh_CN")
    assert translator.translate("QPlatformTheme", "Cancel") == "取消"
    assert styling.qt_translator("en").translate("QPlatformTheme", "Cancel") in (None, "")

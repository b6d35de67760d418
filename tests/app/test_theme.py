"""Looks at the real files in resources/."""

import re
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette, QRawFont
from PySide6.QtWidgets import QApplication

from app import theme as styling
from app.settings import THEMES, Theme

ICONS = sorted(path.stem for path in (styling.ROOT / "icons").glob("*.svg"))
CATALOGUE = styling.ROOT / "translations" / "zh_CN" / "LC_MESSAGES" / "pneumoscope.po"
SYMBOLS = set("✓×")  # every system has a font for them
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


def test_an_icon_takes_the_colour_that_was_asked_for(qapp: QApplication) -> None:
    picture = styling.pixmap("data", MARK, 64, scale=1.0).toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(64)
        for y in range(64)
        if picture.pixelColor(x, y).alpha() == 255
    }
    assert MARK in colours


def test_an_icon_is_finer_for_screens_with_many_pixels(qapp: QApplication) -> None:
    picture = styling.pixmap("data", MARK, 24, scale=2.0)
    assert picture.width() == 48
    assert picture.deviceIndependentSize().width() == 24


def test_every_theme_names_the_same_colours() -> None:
    names = [set(styling.colours(theme)) for theme in THEMES]
    assert names[0] == names[1]


def test_every_colour_of_a_theme_is_one() -> None:
    for theme in THEMES:
        wrong = [
            name
            for name, value in styling.colours(theme).items()
            if not re.fullmatch(r"#[0-9a-f]{6}", value)
        ]
        assert not wrong


def test_no_slot_of_the_style_sheet_stays_empty() -> None:
    for theme in THEMES:
        assert "{{" not in styling.style_sheet(theme)
        assert "}}" not in styling.style_sheet(theme)


def test_every_file_that_the_style_sheet_names_exists() -> None:
    for theme in THEMES:
        named = re.findall(r"url\(([^)]*)\)", styling.style_sheet(theme))
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


@pytest.mark.skipif(not CATALOGUE.exists(), reason="there is no Chinese catalogue yet")
def test_the_bundled_font_has_every_character_of_the_chinese_words(qapp: QApplication) -> None:
    font = QRawFont(str(styling.ROOT / "fonts" / styling.CHINESE_FONT), 16)
    assert font.isValid()
    words = _translations(CATALOGUE.read_text("utf-8")) + "简体中文正常肺部病毒性肺炎新冠肺炎"
    missing = {sign for sign in words if sign > "\xff" and not font.supportsCharacter(ord(sign))}
    assert not missing


def _translations(catalogue: str) -> str:
    """Every character in the translated halves of a .po file."""
    halves = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', catalogue, re.MULTILINE)
    return "".join(halves)


def test_qt_speaks_chinese_where_we_do(qapp: QApplication) -> None:
    translator = styling.qt_translator("zh_CN")
    assert translator.translate("QPlatformTheme", "Cancel") == "取消"


def test_qt_needs_no_words_for_english(qapp: QApplication) -> None:
    assert styling.qt_translator("en").translate("QPlatformTheme", "Cancel") in (None, "")

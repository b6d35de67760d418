"""Icons, style sheets, fonts and Qt's own translations: the only reader of resources/."""

import json
from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QLibraryInfo, QLocale, QRectF, QSize, Qt, QTranslator
from PySide6.QtGui import QColor, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.settings import Theme

ROOT = Path(__file__).resolve().parents[1] / "resources"
CHINESE_FONT = "NotoSansSC-Regular.otf"


@cache
def colours(theme: Theme) -> dict[str, str]:
    """Return the named colours of a theme as #rrggbb."""
    values: dict[str, str] = json.loads((ROOT / "styles" / f"{theme}.json").read_text("utf-8"))
    return values


def style_sheet(theme: Theme) -> str:
    """Return the style sheet with the theme's colours in its {{slots}}."""
    text = (ROOT / "styles" / "pneumoscope.qss").read_text("utf-8")
    for name, colour in colours(theme).items():
        text = text.replace("{{" + name + "}}", colour)
    return text.replace("{{icons}}", (ROOT / "icons").as_posix())


def palette(theme: Theme) -> QPalette:
    """Return Fusion's palette in the theme's colours, the same on every system."""
    named = {name: QColor(value) for name, value in colours(theme).items()}
    palette = QPalette(named["panel"], named["background"])
    role = QPalette.ColorRole
    for which, colour in {
        role.Base: "field",
        role.AlternateBase: "panel",
        role.Text: "text",
        role.WindowText: "text",
        role.ButtonText: "text",
        role.PlaceholderText: "muted",
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
        role.ToolTipBase: "panel",
        role.ToolTipText: "text",
        role.Link: "accent",
    }.items():
        palette.setColor(which, named[colour])
    for which in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, named["muted"])
    return palette


def icon(name: str, colour: str, size_px: int = 24) -> QIcon:
    """Draw the icon `name`.svg in `colour` (#rrggbb)."""
    return QIcon(pixmap(name, colour, size_px))


def pixmap(name: str, colour: str, size_px: int, scale: float = 2.0) -> QPixmap:
    """Draw the icon as a picture, `scale` times finer for screens with many pixels."""
    svg = (ROOT / "icons" / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    picture = QPixmap(QSize(round(size_px * scale), round(size_px * scale)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def load_fonts() -> list[str]:
    """Add the bundled Chinese font, so that no system shows boxes; return its family names."""
    number = QFontDatabase.addApplicationFont(str(ROOT / "fonts" / CHINESE_FONT))
    return QFontDatabase.applicationFontFamilies(number) if number >= 0 else []


def qt_translator(code: str) -> QTranslator:
    """Return Qt's own words (OK, Cancel, file dialogs) in the language `code`."""
    translator = QTranslator()
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    translator.load(QLocale(code), "qtbase", "_", folder)
    return translator

"""Another language, and names that nobody should trust."""

import gettext

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from app import i18n

HOSTILE_NAMES = (
    "<b>bold</b><img src=/etc/passwd>",
    "NoSpaceAnywhere" * 13,
    "שלום עולם ריאות",
    "two\nlines\tand a tab",
    "\u202eturned round",
    "&amp; && 100% {n} %s",
    " ",
    "正常肺部" * 20,
)


class Tilde(gettext.NullTranslations):
    """Every sentence as it is, behind a tilde."""

    def gettext(self, message: str) -> str:
        return "~" + message


def speak_tilde(widget: QWidget) -> None:
    """Switch the language; the caller switches back."""
    i18n._Active.catalogue = Tilde()
    for one in (widget, *widget.findChildren(QWidget)):
        QCoreApplication.sendEvent(one, QEvent(QEvent.Type.LanguageChange))

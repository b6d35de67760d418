"""Links to the help: any label may hold one, and the window opens its page."""

import html
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

SCHEME: Final = "help"  # of addresses such as help:glossary#epoch, see MainWindow


class HelpLink(QLabel):
    """A line that leads to a page of the help; hidden without words."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setOpenExternalLinks(True)  # QDesktopServices hands the scheme to the window
        by = Qt.TextInteractionFlag
        self.setTextInteractionFlags(by.LinksAccessibleByMouse | by.LinksAccessibleByKeyboard)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def show_link(self, place: str, words: str) -> None:
        """Lead somewhere else.

        Args:
            place: The name of a page and, after a #, one of its headings.
            words: What the user presses.
        """
        markup = f'<a href="{SCHEME}:{place}">{html.escape(words)}</a>'
        self.setText(markup)
        self.setAccessibleName(words)
        self.setVisible(bool(words))

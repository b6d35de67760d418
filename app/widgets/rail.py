"""The narrow column at the left: one button a page, language and theme below."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout

WIDTH_PX = 88
ICON_PX = 24


class Rail(QFrame):
    """Page buttons of which one is down.

    Args:
        n_pages: How many; Ctrl+1, Ctrl+2, ... choose them from the keyboard.
    """

    page_chosen = Signal(int)
    language_pressed = Signal()
    theme_pressed = Signal()

    def __init__(self, n_pages: int) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setMinimumWidth(WIDTH_PX)
        self._pages = [_button() for _ in range(n_pages)]
        self._language, self._theme = _button(), _button()
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 10)
        layout.setSpacing(2)
        for index, button in enumerate(self._pages):
            button.setCheckable(True)
            button.setShortcut(QKeySequence(f"Ctrl+{index + 1}"))
            self._group.addButton(button, index)
            layout.addWidget(button)
        layout.addStretch()
        layout.addWidget(self._language)
        layout.addWidget(self._theme)
        self._group.idClicked.connect(self.page_chosen)
        self._language.clicked.connect(self.language_pressed)
        self._theme.clicked.connect(self.theme_pressed)

    def choose(self, page: int) -> None:
        """Press the button of `page` without telling anybody."""
        self._pages[page].setChecked(True)

    def show_words(self, pages: Sequence[str], language: str, theme: str) -> None:
        """Name the buttons."""
        for index, (button, name) in enumerate(zip(self._pages, pages, strict=True)):
            shortcut = QKeySequence(f"Ctrl+{index + 1}")
            button.setText(name)
            button.setToolTip(
                f"{name}  ({shortcut.toString(QKeySequence.SequenceFormat.NativeText)})"
            )
            button.setShortcut(shortcut)  # setText takes it away
        self._language.setText(language)
        self._theme.setText(theme)

    def show_icons(self, pages: Sequence[QIcon], language: QIcon, theme: QIcon) -> None:
        """Draw the buttons."""
        for button, icon in zip(
            [*self._pages, self._language, self._theme], [*pages, language, theme], strict=True
        ):
            button.setIcon(icon)


def _button() -> QToolButton:
    button = QToolButton()
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button

"""Plain-text labels in the few sizes the pages use."""

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget


def plain_label(name: str = "", *, wraps: bool = False) -> QLabel:
    """A label that shows its text as it is: file and class names are foreign text.

    Args:
        name: The style sheet's name for it: "pageTitle", "sectionTitle", "muted", "figure".
        wraps: Whether long text takes several lines.
    """
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setObjectName(name)
    label.setWordWrap(wraps)
    return label


def plain_tip(text: str) -> str:
    """A tooltip that shows `text` as it is; Qt would take what looks like markup for markup."""
    return "<qt>" + html.escape(text).replace("\n", "<br>") + "</qt>" if text else ""


def card(parent: QWidget | None = None) -> QFrame:
    """A framed panel; give it a layout."""
    frame = QFrame(parent)
    frame.setObjectName("card")
    return frame


class Figure(QFrame):
    """One number with its caption, as on a dashboard."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._value = plain_label("figure")
        self._caption = plain_label("muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 8)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._caption)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: str, caption: str) -> None:
        """Set both lines."""
        self._value.setText(value)
        self._caption.setText(caption)
        self.setAccessibleName(f"{caption}: {value}")

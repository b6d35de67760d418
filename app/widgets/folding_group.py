"""A part of a form that folds away below its title."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.widgets.labels import plain_label


class FoldingGroup(QWidget):
    """Folded at first; a line below its title sums up what is inside.

    Args:
        content: Shown while it is unfolded.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._is_unfolded = content, False
        self._title, self._summary = QToolButton(), plain_label("muted", wraps=True)
        self._title.setObjectName("sectionTitle")
        self._title.setAutoRaise(True)
        self._title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._summary)
        column.addWidget(content)
        self._summary.setIndent(22)
        self._title.clicked.connect(lambda: self.set_unfolded(not self._is_unfolded))
        self.set_unfolded(False)

    def set_unfolded(self, is_unfolded: bool) -> None:
        """Show or hide the content."""
        self._is_unfolded = is_unfolded
        arrow = Qt.ArrowType.DownArrow if is_unfolded else Qt.ArrowType.RightArrow
        self._title.setArrowType(arrow)
        self._content.setVisible(is_unfolded)
        self._summary.setVisible(not is_unfolded)

    def show_title(self, title: str) -> None:
        """Name the group."""
        self._title.setText(title)
        self._title.setAccessibleName(title)

    def show_summary(self, summary: str) -> None:
        """Say in a line what is inside."""
        self._summary.setText(summary)
        self._title.setAccessibleDescription(summary)

"""A file name on one line, its middle left out where it is too long."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

from app.widgets.labels import plain_tip


class FileLine(QLabel):
    """Shows foreign text as it is; all of it is in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._file = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName("muted")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_file(self, file: str) -> None:
        """Show another name."""
        self._file = file
        self.setToolTip(plain_tip(file))
        self.setAccessibleName(file)
        self._cut_to_fit()

    def _cut_to_fit(self) -> None:
        line = " ".join(self._file.split())
        middle = Qt.TextElideMode.ElideMiddle
        self.setText(self.fontMetrics().elidedText(line, middle, self.width()))

    # Qt's own.

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut_to_fit()

"""What went well, where nothing else in the window shows it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.translation import Sentence, say, tr


def show_note(sentence: Sentence, parent: QWidget) -> QMessageBox:
    """Say it in one window that does not block the program; returns it, shown."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Information)
    box.setWindowTitle(tr("PneumoScope"))
    box.setTextFormat(Qt.TextFormat.PlainText)  # as in app.failures
    box.setText(say(sentence))
    box.open()
    return box

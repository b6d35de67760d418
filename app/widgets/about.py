"""What this program is, and what it is not for."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.translation import tr


def show_about(parent: QWidget) -> QMessageBox:
    """Open a window that says so, without stopping the program; returns it, shown."""
    box = QMessageBox(parent)
    box.setWindowTitle(tr("About PneumoScope"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(tr("PneumoScope trains and questions a ResNet on chest X-rays."))
    box.setInformativeText(
        tr("Research and teaching only, never diagnosis.")
        + "\n"
        + tr("Nothing leaves this computer.")
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box

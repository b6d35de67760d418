"""Questions and save dialogs that block nothing: training goes on drawing behind them."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.i18n import tr


def ask(
    parent: QWidget, question: str, hint: str, *, yes: str, no: str, on_yes: Callable[[], object]
) -> QMessageBox:
    """Open a question that Enter answers with no; return it, shown.

    Args:
        parent: Over which it appears.
        question: One sentence; may hold foreign text.
        hint: What depends on the answer, in smaller letters.
        yes: The button that calls `on_yes`.
        no: The button that changes nothing.
        on_yes: Called once the user agrees.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(tr("PneumoScope"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(hint)
    box.addButton(yes, QMessageBox.ButtonRole.AcceptRole).clicked.connect(on_yes)
    box.setDefaultButton(box.addButton(no, QMessageBox.ButtonRole.RejectRole))
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.open()
    return box


def ask_where_to_save(
    parent: QWidget, title: str, kind: str, name: str, save: Callable[[Path], object]
) -> None:
    """Open a dialog for a file to write.

    Args:
        parent: Over which it appears.
        title: Of the dialog.
        kind: The files to show, as Qt writes them: "Tables (*.csv)".
        name: The file name that is offered; its ending is added where the user leaves it out.
        save: Called with the file once the user has chosen it.
    """
    dialog = QFileDialog(parent, title, "", kind)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda chosen: save(Path(chosen)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()

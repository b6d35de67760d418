"""Form of what only people know about a dataset, asked before the paper kit is written."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QWidget

from app.i18n import say, tr
from app.widgets.labels import plain_label
from app.widgets.layouts import scroll_area, v_box
from core.evaluation.statements import MOST_LETTERS, Statements
from core.report.checklists import STATEMENTS

_LINES_PX = 56


class StatementsDialog(QDialog):
    """A text for each statement; what is left empty is printed as "not stated".

    Args:
        statements: What was stated before.
        parent: The window.
    """

    def __init__(self, statements: Statements, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Statements for the paper kit"))
        hint = plain_label("muted", wraps=True)
        hint.setText(
            tr(
                "Only you know this. It is kept with the dataset; what you leave empty is printed "
                "as “not stated”."
            )
        )
        self._fields: dict[str, QPlainTextEdit] = {}
        form = QWidget()
        column = v_box(owner=form, spacing=4, margins=(0, 0, 10, 0))
        for key, topic in STATEMENTS.items():
            label, field = plain_label(wraps=True), QPlainTextEdit()
            label.setText(say(topic))
            label.setBuddy(field)
            field.setAccessibleName(say(topic))
            field.setPlainText(getattr(statements, key))
            field.setFixedHeight(_LINES_PX)
            field.setTabChangesFocus(True)
            column.addWidget(label)
            column.addWidget(field)
            self._fields[key] = field
        buttons = QDialogButtonBox()
        go = buttons.addButton(tr("Choose folder …"), QDialogButtonBox.ButtonRole.AcceptRole)
        go.setDefault(True)
        buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        v_box(
            hint,
            (scroll_area(form, only_vertical=True), 1),
            buttons,
            owner=self,
            spacing=10,
            margins=(16, 14, 16, 14),
        )
        self.resize(620, 640)

    @property
    def statements(self) -> Statements:
        """What is stated now."""
        texts = {key: field.toPlainText()[:MOST_LETTERS] for key, field in self._fields.items()}
        return Statements(**texts)

"""Form that asks which class of the model each class folder of a dataset means."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from app.i18n import tr
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, v_box
from app.widgets.page import primary_button
from core.evaluation.evaluate import LEFT_OUT, ClassQuestion


class ClassMappingForm(QWidget):
    """One row for each class folder whose name means no class of the model."""

    answered = Signal(object)  # dict: class folder -> class of the model, or LEFT_OUT

    def __init__(self) -> None:
        super().__init__()
        self._question: ClassQuestion | None = None
        self._boxes: dict[str, QComboBox] = {}
        self._title = plain_label("sectionTitle", wraps=True)
        self._hint = plain_label("muted", wraps=True)
        self._go = primary_button()
        self._go.clicked.connect(lambda: self.answered.emit(self._chosen()))
        self._rows = QWidget()
        self._column = v_box(
            self._title,
            self._hint,
            self._rows,
            h_box(self._go, None),
            None,
            owner=self,
            spacing=12,
        )

    def show_question(self, question: ClassQuestion) -> None:
        """Ask anew; what was chosen for the same question stays."""
        if question == self._question:
            return
        self._question = question
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        self._boxes = {}
        for row, folder in enumerate(question.strange):
            box = QComboBox()
            box.addItem("", None)
            box.addItem("", LEFT_OUT)
            for name in question.known:
                box.addItem(name, name)
            box.currentIndexChanged.connect(self._on_chosen)
            name_label = plain_label()
            name_label.setText(folder)
            name_label.setBuddy(box)
            box.setAccessibleName(folder)
            grid.addWidget(name_label, row, 0)
            grid.addWidget(box, row, 1)
            self._boxes[folder] = box
        grid.setColumnStretch(2, 1)
        self._column.replaceWidget(self._rows, fresh)
        self._rows.deleteLater()
        self._rows = fresh
        self.retranslate()
        self._on_chosen()

    def retranslate(self) -> None:
        """Show the words of the language in use."""
        self._title.setText(tr("Which classes of the model are these?"))
        self._hint.setText(
            tr(
                "These class folders of the dataset mean none of the model's classes by their "
                "names. Choose what each of them means, or leave its X-rays out."
            )
        )
        self._go.setText(tr("Evaluate"))
        for box in self._boxes.values():
            box.setItemText(0, tr("Choose …"))
            box.setItemText(1, tr("Leave out"))

    def _on_chosen(self) -> None:
        self._go.setEnabled(all(box.currentData() is not None for box in self._boxes.values()))

    def _chosen(self) -> dict[str, str]:
        return {folder: box.currentData() for folder, box in self._boxes.items()}

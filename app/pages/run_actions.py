"""What can be done with the chosen runs: a line of buttons."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from app.pages.page import primary_button
from app.translation import tr
from app.viewmodels.runs import RunsViewModel
from app.widgets.translated import TranslatedWidget


class RunActions(TranslatedWidget):
    """Enabled as the view-model allows."""

    rename_wanted = Signal()
    delete_wanted = Signal()

    def __init__(self, model: RunsViewModel) -> None:
        super().__init__()
        self._model = model
        self._open, self._again, self._resume = primary_button(), QPushButton(), QPushButton()
        self._rename, self._delete = QPushButton(), QPushButton()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for button in (self._open, self._resume, self._again):
            layout.addWidget(button)
        layout.addStretch()
        layout.addWidget(self._rename)
        layout.addWidget(self._delete)
        self._open.clicked.connect(model.open_model)
        self._again.clicked.connect(model.train_again)
        self._resume.clicked.connect(model.resume)
        self._rename.clicked.connect(self.rename_wanted)
        self._delete.clicked.connect(self.delete_wanted)
        model.changed.connect(self.show_state)
        model.selected_changed.connect(self.show_state)
        self.retranslate()
        self.show_state()

    def retranslate(self) -> None:
        self._open.setText(tr("Open the model"))
        self._open.setToolTip(tr("Its best model, to read and evaluate films with"))
        self._again.setText(tr("Train again with these settings"))
        self._again.setToolTip(tr("Takes them over to the Train page; nothing starts yet"))
        self._resume.setText(tr("Resume"))
        self._resume.setToolTip(tr("Goes on with its training where it was"))
        self._rename.setText(tr("Rename"))
        self._rename.setToolTip(tr("Type a name in the table (F2); the folder stays as it is"))
        self._delete.setText(tr("Delete …"))
        self._delete.setToolTip(tr("Moves the chosen runs to the trash"))

    def show_state(self) -> None:
        """Enable what can be done now."""
        run = self._model.chosen
        self._open.setEnabled(run is not None and run.has_best)
        self._again.setEnabled(run is not None)
        self._resume.setEnabled(run is not None and run.can_resume)
        self._rename.setEnabled(self._model.can_rename)
        self._delete.setEnabled(self._model.can_delete)

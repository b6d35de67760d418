"""What can be done with a run just now: start, pause, resume, stop, go on."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QPushButton

from app.pages.page import primary_button
from app.translation import tr
from app.viewmodels.training import TrainingViewModel
from app.widgets.translated import TranslatedWidget

MAX_MORE_EPOCHS = 1000


class TrainingButtons(TranslatedWidget):
    """Shows the buttons that do something now, bound to one training view-model."""

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._start, self._resume = primary_button(), primary_button()
        self._pause, self._stop, self._continue, self._estimate = (QPushButton() for _ in range(4))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for button, action in (
            (self._estimate, model.estimate),
            (self._continue, self._ask_for_epochs),
            (self._stop, model.stop_keep_best),
            (self._pause, model.pause),
            (self._resume, model.resume),
            (self._start, model.start),
        ):
            row.addWidget(button)
            # Not the action itself: it would be given whether the button is checked.
            button.clicked.connect(lambda _checked, action=action: action())
        model.changed.connect(self._on_model_changed)
        self.retranslate()
        self._on_model_changed()

    def retranslate(self) -> None:
        self._start.setText(tr("Start training"))
        self._resume.setText(tr("Resume"))
        self._pause.setText(tr("Pause"))
        self._stop.setText(tr("Stop and keep the best"))
        self._continue.setText(tr("Continue for more epochs …"))
        self._estimate.setText(tr("Estimate"))
        self._pause.setToolTip(tr("Save everything and rest; the run can be resumed at any time"))
        self._stop.setToolTip(tr("End the run; its best weights so far are its model"))
        self._estimate.setToolTip(
            tr("Train two batches to see how long the run will take and how much memory")
        )

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        is_idle = not model.is_training
        for button, is_shown in (
            (self._pause, model.is_training),
            (self._stop, model.is_training),
            (self._resume, model.can_resume),
            (self._continue, model.can_continue),
            (self._start, is_idle),
            (self._estimate, is_idle),
        ):
            button.setVisible(is_shown)
        # One button is meant to be pressed next.
        self._start.setObjectName("" if model.can_resume else "primary")
        self._start.style().polish(self._start)
        self._pause.setEnabled(not model.is_stopping)
        self._stop.setEnabled(not model.is_stopping)
        self._start.setEnabled(model.can_start)
        self._estimate.setEnabled(model.can_start and not model.is_estimating)

    def _ask_for_epochs(self) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("Continue for more epochs"))
        dialog.setLabelText(tr("How many epochs more?"))
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setIntRange(1, MAX_MORE_EPOCHS)
        dialog.setIntValue(max(1, self._model.run_config.epochs // 2))
        dialog.setOkButtonText(tr("Continue"))
        dialog.setCancelButtonText(tr("Cancel"))
        dialog.intValueSelected.connect(self._model.continue_for)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

"""Train: settings at the left, what the run is doing at the right."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QPushButton

from app import theme as styling
from app.i18n import say, tr
from app.settings import Theme
from app.training.form import TrainingForm
from app.training.monitor import TrainingMonitor
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel
from app.widgets.cards import OfferBar
from app.widgets.dialogs import ask
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, scroll_area
from app.widgets.page import Page, TranslatedWidget, primary_button
from app.widgets.plot import PlotColours
from core.errors import Message

MAX_MORE_EPOCHS = 1000
SCROLL_BAR_PX = 12


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


class TrainingPage(Page):
    """Binds the form, the buttons and the monitor to one training view-model."""

    def __init__(self, model: TrainingViewModel, weights: InitialWeightsViewModel) -> None:
        super().__init__()
        self._model = model
        self._form = TrainingForm(model, weights)
        self.advanced = self._form.advanced
        self._monitor = TrainingMonitor(model)
        self._interrupted = model.interrupted_run()
        self._offer = OfferBar()
        self._warnings = plain_label("warning", wraps=True)
        self.add_to_head(TrainingButtons(model))
        self._form_scroll = scroll_area(self._form, only_vertical=True)
        self._form.setObjectName("bare")
        row = h_box(self._form_scroll, (self._monitor, 1), spacing=16)
        self.body.addWidget(self._offer)
        self.body.addWidget(self._warnings)
        self.body.addLayout(row, 1)
        self._offer.setVisible(self._interrupted is not None)
        self._offer.taken.connect(self._on_offer_taken)
        model.changed.connect(self._on_model_changed)
        model.acceptance_wanted.connect(self._on_acceptance_wanted)
        self.retranslate()
        self._on_model_changed()

    def apply_theme(self, theme: Theme) -> None:
        named = styling.colours(theme)
        self._monitor.show_colours(
            PlotColours(
                named["panel"], named["text"], named["grid"], named["train"], named["validation"]
            )
        )

    def retranslate(self) -> None:
        self.title.setText(tr("Train"))
        # The words decide the width; the scroll bar needs some of it on small screens.
        self._form_scroll.setFixedWidth(self._form.minimumSizeHint().width() + SCROLL_BAR_PX)
        self._show_offer()
        self._show_dataset()

    @Slot()
    def _on_model_changed(self) -> None:
        if self._model.is_training:  # the user chose what to do
            self._offer.hide()
        self._show_dataset()

    @Slot(object)
    def _on_acceptance_wanted(self, message: Message) -> None:
        ask(
            self,
            tr("Resume the changed run?"),
            say(message),
            yes=tr("Accept changes"),
            no=tr("Leave it"),
            on_yes=self._model.accept_changes,
        )

    @Slot()
    def _on_offer_taken(self) -> None:
        if self._interrupted is not None:
            self._model.resume(self._interrupted.path)

    def _show_offer(self) -> None:
        if self._interrupted is None:
            return
        started = self._interrupted.started
        sentence = (
            tr("An interrupted run of {date} can be resumed.", date=f"{started:%Y-%m-%d %H:%M}")
            if started
            else tr("An interrupted run can be resumed.")
        )
        self._offer.show_words(sentence, tr("Resume it"), tr("Not now"))

    def _show_dataset(self) -> None:
        dataset = self._model.dataset
        self._warnings.setText("\n".join(say(warning) for warning in self._model.warnings))
        self._warnings.setVisible(bool(self._model.warnings))
        if dataset is None:
            self.subtitle.setText(tr("Open a dataset first: drop a zip or folder anywhere."))
        else:
            self.subtitle.setText(
                tr(
                    "{name}: {n} films",
                    name=dataset.dataset.name,
                    n=f"{len(dataset.dataset.records):,}",
                )
            )

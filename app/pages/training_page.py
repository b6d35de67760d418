"""Train: settings at the left, what the run is doing at the right."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QScrollArea

from app import resources
from app.pages.page import Page
from app.pages.training_buttons import TrainingButtons
from app.pages.training_form import TrainingForm
from app.pages.training_monitor import TrainingMonitor
from app.settings import Theme
from app.translation import tr
from app.viewmodels.initial_weights import InitialWeightsViewModel
from app.viewmodels.training import TrainingViewModel
from app.widgets.offer_bar import OfferBar
from app.widgets.plot_colours import PlotColours

SCROLL_BAR_PX = 12


class TrainingPage(Page):
    """Binds the form, the buttons and the monitor to one training view-model."""

    def __init__(self, model: TrainingViewModel, weights: InitialWeightsViewModel) -> None:
        super().__init__()
        self._model = model
        self._form = TrainingForm(model, weights)
        self._monitor = TrainingMonitor(model)
        self._interrupted = model.interrupted_run()
        self._offer = OfferBar()
        self.add_to_head(TrainingButtons(model))
        scroll = QScrollArea()
        scroll.setWidget(self._form)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._form.setObjectName("bare")
        self._form_scroll = scroll
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(scroll)
        row.addWidget(self._monitor, 1)
        self.body.addWidget(self._offer)
        self.body.addLayout(row, 1)
        self._offer.setVisible(self._interrupted is not None)
        self._offer.taken.connect(self._on_offer_taken)
        model.changed.connect(self._on_model_changed)
        self.retranslate()
        self._on_model_changed()

    def apply_theme(self, theme: Theme) -> None:
        named = resources.colours(theme)
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

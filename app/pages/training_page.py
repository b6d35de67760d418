"""Train: settings at the left, live curves and figures at the right."""

from collections import deque
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app import resources
from app.durations import duration
from app.pages.page import Page
from app.pages.training_form import TrainingForm
from app.settings import Theme
from app.tasks import Outcome
from app.training_words import epoch_words, result_words
from app.translation import say, tr
from app.viewmodels.training import TrainingViewModel
from app.widgets.curve_plot import CurvePlot, PlotColours
from app.widgets.labels import Figure, plain_label
from core.errors import Message
from core.events import BatchDone, EpochDone, Progress, TrainingDone, TrainingStarted

MAX_LOG_LINES = 2000
SCROLL_BAR_PX = 12


class TrainingPage(Page):
    """Binds the form, the curves and the log to one training view-model."""

    data_wanted = Signal()

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._form = TrainingForm(model)
        self._figures = [Figure() for _ in range(5)]
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._stage = plain_label("muted")
        self._loss, self._accuracy = CurvePlot(), CurvePlot(y_range=(0.0, 100.0))
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(MAX_LOG_LINES)
        # Kept as messages, so that the log changes its language with everything else.
        self._lines: deque[tuple[Message, ...]] = deque(maxlen=MAX_LOG_LINES)
        self._log_title = plain_label("sectionTitle")

        scroll = QScrollArea()
        scroll.setWidget(self._form)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._form.setObjectName("bare")
        self._form_scroll = scroll
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(scroll)
        row.addWidget(self._build_monitor(), 1)
        self.body.addLayout(row, 1)

        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._on_model_progressed)
        model.started.connect(self._on_model_started)
        model.batch_done.connect(self._on_batch_done)
        model.epoch_done.connect(self._on_epoch_done)
        model.trained.connect(self._on_model_trained)
        model.stopped.connect(self._on_model_stopped)
        self.retranslate()
        self._on_model_changed()

    def _build_monitor(self) -> QWidget:
        monitor = QWidget()
        layout = QVBoxLayout(monitor)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        figures = QHBoxLayout()
        figures.setSpacing(10)
        for figure in self._figures:
            figures.addWidget(figure)
        layout.addLayout(figures)
        layout.addWidget(self._bar)
        layout.addWidget(self._stage)
        log = QWidget()
        log_layout = QVBoxLayout(log)
        log_layout.setContentsMargins(0, 0, 0, 0)
        log_layout.addWidget(self._log_title)
        log_layout.addWidget(self._log)
        splitter = QSplitter(Qt.Orientation.Vertical)
        for part, share in ((self._loss, 4), (self._accuracy, 4), (log, 2)):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.count() - 1, share)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([400, 400, 180])
        layout.addWidget(splitter, 1)
        return monitor

    def apply_theme(self, theme: Theme) -> None:
        named = resources.colours(theme)
        colours = PlotColours(
            named["panel"], named["text"], named["grid"], named["train"], named["validation"]
        )
        self._loss.show_colours(colours)
        self._accuracy.show_colours(colours)

    def retranslate(self) -> None:
        self.title.setText(tr("Train"))
        # The words decide the width; the scroll bar needs some of it on small screens.
        self._form_scroll.setFixedWidth(self._form.minimumSizeHint().width() + SCROLL_BAR_PX)
        self._log_title.setText(tr("Log"))
        raw, smooth = tr("each batch"), tr("smoothed")
        validation = tr("validation, each epoch")
        x = tr("Batches trained")
        self._loss.show_words(x, tr("Loss (nats per film)"), raw, smooth, validation)
        self._accuracy.show_words(x, tr("Accuracy (%)"), raw, smooth, validation)
        self._log.setPlainText(
            "\n".join("".join(say(part) for part in line) for line in self._lines)
        )
        self._show_dataset()
        self._show_figures()
        self._show_stage()

    @Slot()
    def _on_model_changed(self) -> None:
        self._show_dataset()
        if self._model.is_training and self._model.start_event is None:
            self._begin()
        self._show_figures()
        self._show_stage()

    def _begin(self) -> None:
        """Empty what shows the run before."""
        if self._loss.n_points:
            self._loss.clear()
            self._accuracy.clear()
        self._lines.clear()
        self._log.clear()
        self._bar.setRange(0, 0)

    @Slot(object)
    def _on_model_progressed(self, progress: Progress) -> None:
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        self._stage.setText(tr("{stage} …", stage=say(progress.stage)))

    @Slot(object)
    def _on_model_started(self, started: TrainingStarted) -> None:
        n_batches = started.epochs * started.batches_per_epoch
        self._bar.setRange(0, n_batches)
        for plot in (self._loss, self._accuracy):
            plot.show_length(n_batches)
        self._write(
            Message(
                "{architecture}, {parameters} parameters, on {device} ({precision}): {train} films "
                "to train, {validation} to validate, {test} to test.",
                architecture=started.architecture.replace("resnet", "ResNet-"),
                parameters=f"{started.n_parameters:,}",
                device=started.device,
                precision=Message("mixed precision") if started.precision == "mixed" else "float32",
                train=started.n_train,
                validation=started.n_validation,
                test=started.n_test,
            )
        )

    @Slot(object)
    def _on_batch_done(self, done: BatchDone) -> None:
        self._loss.add(done.loss)
        self._accuracy.add(100 * done.accuracy)
        started = self._model.start_event
        if started is not None:
            self._bar.setRange(0, started.epochs * started.batches_per_epoch)
        self._bar.setValue((done.epoch - 1) * done.batches + done.batch)
        self._show_figures()
        self._show_stage()

    @Slot(object)
    def _on_epoch_done(self, done: EpochDone) -> None:
        if done.validation_loss is not None and done.validation_accuracy is not None:
            self._loss.add_validation(done.validation_loss)
            self._accuracy.add_validation(100 * done.validation_accuracy)
        self._write(*epoch_words(done))
        self._show_figures()

    @Slot(object)
    def _on_model_trained(self, done: TrainingDone) -> None:
        for sentence in result_words(done):
            self._write(sentence)

    @Slot(object)
    def _on_model_stopped(self, model: Path | None) -> None:
        if self._model.outcome is Outcome.FAILED:
            self._write(Message("Training failed."))
        else:
            self._write(Message("Stopped."))
        if model is not None:
            self._write(Message("Saved in {folder}", folder=str(model.parent)))

    def _write(self, *sentences: Message) -> None:
        self._lines.append(sentences)
        self._log.appendPlainText("".join(say(sentence) for sentence in sentences))

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

    def _show_stage(self) -> None:
        model = self._model
        if model.is_stopping:
            self._stage.setText(tr("Finishing this batch, then stopping …"))
        elif model.is_training and model.start_event is not None:
            self._stage.setText(tr("Training"))
        elif model.is_training:
            self._stage.setText(tr("Getting ready …"))
        elif model.result is not None:
            self._stage.setText(tr("Finished"))
        elif model.outcome is Outcome.FAILED:
            self._stage.setText(tr("Failed"))
        elif model.outcome is Outcome.CANCELLED:
            self._stage.setText(tr("Stopped"))
        else:
            self._stage.setText(tr("Not started"))
        if not model.is_training and self._bar.maximum() == 0:
            self._bar.setRange(0, 1)

    def _show_figures(self) -> None:
        model = self._model
        latest = model.batches[-1] if model.batches else None
        best = next((epoch for epoch in reversed(model.epochs) if epoch.is_best), None)
        left = latest.seconds_left if latest and model.is_training else None
        best_text = "–"
        if best is not None and best.validation_accuracy is not None:
            best_text = f"{best.epoch}  ({best.validation_accuracy:.1%})"
        started = model.start_event
        n_epochs = started.epochs if started else model.config.epochs
        values = (
            (f"{latest.epoch} / {n_epochs}" if latest else f"– / {n_epochs}", tr("epoch")),
            (f"{latest.batch} / {latest.batches}" if latest else "–", tr("batch")),
            (f"{latest.images_per_second:.1f}" if latest else "–", tr("films per second")),
            (duration(left) if left is not None else "–", tr("time left")),
            (best_text, tr("best epoch (validation accuracy)")),
        )
        for figure, (value, caption) in zip(self._figures, values, strict=True):
            figure.show_value(value, caption)

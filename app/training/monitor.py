"""Monitor of a run: figures, advice, curves and log."""

from collections import deque
from pathlib import Path

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QPlainTextEdit, QProgressBar

from app.failures import show_failure
from app.i18n import duration, say, tr
from app.tasks import Outcome
from app.training.plots import PlotDeck
from app.training.viewmodel import TrainingViewModel
from app.widgets.cards import FigureGrid
from app.widgets.labels import plain_label
from app.widgets.layouts import h_box, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.plot import PlotColours
from app.wording import epoch_words, result_words
from core.errors import Message
from core.events import EpochDone, Progress, TrainingDone, TrainingStarted
from core.training.history import History
from core.training.schedule import learning_rates

N_FIGURES = 7
NOTHING = "–"
MAX_LINES = 2000  # of the log
STEPS_OF_EPOCH = 1000  # of the progress bar
MAX_PREVIEWED_RATES = 4000  # more points than the plot has pixels
REFRESH_MS = 200  # of figures, while batches come faster than anybody reads
EPOCHS_BEFORE_ADVICE = 3


class TrainingFigures(TranslatedWidget):
    """Reads one training view-model each time it is refreshed."""

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._grid = FigureGrid(N_FIGURES)
        v_box(self._grid, owner=self)
        self.retranslate()

    def retranslate(self) -> None:
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the latest values."""
        model = self._model
        latest = model.history.latest
        n_epochs = model.start_event.epochs if model.start_event else model.config.n_epochs
        speed = latest.images_per_second if latest else 0.0
        values = (
            (f"{latest.epoch if latest else NOTHING} / {n_epochs}", tr("epoch")),
            (f"{latest.batch} / {latest.batches}" if latest else NOTHING, tr("batch")),
            (f"{speed:.1f}" if speed else NOTHING, tr("films per second")),
            self._time(),
            (self._best(), tr("best epoch")),
            (self._since_best(), tr("epochs since best")),
            self._memory(),
        )
        for figure, (value, caption) in zip(self._grid.figures, values, strict=True):
            figure.show_value(value, caption)

    def _time(self) -> tuple[str, str]:
        model, latest = self._model, self._model.history.latest
        if model.is_training and latest is not None and latest.images_per_second:
            return duration(latest.seconds_left), tr("time left")
        if model.latest_estimate is not None and not model.is_training:
            return f"≈ {duration(model.latest_estimate.seconds)}", tr("time, estimated")
        return NOTHING, tr("time left")

    def _best(self) -> str:
        best = self._model.history.best
        if best is None or best.validation_accuracy is None:
            return NOTHING
        return f"{best.epoch} ({best.validation_accuracy:.1%})"

    def _since_best(self) -> str:
        ago = self._model.epochs_since_best()
        return NOTHING if ago is None else str(ago)

    def _memory(self) -> tuple[str, str]:
        model = self._model
        if model.is_training:
            return _gigabytes(model.memory_in_use()), tr("memory")
        if model.latest_estimate is not None and not model.is_training:
            return f"≈ {_gigabytes(model.latest_estimate.memory_bytes)}", tr("memory, estimated")
        return NOTHING, tr("memory")


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"


class TrainingLog(TranslatedWidget):
    """Keeps messages, so that the log changes its language with everything else."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[Message, ...]] = deque(maxlen=MAX_LINES)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumBlockCount(MAX_LINES)
        v_box(self._text, owner=self)
        self.retranslate()

    def write(self, *sentences: Message) -> None:
        """Append one line, its sentences joined without a space."""
        self._lines.append(sentences)
        self._text.appendPlainText("".join(say(sentence) for sentence in sentences))

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()
        self._text.clear()

    def retranslate(self) -> None:
        self._text.setAccessibleName(tr("Log"))
        self._text.setPlainText(
            "\n".join("".join(say(part) for part in line) for line in self._lines)
        )


class TrainingMonitor(TranslatedWidget):
    """Follows one training view-model."""

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._figures = TrainingFigures(model)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._stage = plain_label("muted")
        self._advice = plain_label(wraps=True)
        self._log = TrainingLog()
        self._deck = PlotDeck(self._log)
        self._chosen_epoch: int | None = None
        self._previewed: object = None  # what the learning rates are drawn for
        self._is_stale = False
        progress = h_box((self._bar, 1), self._stage, spacing=12)
        v_box(self._figures, progress, self._advice, (self._deck, 1), owner=self, spacing=8)
        self._connect()
        self.retranslate()
        self._on_model_changed()

    def _connect(self) -> None:
        model = self._model
        model.changed.connect(self._on_model_changed)
        model.progressed.connect(self._on_model_progressed)
        model.started.connect(self._on_model_started)
        model.history_read.connect(self._on_history_read)
        model.noted.connect(self._log.write)
        model.batch_done.connect(self._on_batch_done)
        model.epoch_done.connect(self._on_epoch_done)
        model.trained.connect(self._on_model_trained)
        model.stopped.connect(self._on_model_stopped)
        model.estimated.connect(self._figures.refresh)
        self._deck.epoch_chosen.connect(self._on_epoch_chosen)
        self._deck.export_failed.connect(lambda failure: show_failure(failure, self))
        refreshing = QTimer(self)
        refreshing.timeout.connect(self._on_refresh)
        refreshing.start(REFRESH_MS)

    def show_colours(self, colours: PlotColours) -> None:
        """Take a theme's colours."""
        self._deck.show_colours(colours)

    def retranslate(self) -> None:
        self._show_stage()
        self._show_advice()

    @Slot()
    def _on_model_changed(self) -> None:
        is_new = not self._model.history.n_batches and not self._model.start_event
        if self._model.is_training and is_new:
            self._begin()
        self._show_rates()
        self._figures.refresh()
        self._show_stage()
        self._show_advice()

    def _begin(self) -> None:
        """Empty what shows the run before."""
        self._chosen_epoch = None
        self._deck.show_history(self._model.history)
        self._log.clear()
        self._bar.setRange(0, 0)

    @Slot(object)
    def _on_model_progressed(self, progress: Progress) -> None:
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        self._stage.setText(tr("{stage} …", stage=say(progress.stage)))

    @Slot(object)
    def _on_model_started(self, started: TrainingStarted) -> None:
        self._deck.show_length(started.epochs, started.epochs * started.batches_per_epoch)
        self._show_rates()
        self._log.write(
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
    def _on_history_read(self, history: History) -> None:
        """Draw the curves of a run that goes on, as far as they count."""
        self._deck.show_history(history)
        self._figures.refresh()
        self._show_advice()

    @Slot()
    def _on_batch_done(self) -> None:
        self._deck.mark_stale()
        self._is_stale = True

    @Slot(object)
    def _on_epoch_done(self, done: EpochDone) -> None:
        self._deck.mark_stale()
        self._log.write(*epoch_words(done))
        self._figures.refresh()
        self._show_advice()

    @Slot(object)
    def _on_model_trained(self, done: TrainingDone) -> None:
        for sentence in result_words(done):
            self._log.write(sentence)

    @Slot(object)
    def _on_model_stopped(self, model: Path | None) -> None:
        if self._model.outcome is Outcome.FAILED:
            self._log.write(Message("Training failed."))
        elif self._model.is_paused:
            self._log.write(Message("Paused. The run can be resumed at any time."))
        else:
            self._log.write(Message("Stopped."))
        if model is not None:
            self._log.write(Message("Saved in {folder}", folder=str(model.parent)))

    @Slot(int)
    def _on_epoch_chosen(self, epoch: int) -> None:
        self._chosen_epoch = None if epoch == self._chosen_epoch else epoch
        self._show_advice()

    @Slot()
    def _on_refresh(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self._figures.refresh()
            self._show_stage()

    def _show_rates(self) -> None:
        """Draw the learning rate of the run, else of the settings as they are."""
        model = self._model
        config = model.run_config if model.is_training else model.config
        if config == self._previewed:
            return
        self._previewed = config
        n_steps = max(2, min(100, MAX_PREVIEWED_RATES // config.n_epochs))
        self._deck.show_rates(learning_rates(config, n_steps), config.n_epochs)

    def _show_stage(self) -> None:
        model = self._model
        is_settled = True
        if model.is_pausing:
            text = tr("Finishing this batch, then pausing …")
        elif model.is_stopping:
            text = tr("Finishing this batch, then stopping …")
        elif model.is_estimating:
            text, is_settled = tr("Measuring …"), False
        elif model.is_training and model.history.n_batches:
            text = tr("Training now")
        elif model.is_training:
            text, is_settled = tr("Getting ready …"), False
        elif model.result is not None:
            text = tr("Finished")
        elif model.outcome is Outcome.FAILED:
            text = tr("Failed")
        elif model.is_paused:
            text = tr("Paused")
        elif model.outcome is Outcome.CANCELLED:
            text = tr("Stopped")
        else:
            text = tr("Not started")
        self._stage.setText(text)
        if is_settled:
            self._show_progress()

    def _show_progress(self) -> None:
        latest, started = self._model.history.latest, self._model.start_event
        n_epochs = started.epochs if started else self._model.config.n_epochs
        self._bar.setRange(0, n_epochs * STEPS_OF_EPOCH)
        done = latest.epoch - 1 + latest.batch / latest.batches if latest else 0.0
        self._bar.setValue(round(done * STEPS_OF_EPOCH))

    def _show_advice(self) -> None:
        """The epoch that the user clicked at, then what the curves say."""
        lines = [
            "".join(say(part) for part in epoch_words(epoch))
            for epoch in self._model.history.epochs
            if epoch.epoch == self._chosen_epoch
        ]
        lines += [say(message) for message in self._model.advice()]
        if not lines and len(self._model.history.epochs) < EPOCHS_BEFORE_ADVICE:
            lines = [tr("After three epochs it is told here in plain words how training goes.")]
        self._advice.setText("\n".join(lines))

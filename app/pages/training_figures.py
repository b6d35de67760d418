"""The figures of a run at a glance; before the start, what was estimated of it."""

from PySide6.QtWidgets import QVBoxLayout

from app.durations import duration
from app.translation import tr
from app.viewmodels.training import TrainingViewModel
from app.widgets.figure_grid import FigureGrid
from app.widgets.translated import TranslatedWidget

N_FIGURES = 7
NOTHING = "–"


class TrainingFigures(TranslatedWidget):
    """Reads one training view-model each time it is refreshed."""

    def __init__(self, model: TrainingViewModel) -> None:
        super().__init__()
        self._model = model
        self._grid = FigureGrid(N_FIGURES)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._grid)
        self.retranslate()

    def retranslate(self) -> None:
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the latest values."""
        model = self._model
        latest = model.batches[-1] if model.batches else None
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
        model = self._model
        if model.is_training and model.batches and model.batches[-1].images_per_second:
            return duration(model.batches[-1].seconds_left), tr("time left")
        if model.latest_estimate is not None and not model.is_training:
            return f"≈ {duration(model.latest_estimate.seconds)}", tr("time, estimated")
        return NOTHING, tr("time left")

    def _best(self) -> str:
        best = next((epoch for epoch in reversed(self._model.epochs) if epoch.is_best), None)
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

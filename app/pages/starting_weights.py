"""What the next run starts from: a choice, how opening it goes, and what of it fits."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout

from app.pages.setting_explanations import explanations
from app.pages.setting_group import ROW_SPACING_PX, SettingGroup
from app.pages.setting_words import setting_words, value_words
from app.translation import say, tr
from app.viewmodels.initial_weights import InitialWeightsViewModel, Start
from app.viewmodels.training import TrainingViewModel
from app.widgets.labels import plain_label
from app.widgets.progress_card import ProgressCard
from app.widgets.setting_fields import ChoiceField, FlagField
from app.widgets.translated import TranslatedWidget

STARTS: Final[tuple[Start, ...]] = ("random", "published", "file")
ENDINGS = "*.safetensors *.pdparams"


class StartingWeights(TranslatedWidget):
    """Bound to the view-model of the weights and to that of the run."""

    def __init__(self, model: TrainingViewModel, weights: InitialWeightsViewModel) -> None:
        super().__init__()
        self._model, self._weights = model, weights
        self._start = ChoiceField(STARTS, start_words)
        self._file, self._fetch = QPushButton(), QPushButton()
        self._progress = ProgressCard()
        self._told, self._warning = (plain_label(name, wraps=True) for name in ("muted", "warning"))
        self._frozen = SettingGroup(model, {"is_backbone_frozen": FlagField(value_words)})
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_SPACING_PX)
        for part in (
            self._start,
            self._file,
            self._fetch,
            self._progress,
            self._warning,
            self._told,
            self._frozen,
        ):
            column.addWidget(part)
        self._start.edited.connect(self._on_start_edited)
        self._start.usual_wanted.connect(weights.start_at_random)
        self._file.clicked.connect(self._choose_file)
        self._fetch.clicked.connect(weights.fetch_published)
        self._progress.cancelled.connect(weights.start_at_random)
        weights.progressed.connect(self._progress.show_progress)
        weights.changed.connect(self._show_state)
        model.changed.connect(self._show_state)
        self.retranslate()

    def summary(self) -> str:
        """What the run starts from, in a line."""
        weights = self._weights.weights
        return weights.name if weights is not None else start_words(self._weights.start)

    def retranslate(self) -> None:
        name = setting_words("initial_weights")
        self._start.show_words(
            name, explanations()["initial_weights"], tr("About: {name}", name=name)
        )
        self._start.name_options()
        self._file.setText(tr("Choose a file …"))
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        weights, is_idle = self._weights, not self._model.is_training
        self._start.show_value(weights.start)
        self._start.set_usable(is_idle)
        is_other = weights.start != "random"
        self._start.offer_usual(
            tr("Reference: {value}", value=start_words("random")) if is_other else ""
        )
        self._file.setVisible(weights.start == "file")
        self._file.setEnabled(is_idle)
        self._fetch.setVisible(weights.needs_fetching)
        if weights.needs_fetching:
            self._fetch.setText(tr("Fetch {file}", file=weights.published_file))
        self._fetch.setEnabled(is_idle)
        self._progress.setVisible(weights.is_busy)
        self._show_sentences()

    def _show_sentences(self) -> None:
        told = "\n".join(say(sentence) for sentence in self._weights.description())
        self._told.setText(told)
        self._told.setVisible(bool(told))
        warning = "\n".join(self._warnings())
        self._warning.setText(warning)
        self._warning.setVisible(bool(warning))

    def _warnings(self) -> list[str]:
        weights, config = self._weights, self._model.config
        warnings = []
        if weights.failure is not None:
            warnings.append(say(weights.failure))
        if weights.is_waiting:
            warnings.append(tr("Open a dataset first: the weights are fitted to its classes."))
        if weights.start != "random" and weights.weights is None:
            warnings.append(tr("Until these weights are open, a run starts at random."))
        if weights.remembered:
            warnings.append(
                tr(
                    "The run that these settings are from started from {file}. Choose it again, "
                    "or the network starts at random.",
                    file=weights.remembered,
                )
            )
        elif config.is_backbone_frozen and weights.start == "random":
            warnings.append(
                tr(
                    "A backbone that is frozen at random learns nothing. Choose weights to start "
                    "from, or let it learn."
                )
            )
        return warnings

    @Slot(object)
    def _on_start_edited(self, start: Start) -> None:
        match start:
            case "random":
                self._weights.start_at_random()
            case "published":
                self._weights.fetch_published()
            case "file":
                self._choose_file()

    @Slot()
    def _choose_file(self) -> None:
        folder = self._weights.folder  # where people are told to put what cannot be fetched
        kinds = tr("Weights") + f" ({ENDINGS});;" + tr("All files") + " (*)"
        dialog = QFileDialog(
            self, tr("Choose weights"), str(folder) if folder.is_dir() else "", kinds
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_file_selected)
        dialog.finished.connect(self._show_state)  # nothing may have been chosen
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(str)
    def _on_file_selected(self, name: str) -> None:
        self._weights.open_file(Path(name))


def start_words(start: Start) -> str:
    """What a run can start from, in the user's language."""
    match start:
        case "random":
            return tr("At random")
        case "published":
            return tr("Published weights")
        case "file":
            return tr("A file …")

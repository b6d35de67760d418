"""The form of the next run's settings: basic ones on top, advanced ones folded away."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import listing, say, tr
from app.setting_words import (
    DEVICE_DESCRIPTION,
    GROUP_TITLES,
    setting_description,
    setting_title,
    setting_value,
)
from app.training.viewmodel import TrainingViewModel
from app.training.weights_viewmodel import InitialWeightsViewModel, Start
from app.widgets.cards import ProgressCard
from app.widgets.labels import plain_label, show_text
from app.widgets.layouts import v_box
from app.widgets.page import TranslatedWidget
from app.widgets.setting_fields import ChoiceField, SettingField, setting_field
from app.wording import split_words
from core.config import PRESETS, Group, preset, settings
from core.runtime.devices import Device

ROW_SPACING_PX = 9
NO_REFERENCE = frozenset({"seed"})  # the presets leave it alone


class SettingGroup(TranslatedWidget):
    """A row for each setting, with the notebook's value where it differs.

    Args:
        model: Whose settings these are.
        fields: By the names of the settings, in their order.
    """

    def __init__(self, model: TrainingViewModel, fields: Mapping[str, SettingField]) -> None:
        super().__init__()
        self._model, self._fields = model, fields
        self._reference = preset("reference")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(ROW_SPACING_PX)
        for name, field in fields.items():
            column.addWidget(field)
            field.edited.connect(partial(self._set, name))
            field.usual_wanted.connect(partial(self._set_to_reference, name))
        model.changed.connect(self.show_settings)
        self.retranslate()

    def retranslate(self) -> None:
        for name, field in self._fields.items():
            _show_words(field, name)
        self.show_settings()

    def summary(self, names: Sequence[str]) -> str:
        """Some of the settings in a line."""
        config = self._model.config
        return listing(
            tr(
                "{name}: {value}",
                name=setting_title(name),
                value=self._fields[name].value_words(config.value(name)),
            )
            for name in names
        )

    @Slot()
    def show_settings(self) -> None:
        """Show what the view-model holds."""
        config = self._model.config
        for name, field in self._fields.items():
            value, usual = config.value(name), self._reference.value(name)
            if isinstance(field, ChoiceField):
                field.name_options()  # a split tells its shares, which change
            field.show_value(value)
            is_usable = config.is_used(name) and not self._model.is_training
            field.set_usable(is_usable)
            is_other = value != usual and name not in NO_REFERENCE and config.is_used(name)
            field.offer_usual(
                tr("Reference: {value}, use", value=field.value_words(usual)) if is_other else ""
            )

    def _set(self, name: str, value: Any) -> None:
        self._model.set_config(self._model.config.edited(**{name: value}))

    def _set_to_reference(self, name: str) -> None:
        self._set(name, self._reference.value(name))


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
        self._frozen = SettingGroup(
            model, {"is_backbone_frozen": setting_field(settings()["is_backbone_frozen"])}
        )
        v_box(
            self._start,
            self._file,
            self._fetch,
            self._progress,
            self._warning,
            self._told,
            self._frozen,
            owner=self,
            spacing=ROW_SPACING_PX,
        )
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
        """Name in a line the weights that the run starts from."""
        weights = self._weights.weights
        return weights.name if weights is not None else start_words(self._weights.start)

    def retranslate(self) -> None:
        _show_words(self._start, "initial_weights")
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
            tr("Reference: {value}, use", value=start_words("random")) if is_other else ""
        )
        self._file.setVisible(weights.start == "file")
        self._file.setEnabled(is_idle)
        self._fetch.setVisible(weights.needs_fetching)
        if weights.needs_fetching:
            self._fetch.setText(tr("Fetch {file}", file=weights.published_file))
        self._fetch.setEnabled(is_idle)
        self._progress.setVisible(weights.is_busy)
        show_text(self._told, "\n".join(say(one) for one in self._weights.description()))
        show_text(self._warning, "\n".join(self._warnings()))

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
    """Name a start of the weights in the user's language."""
    match start:
        case "random":
            return tr("At random")
        case "published":
            return tr("Published weights")
        case "file":
            return tr("A file …")


def fields_of(group: Group, model: TrainingViewModel) -> dict[str, SettingField]:
    """Make a field for each setting of a group.

    Args:
        group: Of the settings.
        model: Knows the shares and folds that the names of the splits tell.
    """
    own_words = {"split": lambda scheme: say(split_words(scheme, model.config))}
    return {
        name: setting_field(known, own_words.get(name))
        for name, known in settings().items()
        if known.shown.group == group
    }


TERMS: Final = {  # settings -> headings of the glossary
    "architecture": "resnet",
    "map_detail": "heat-map",
    "epochs": "epoch",
    "batch_size": "batch",
    "learning_rate": "learning-rate",
    "split": "split",
    "seed": "seed",
    "early_stopping_patience": "early-stopping",
}


def _show_words(field: SettingField, name: str) -> None:
    title = setting_title(name)
    about = tr("About: {name}", name=title)
    field.show_words(title, setting_description(name), about, TERMS.get(name, ""))


class FoldingGroup(QWidget):
    """Folded at first; a line below its title sums up what is inside.

    Args:
        content: Shown while it is unfolded.
    """

    folded = Signal(bool)  # by the user: True if unfolded

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content, self._is_unfolded = content, False
        self._title, self._summary = QToolButton(), plain_label("muted", wraps=True)
        self._title.setObjectName("sectionTitle")
        self._title.setAutoRaise(True)
        self._title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        v_box(self._title, self._summary, content, owner=self, spacing=4)
        self._summary.setIndent(22)
        self._title.clicked.connect(self._on_title_clicked)
        self.set_unfolded(False)

    @Slot()
    def _on_title_clicked(self) -> None:
        self.set_unfolded(not self._is_unfolded)
        self.folded.emit(self._is_unfolded)

    def set_unfolded(self, is_unfolded: bool) -> None:
        """Show or hide the content."""
        self._is_unfolded = is_unfolded
        arrow = Qt.ArrowType.DownArrow if is_unfolded else Qt.ArrowType.RightArrow
        self._title.setArrowType(arrow)
        self._content.setVisible(is_unfolded)
        self._summary.setVisible(not is_unfolded)

    def show_title(self, title: str) -> None:
        """Name the group."""
        self._title.setText(title)
        self._title.setAccessibleName(title)

    def show_summary(self, summary: str) -> None:
        """Sum up the content in a line."""
        self._summary.setText(summary)
        self._title.setAccessibleDescription(summary)


FORM_PX = 300
BASIC = ("architecture", "epochs", "image_size")  # with preset and device, what most runs need


class TrainingForm(TranslatedWidget):
    """Fields bound to a training view-model.

    Args:
        model: Whose settings these are.
        weights: What the run starts from.
    """

    def __init__(self, model: TrainingViewModel, weights: InitialWeightsViewModel) -> None:
        super().__init__()
        self._model = model
        self._devices: tuple[Device, ...] = ()
        self._preset = ChoiceField(PRESETS, partial(setting_value, "preset"))
        self._note = plain_label("muted", wraps=True)
        self._back = QToolButton()
        self._back.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._back.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        fields = fields_of("basics", model)
        self._basics = SettingGroup(model, {name: fields.pop(name) for name in BASIC})
        self._details = SettingGroup(model, fields)
        self._device = ChoiceField(["auto"], self._device_words)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 10, 0)
        self._column.setSpacing(ROW_SPACING_PX)
        self._column.addStrut(FORM_PX)
        for part in (self._preset, self._note, self._back, self._basics, self._device):
            self._column.addWidget(part)
        self._inner = QVBoxLayout()
        self._inner.setSpacing(ROW_SPACING_PX)
        self._inner.setContentsMargins(0, 0, 0, 0)
        self._inner.addWidget(self._details)
        keeps_its_place = self._back.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self._back.setSizePolicy(keeps_its_place)
        self._summaries: dict[FoldingGroup, Callable[[], str]] = {}
        self._groups = self._add_groups(weights)
        inner = QWidget()
        inner.setLayout(self._inner)
        self.advanced = FoldingGroup(inner)
        self._column.addWidget(self.advanced)
        self._column.addStretch()
        self._preset.edited.connect(model.choose_preset)
        self._back.clicked.connect(self._on_back_clicked)
        self._device.edited.connect(self._on_device_edited)
        model.changed.connect(self._on_model_changed)
        model.devices_found.connect(self._on_devices_found)
        weights.changed.connect(self._on_model_changed)
        self.retranslate()

    def _add_groups(self, weights: InitialWeightsViewModel) -> dict[Group, FoldingGroup]:
        """Add the parts that are folded away."""
        groups: dict[Group, FoldingGroup] = {}
        summarised: tuple[tuple[Group, tuple[str, ...]], ...] = (
            ("optimiser", ("optimiser", "schedule")),
            ("ending", ("early_stopping_patience", "averaging")),
            ("arithmetic", ("precision", "is_norm_warmed_up")),
        )
        for name, names in summarised:
            content = SettingGroup(self._model, fields_of(name, self._model))
            groups[name] = self._add_group(content, partial(content.summary, names))
            if name == "ending":
                start = StartingWeights(self._model, weights)
                groups["start"] = self._add_group(start, start.summary)
        return groups

    def _add_group(self, content: QWidget, summary: Callable[[], str]) -> FoldingGroup:
        group = FoldingGroup(content)
        self._summaries[group] = summary
        self._inner.addWidget(group)
        return group

    def retranslate(self) -> None:
        self.advanced.show_title(tr("Advanced settings"))
        for name, group in self._groups.items():
            group.show_title(say(GROUP_TITLES[name]))
        _show_words(self._preset, "preset")
        self._preset.name_options()
        device = setting_title("device")
        self._device.show_words(
            device,
            say(DEVICE_DESCRIPTION),
            tr("About: {name}", name=device),
        )
        self._device.name_options()
        self._back.setText(tr("Back to the preset"))
        self._on_model_changed()

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._model
        self._preset.show_value(model.config.preset)
        self._device.show_value(model.device_name)
        for part in (self._preset, self._device):
            part.set_usable(not model.is_training)
        self._back.setVisible(model.is_changed)
        self._back.setEnabled(not model.is_training)
        self._show_note()
        for group, summary in self._summaries.items():
            group.show_summary(summary())
        self.advanced.show_summary(self._details.summary(("batch_size", "learning_rate")))

    @Slot()
    def _on_back_clicked(self) -> None:
        self._preset.field.setFocus()  # the button goes
        self._model.choose_preset(self._model.config.preset)

    @Slot(object)
    def _on_device_edited(self, name: str) -> None:
        self._model.device_name = name

    @Slot(object)
    def _on_devices_found(self, devices: tuple[Device, ...]) -> None:
        known = {device.name for device in self._devices}
        self._devices = devices
        self._device.add_options([one.name for one in devices if one.name not in known])

    def _device_words(self, name: str) -> str:
        device = next((one for one in self._devices if one.name == name), None)
        if device is None:
            return setting_value("device", name)
        return f"{device.description}, {device.memory_bytes / 2**30:.0f} GiB"

    def _show_note(self) -> None:
        if self._model.config.preset == "reference":
            text = tr(
                "The published notebook's recipe to the letter: Adam, learning rate "
                "x exp(-0.6) after each epoch, no validation films."
            )
        else:
            text = tr(
                "AdamW with a one-cycle learning rate, label smoothing, classes weighed evenly, "
                "the seven augmentations; the epoch that validates best is kept."
            )
        self._note.setText(text)

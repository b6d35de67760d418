"""The settings of the next run: what most people change first, the rest folded away."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.pages.setting_explanations import explanations
from app.pages.setting_group import ROW_SPACING_PX, SettingGroup
from app.pages.setting_words import setting_words, value_words
from app.pages.starting_weights import StartingWeights
from app.pages.training_fields import arithmetic, basics, ending, optimiser
from app.translation import tr
from app.viewmodels.initial_weights import InitialWeightsViewModel
from app.viewmodels.training import TrainingViewModel
from app.widgets.folding_group import FoldingGroup
from app.widgets.labels import plain_label
from app.widgets.setting_fields import ChoiceField
from app.widgets.translated import TranslatedWidget
from core.config import PRESETS
from core.runtime.devices import Device

FORM_PX = 300


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
        self._preset = ChoiceField(PRESETS, value_words)
        self._note = plain_label("muted", wraps=True)
        self._back = QToolButton()
        self._back.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._back.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._basics = SettingGroup(model, basics(model))
        self._device = ChoiceField(["auto"], self._device_words)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 10, 0)
        self._column.setSpacing(ROW_SPACING_PX)
        self._column.addStrut(FORM_PX)
        for part in (self._preset, self._note, self._back, self._basics, self._device):
            self._column.addWidget(part)
        self._summaries: dict[FoldingGroup, Callable[[], str]] = {}
        self._groups = self._add_groups(weights)
        self._column.addStretch()
        self._preset.edited.connect(model.choose_preset)
        self._back.clicked.connect(self._on_back_clicked)
        self._device.edited.connect(self._on_device_edited)
        model.changed.connect(self._on_model_changed)
        model.devices_found.connect(self._on_devices_found)
        weights.changed.connect(self._on_model_changed)
        self.retranslate()

    def _add_groups(self, weights: InitialWeightsViewModel) -> dict[str, FoldingGroup]:
        """The parts that are folded away, by their names."""
        groups = {}
        for name, fields, summarised in (
            ("optimiser", optimiser(), ("optimiser", "schedule")),
            ("ending", ending(), ("early_stopping_patience", "averaging")),
            ("arithmetic", arithmetic(), ("precision", "is_norm_warmed_up")),
        ):
            content = SettingGroup(self._model, fields)
            groups[name] = self._add_group(content, partial(content.summary, summarised))
            if name == "ending":
                start = StartingWeights(self._model, weights)
                groups["start"] = self._add_group(start, start.summary)
        return groups

    def _add_group(self, content: QWidget, summary: Callable[[], str]) -> FoldingGroup:
        group = FoldingGroup(content)
        self._summaries[group] = summary
        self._column.addWidget(group)
        return group

    def retranslate(self) -> None:
        titles = {
            "optimiser": tr("Optimiser"),
            "ending": tr("When to stop and what to keep"),
            "start": tr("Start from"),
            "arithmetic": tr("Arithmetic"),
        }
        for name, group in self._groups.items():
            group.show_title(titles[name])
        self._preset.show_words(
            setting_words("preset"),
            tr("All settings at once; the seed and the device stay as they are."),
            tr("About: {name}", name=setting_words("preset")),
        )
        self._preset.name_options()
        self._device.show_words(
            setting_words("device"),
            explanations()["device"],
            tr("About: {name}", name=setting_words("device")),
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
            return value_words(name)
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
        if self._model.is_changed:
            text += " " + tr("You have changed some of its settings.")
        self._note.setText(text)

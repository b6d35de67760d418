"""Some settings of the next run below each other, bound to its view-model."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout

from app.pages.setting_explanations import explanations
from app.pages.setting_words import setting_words
from app.translation import listing, tr
from app.viewmodels.single_settings import setting, unused_settings, with_setting
from app.viewmodels.training import TrainingViewModel
from app.widgets.setting_fields import ChoiceField, SettingField
from app.widgets.translated import TranslatedWidget
from core.config import preset

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
        told = explanations()
        for name, field in self._fields.items():
            words = setting_words(name)
            field.show_words(words, told[name], tr("About: {name}", name=words))
        self.show_settings()

    def summary(self, names: Sequence[str]) -> str:
        """Some of the settings in a line."""
        config = self._model.config
        return listing(
            tr(
                "{name}: {value}",
                name=setting_words(name),
                value=self._fields[name].value_words(setting(config, name)),
            )
            for name in names
        )

    @Slot()
    def show_settings(self) -> None:
        """Show what the view-model holds."""
        config = self._model.config
        unused = unused_settings(config)
        for name, field in self._fields.items():
            value, usual = setting(config, name), setting(self._reference, name)
            if isinstance(field, ChoiceField):
                field.name_options()  # a split tells its shares, which change
            field.show_value(value)
            is_usable = name not in unused and not self._model.is_training
            field.set_usable(is_usable)
            is_other = value != usual and name not in NO_REFERENCE and name not in unused
            field.offer_usual(
                tr("Reference: {value}", value=field.value_words(usual)) if is_other else ""
            )

    def _set(self, name: str, value: Any) -> None:
        self._model.set_config(with_setting(self._model.config, name, value))

    def _set_to_reference(self, name: str) -> None:
        self._set(name, setting(self._reference, name))

"""What the next run will be: its settings, its films, its device."""

import dataclasses
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core.config import PresetName, TrainingConfig, preset
from core.data.loading import LoadedDataset
from core.runtime.devices import Device

if TYPE_CHECKING:
    from core.models.initial_weights import InitialWeights


class TrainingSettings(QObject):
    """Holds the settings and tells of every change."""

    changed = Signal()  # settings, dataset, running or not
    devices_found = Signal(object)  # tuple of Device

    def __init__(self) -> None:
        super().__init__()
        self._dataset: LoadedDataset | None = None
        self._config = preset("recommended")
        self.initial_weights: InitialWeights | None = None
        self.is_opening_weights = False  # what the run is to begin with is not there yet
        self.device_name = "auto"

    def set_opening_weights(self, is_opening: bool) -> None:
        """Say whether the initial weights are being read: no run begins without them."""
        if is_opening != self.is_opening_weights:
            self.is_opening_weights = is_opening
            self.changed.emit()

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run."""
        return self._config

    @property
    def is_changed(self) -> bool:
        """Whether a setting differs from its preset's, apart from the seed."""
        return self._config != dataclasses.replace(
            preset(self._config.preset), seed=self._config.seed
        )

    @property
    def dataset(self) -> LoadedDataset | None:
        """What the next run trains on."""
        return self._dataset

    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """Offer these devices."""
        self.devices_found.emit(devices)

    def set_dataset(self, dataset: LoadedDataset) -> None:
        """Train on `dataset` from now on."""
        self._dataset = dataset
        self.changed.emit()

    def choose_preset(self, name: PresetName) -> None:
        """Set every setting to the preset's, but for the seed."""
        self.set_config(dataclasses.replace(preset(name), seed=self._config.seed))

    def change(self, **values: Any) -> None:
        """Change some settings.

        Raises:
            ConfigError: A value is out of its range; nothing was changed.
        """
        self.set_config(dataclasses.replace(self._config, **values))

    def change_image_size(self, image_size: int) -> None:
        """Change the side of the square that films are brought to."""
        self.change(
            preprocessing=dataclasses.replace(self._config.preprocessing, image_size=image_size)
        )

    def set_config(self, config: TrainingConfig) -> None:
        """Take `config` for the next run."""
        if config != self._config:
            self._config = config
            self.changed.emit()

"""The augmentation of the next run, and the film on which it is tried."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from core.config import AugmentationConfig, PresetName, TrainingConfig, preset
from core.data.augmentation import draws

N_DRAWS = 12
Picture = Callable[[int], NDArray[np.uint8]]


class AugmentationViewModel(QObject):
    """Holds the settings and shows what the run's first epochs make of a film, then the next."""

    changed = Signal()  # the settings, or the preset to which they are compared
    film_changed = Signal()  # the film that is shown, the epochs or the seed

    def __init__(self) -> None:
        super().__init__()
        self._preset: PresetName = "recommended"
        self.config = preset("recommended").augmentation  # of the next run, as is the seed
        self.seed = 0
        self._names: tuple[str, ...] = ()
        self._picture: Picture | None = None
        self.index = 0  # of the film that is shown
        self._first_epoch = 1

    # The settings.

    @property
    def is_changed(self) -> bool:
        """True if a setting differs from the preset's."""
        return self.config != preset(self._preset).augmentation

    def set_config(self, config: AugmentationConfig) -> None:
        """Take `config` for the next run."""
        if config != self.config:
            self.config = config
            self.changed.emit()

    def change(self, **values: Any) -> None:
        """Change some settings.

        Raises:
            ConfigError: A value is out of its range; nothing was changed.
        """
        self.set_config(self.config.changed(**values))

    def reset(self) -> None:
        """Set every setting to the preset's."""
        self.set_config(preset(self._preset).augmentation)

    def follow(self, config: TrainingConfig) -> None:
        """Take augmentation, preset and seed of the run that is being set up."""
        if config.seed != self.seed:
            self.seed = config.seed
            self.film_changed.emit()
        if (config.preset, config.augmentation) != (self._preset, self.config):
            self._preset, self.config = config.preset, config.augmentation
            self.changed.emit()

    # The film.

    def set_films(self, names: Sequence[str], picture: Picture) -> None:
        """Try the settings on these films.

        Args:
            names: The films the next run trains on, in its order: then the pictures are
                exactly the run's.
            picture: Gives the film at a place as the square that training takes, (S, S) or
                (S, S, 3).
        """
        self._names, self._picture = tuple(names), picture
        self.index, self._first_epoch = 0, 1
        self.film_changed.emit()

    @property
    def n_films(self) -> int:
        """The number of films to choose from."""
        return len(self._names)

    @property
    def name(self) -> str:
        """The name of the film that is shown; empty where there is none."""
        return self._names[self.index] if self._names else ""

    @property
    def epochs(self) -> range:
        """The epochs, from 1, whose pictures are shown."""
        return range(self._first_epoch, self._first_epoch + N_DRAWS)

    def show_film(self, index: int) -> None:
        """Show another film, counted from 0; past the last comes the first."""
        if self._names and index % self.n_films != self.index:
            self.index = index % self.n_films
            self.film_changed.emit()

    def show_next(self) -> None:
        """Show the next film."""
        self.show_film(self.index + 1)

    def show_previous(self) -> None:
        """Show the film before."""
        self.show_film(self.index - 1)

    def draw_again(self) -> None:
        """Go on to the next epochs."""
        self._first_epoch += N_DRAWS
        self.film_changed.emit()

    def original(self) -> NDArray[np.uint8] | None:
        """The film as it is; None where there is none."""
        if self._picture is None or not self._names:
            return None
        return self._picture(self.index)

    def draws(self, film: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """Return the pictures that training makes of `film` in each of the epochs."""
        return draws(
            film,
            self.config,
            self.seed,
            N_DRAWS,
            index=self.index,
            first_epoch=self._first_epoch,
        )
